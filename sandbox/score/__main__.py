"""`make redaction-score`: figures of redaction, rule by rule, and its speed beside the stock processor."""

import datetime
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import sandbox.score as words
from infra.problems import InputError
from infra.stack import ROOT
from sandbox.tools.errors import ToolMissingError
from sandbox.tools.locate import locate

if TYPE_CHECKING:
    from sandbox.score.score import Score
    from sandbox.score.throughput import Throughput

EXIT_BAR_BROKEN, EXIT_BAD_INPUT, EXIT_NO_TOOL = 1, 2, 3
OWN = ROOT / "tests" / "labelled"
NARROWEST = 120
console = Console(width=None if Console().is_terminal else NARROWEST)
errors = Console(stderr=True)
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    help=f"{words.__doc__}\n\nExit status 1: a bar is broken. 2: bad input. 3: no tool.".replace("\n\n", "\n\n\b\n")
)
def main(
    labelled: Annotated[
        list[Path] | None, typer.Option(help="Labelled lines (JSON lines); tests/labelled by default.")
    ] = None,
    throughput: Annotated[bool, typer.Option(help="Measure records per CPU-second too (some minutes).")] = True,
    repeats: Annotated[int, typer.Option(min=1, help="How often each measurement is taken.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of tables.")] = False,
) -> None:
    """Score labelled lines; the words are explained in the help."""
    from infra.stack_file import context_from_file
    from sandbox.perf.load import LoadRefusedError
    from sandbox.perf.process import CollectorFailedError as MeasuredCollectorFailedError
    from sandbox.score.collector import CollectorFailedError
    from sandbox.score.labelled import read_labelled
    from sandbox.score.run import score
    from sandbox.score.throughput import sample_lines, with_files
    from sandbox.score.throughput import throughput as measured

    try:
        source = read_labelled(*(labelled or sorted(OWN.glob("*.jsonl"))))
        context = context_from_file("sandbox", ROOT, datetime.datetime.now(datetime.UTC).date(), with_files({}))
        executable = locate("otelcol", tell=lambda text: errors.print(text, markup=False))
        with _progress() as say:
            found = score(context, source, executable, lambda done: say("scoring", done, len(source.lines)))
            name, lines = sample_lines(tuple(item.line for item in source.lines if item.line))
            pace = measured(context, executable, name, lines, say, repeats=repeats) if throughput else None
    except InputError as error:
        _end(str(error), EXIT_BAD_INPUT)
    except ToolMissingError as error:
        _end(str(error), EXIT_NO_TOOL)
    except (CollectorFailedError, MeasuredCollectorFailedError, LoadRefusedError) as error:
        _end(str(error), EXIT_BAR_BROKEN)
    raise typer.Exit(_report(source.name, found, pace, as_json=as_json))


def _report(name: str, found: "Score", pace: "Throughput | None", *, as_json: bool) -> int:
    from sandbox.score.show import document, show, show_pace

    broken = [*found.broken, *(pace.broken if pace else ())]
    if as_json:
        console.print_json(json.dumps({**document(name, found, pace), "bars_broken": broken}))
        return EXIT_BAR_BROKEN if broken else 0
    show(console, name, found)
    if pace:
        show_pace(console, pace)
    for bar in broken:
        console.print(f"✗ {bar}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    if not broken:
        console.print(f"✓ every bar {'of the score ' if pace is None else ''}holds", style="green", highlight=False)
    return EXIT_BAR_BROKEN if broken else 0


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function that shows what is being done, how much of it is done and how much there is."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


def _end(message: str, status: int) -> NoReturn:
    errors.print(message, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(status)


if __name__ == "__main__":
    app()
