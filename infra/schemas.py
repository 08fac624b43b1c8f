"""What is written from the models: the JSON Schema of each policy file, and the reference of the stack settings.

`python -m infra.schemas` writes policy/schemas/*.schema.json and docs/settings.md; with --check it only says whether
they are in step.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from infra.described import described_schema
from infra.model import Model
from infra.policy.load import FILES
from infra.settings_reference import reference

ROOT = Path(__file__).parent.parent


def schema(file: str, model: type[Model]) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the policy file `file`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": file.replace(".yaml", ".schema.json"),
        **described_schema(model),
        "title": f"policy/{file}",
    }


def rendered() -> dict[str, str]:
    """Return path below the repository -> text of everything written from the models."""
    schemas = {
        f"policy/schemas/{file.replace('.yaml', '.schema.json')}": json.dumps(schema(file, model), indent=2) + "\n"
        for file, model in FILES.items()
    }
    return {**schemas, "docs/settings.md": reference()}


def outdated(root: Path = ROOT) -> list[str]:
    """Return the paths that are missing below `root` or differ from the models."""
    return [name for name, text in rendered().items() if not _same(root / name, text)]


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def main(
    check: Annotated[bool, typer.Option("--check", help="Only say whether the files are in step.")] = False,
) -> None:
    """Write the JSON Schemas of policy/*.yaml and docs/settings.md from the models."""
    console = Console()
    stale = outdated()
    if check:
        for name in stale:
            console.print(f"{name} is out of step: run [bold]make schemas[/]")
        raise typer.Exit(1 if stale else 0)
    for name, text in rendered().items():
        (ROOT / name).write_text(text, encoding="utf-8")
        console.print(f"{name} {'[green]written[/]' if name in stale else 'is in step'}")


if __name__ == "__main__":
    typer.run(main)
