"""`python -m infra.image <stack>`: the collector image that a stack runs, by digest, for whoever wants to run the same."""

import datetime
import sys
from pathlib import Path

import typer

from infra.problems import InputError
from infra.stack_file import context_from_file

ROOT = Path(__file__).resolve().parent.parent


def main(stack: str) -> None:
    """Print repository:version@digest of the stack's collector image."""
    try:
        context = context_from_file(stack, ROOT, datetime.datetime.now(tz=datetime.UTC).date())
    except InputError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    sys.stdout.write(context.settings.collector.image.reference + "\n")


if __name__ == "__main__":
    typer.run(main)
