"""`python -m infra.archive`: commands on the archives of a stack. `make` has a target for each."""

import typer

from infra.archive import (
    commands_cost,
    commands_erase,
    commands_export,
    commands_keeping,
    commands_register,
    commands_replay,
    commands_subject,
    commands_verify,
)
from infra.archive.commands_search import search

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Read, prove and use the archive of a stack. AWS's own environment (AWS_PROFILE, AWS_ENDPOINT_URL ...) decides "
    "where it is. Exit status: 0 fine, 1 a finding or a failure, 2 bad input.",
)


@app.callback()
def archive() -> None:
    """Keep subcommands, however few there are."""


app.command("replay")(commands_replay.replay)
app.command("replay-config")(commands_replay.replay_configuration)
app.command("export")(commands_export.export)
app.command()(search)
app.command("hold")(commands_keeping.hold_archive)
app.command("extend")(commands_keeping.extend_locks)
app.command("certificate")(commands_keeping.certify_expiry)
app.command("register")(commands_register.show_register)
app.command("cost")(commands_cost.cost)
app.command("subject-export")(commands_subject.subject_export)
app.command("subject-erase")(commands_erase.subject_erase)

app.command("verify")(commands_verify.verify)

if __name__ == "__main__":
    app()
