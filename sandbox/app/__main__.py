"""Play the scenario and write the service's JSON log lines to stdout: `python -m sandbox.app --help`."""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

from sandbox.app.logging_setup import configure_logging
from sandbox.app.manifest import Manifest
from sandbox.app.settings import RunSettings, configure


def archive_dsn(seed: int) -> str:
    """Return the archive database's connection string: a port of this machine where nobody listens."""
    password = f"{random.Random(f'archive/{seed}').getrandbits(80):020x}"  # noqa: S311 - made up, to be found again
    return f"postgresql://tinybeans_archive:{password}@127.0.0.1:1/albums"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.app",
        description="Play scripted requests against the Tinybeans service; its JSON log lines go to stdout.",
    )
    parser.add_argument("--repeat", type=int, default=1, help="how many families play the scenario (default 1)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes up the same people (default 0)")
    parser.add_argument("--manifest", type=Path, help="write every sensitive value of the run to this JSON file")
    options = parser.parse_args(arguments)
    if options.repeat < 1:
        parser.error(f"--repeat is {options.repeat}: at least one family has to play")
    return options


def main() -> None:
    """Set the service up in memory and play."""
    options = parse()
    configure_logging(sys.stdout)
    configure(RunSettings(archive_dsn=archive_dsn(options.seed)))

    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0, interactive=False)

    from sandbox.app.scenario import run_scenario

    manifest = Manifest()
    run_scenario(manifest, seed=options.seed, repeat=options.repeat)
    if options.manifest is not None:
        manifest.write(options.manifest)


if __name__ == "__main__":
    main()
