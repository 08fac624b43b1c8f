"""`python -m infra.render`: the collector's configuration and alert rules of every stack, and the questions saved in
Athena, written where reviewers see them change."""

import datetime
import difflib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from infra.documents.alerts import rules
from infra.documents.collector import collector_config, dumps, load_fragments
from infra.documents.search import statement
from infra.documents.task_size import rendered_file
from infra.problems import InputError
from infra.stack_file import context_from_file, stacks

ROOT = Path(__file__).resolve().parent.parent


def rendered(root: Path) -> dict[Path, str]:
    """Return path -> text for every stack that has a Pulumi.<stack>.yaml in `root`, and for each saved question."""
    today = datetime.datetime.now(tz=datetime.UTC).date()
    fragments = load_fragments(root / "collector_configs")
    contexts = {stack: context_from_file(stack, root, today) for stack in stacks(root)}
    configurations = {
        root / rendered_file(stack): dumps(collector_config(context, fragments), stack=stack)
        for stack, context in contexts.items()
    }
    alerts = {
        root / rules.rules_file(stack): rules.dumps(rules.stack_rules(context), stack)
        for stack, context in contexts.items()
    }
    questions = {root / path.relative_to(ROOT): text for path, text in statement.rendered().items()}
    return {**configurations, **alerts, **questions}


def main(
    *, check: Annotated[bool, typer.Option(help="Write nothing; exit 1 with the difference when out of step.")] = False
) -> None:
    """Render collector_configs/rendered/<stack>.yaml and collector_configs/alerts/<stack>.rules.yaml for every stack,
    and infra/documents/search/athena/.
    """
    out = Console(highlight=False, soft_wrap=True)
    try:
        files = rendered(ROOT)
    except InputError as error:
        out.print(escape(str(error)))
        raise typer.Exit(2) from None
    behind = False
    for path, text in files.items():
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        name = str(path.relative_to(ROOT))
        if old == text:
            out.print(f"  up to date  {name}  {len(text.encode()):,} bytes")
            continue
        behind = True
        if check:
            out.print(escape("".join(difflib.unified_diff(old.splitlines(True), text.splitlines(True), name, name))))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            out.print(f"  [green]written[/]     {name}  {len(text.encode()):,} bytes")
    if check and behind:
        out.print("what is rendered is out of step: run `make render` and commit the result")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
