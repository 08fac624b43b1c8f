"""`python -m sandbox.tools`: provide all tools, and say where each came from."""

import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from sandbox.tools.catalogue import CATALOGUE
from sandbox.tools.errors import Tell, ToolMissingError
from sandbox.tools.locate import Located, provide

EXIT_MISSING = 3
# Where nobody sees a spinner, a line now and then shows that a long build goes on.
_SIGN_OF_LIFE_SECONDS = 20.0


@dataclass(frozen=True)
class _Timed:
    located: Located
    seconds: float


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Tools to provide; all of them when none is named.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")] = False,
    cached: Annotated[bool, typer.Option("--cached", help="Only look on PATH and in the cache.")] = False,
) -> None:
    """Provide the tools: from PATH, else from the cache, else from their official releases, else by building them.

    Ends with status 3, and the reasons on standard error, when a tool cannot be had.
    """
    for name in names or ():
        if name not in CATALOGUE:
            raise typer.BadParameter(f"there is no tool {name!r}; there are: {', '.join(CATALOGUE)}")
    progress = Console(stderr=True)
    there: list[_Timed] = []
    missing: list[ToolMissingError] = []
    for name in names or CATALOGUE:
        started = time.monotonic()
        try:
            with _shown(progress, name) as tell:
                located = provide(CATALOGUE[name], obtain=not cached, tell=tell)
        except ToolMissingError as error:
            missing.append(error)
        else:
            there.append(_Timed(located, time.monotonic() - started))
    if as_json:
        sys.stdout.write(json.dumps(_as_data(there, missing), indent=2) + "\n")
    elif there:
        _print_table(there)
    for reasons in missing:
        progress.print(str(reasons), markup=False, highlight=False, soft_wrap=True, style="red")
    if missing:
        raise typer.Exit(EXIT_MISSING)


@contextlib.contextmanager
def _shown(console: Console, name: str) -> Iterator[Tell]:
    """Give a `Tell` that shows what happens: one living line on a terminal, else a plain line now and then."""
    if console.is_terminal:
        # Long lines of compiler output must not squeeze the other columns to nothing.
        columns = (
            SpinnerColumn(table_column=Column(min_width=1)),
            TimeElapsedColumn(table_column=Column(min_width=7, no_wrap=True)),
            TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True)),
        )
        with Progress(*columns, console=console, transient=True, expand=True) as bar:
            task = bar.add_task(name)
            yield lambda text: bar.update(task, description=f"{name}: {text}")
        return
    started = time.monotonic()
    last = started - _SIGN_OF_LIFE_SECONDS

    def tell(text: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SIGN_OF_LIFE_SECONDS:
            last = now
            console.print(f"{name} {now - started:4.0f} s: {text}", markup=False, highlight=False, soft_wrap=True)

    yield tell


def _print_table(there: list[_Timed]) -> None:
    table = Table("tool", "version", Column("where it came from", overflow="fold"))
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("took", justify="right", no_wrap=True)
    for timed in there:
        tool = timed.located.tool
        size = f"{timed.located.size / 1e6:.0f} MB"
        table.add_row(tool.name, tool.version, timed.located.origin, size, f"{timed.seconds:.1f} s")
    Console().print(table)


def _as_data(there: list[_Timed], missing: list[ToolMissingError]) -> dict[str, object]:
    return {
        "tools": [
            {
                "name": timed.located.tool.name,
                "version": timed.located.tool.version,
                "executable": str(timed.located.executable),
                "origin": timed.located.origin,
                "bytes": timed.located.size,
                "seconds": round(timed.seconds, 2),
            }
            for timed in there
        ],
        "missing": [
            {"name": error.tool.name, "version": error.tool.version, "tried": dict(error.failures)} for error in missing
        ],
    }


def _end(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    # Builds run in a session of their own. Python's default of dying on the spot would leave compilers behind.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _end)
    typer.run(main)
