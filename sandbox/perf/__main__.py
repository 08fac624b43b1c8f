"""`python -m sandbox.perf`: what each stage of the collector costs, measured on the real one."""

import datetime
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.documents.collector import collector_config, load_fragments
from infra.stack import ROOT
from infra.stack_file import context_from_file
from sandbox.engine import STACK
from sandbox.perf import archive, steady
from sandbox.perf.archive_commands import CommandFailedError, Taken
from sandbox.perf.bench import Plan, bench
from sandbox.perf.null_sink import null_sink
from sandbox.perf.report import MEMORY_BAR_MIB, MIB, Report, show, write
from sandbox.perf.stages import cuts, door_only, passthrough, processing
from sandbox.perf.surroundings import NoLinesError, machine, sample_lines
from sandbox.tools.catalogue import CATALOGUE
from sandbox.tools.errors import ToolMissingError
from sandbox.tools.locate import locate

EXIT_BAR_MISSED, EXIT_BAD_INPUT, EXIT_NO_TOOL = 1, 2, 3
FULL = Plan(cpu_seconds=2.0, repeats=3, gogc=(100, 400))
QUICK = Plan(cpu_seconds=0.5, repeats=1, gogc=(100,))
FILE_LINES, QUICK_FILE_LINES = 20_000, 2_000
HOLD_SECONDS, QUICK_HOLD_SECONDS = 20.0, 5.0

app = typer.Typer(add_completion=False)
console = Console()
TABLE_COLUMNS = 150


@app.command()
def main(
    millions: Annotated[
        list[float] | None, typer.Argument(help="With --archive: millions of records, several; else 1 and 10.")
    ] = None,
    *,
    archives: Annotated[
        bool, typer.Option("--archive", help="Measure verification, search and replay of made-up archives instead.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="One coarse repeat with GOGC 100: a minute or two.")] = False,
    rate: Annotated[int, typer.Option(min=100, help="Records a second of the steady load.")] = 10_000,
    output: Annotated[Path, typer.Option(help="Where perf.json and perf.svg are written.")] = ROOT / "build",
    otelcol: Annotated[Path | None, typer.Option(help="Another collector than the project's own.")] = None,
) -> None:
    """Measure the records per CPU-second of every stage of the sandbox's collector, and its memory at a steady load.

    Lines are those of TINYBEANS_SAMPLES (a directory), of ../shared/samples, or of the sandbox's own application. Each
    stage runs in a collector of its own that is sent the same requests; a stage costs what it adds to the one before.
    Exit status 1: the steady load was not kept up or took more than 300 MiB. 2: no lines. 3: no collector.

    With --archive: what `make archive-verify`, `archive-search` and `replay` take, record by record, of archives that
    are made while they are read. Exit status 1: one took more than 300 MiB, or more time than grows with the records.
    """
    if archives:
        raise typer.Exit(EXIT_BAR_MISSED if _archives(millions or list(archive.MILLIONS), output) else 0)
    if millions:
        raise typer.BadParameter("numbers are millions of archived records: they go with --archive")
    try:
        executable = otelcol or locate("otelcol", obtain=False)
        source, lines = sample_lines(os.environ.get("TINYBEANS_SAMPLES"))
    except ToolMissingError as error:
        console.print(str(error), style="red", soft_wrap=True)
        raise typer.Exit(EXIT_NO_TOOL) from None
    except NoLinesError as error:
        console.print(str(error), style="red", soft_wrap=True)
        raise typer.Exit(EXIT_BAD_INPUT) from None
    here, plan = machine(), QUICK if quick else FULL
    context = context_from_file(STACK, ROOT, datetime.datetime.now(datetime.UTC).date(), {})
    config = collector_config(context, load_fragments(ROOT / "collector_configs"))
    rounds = max(1, (QUICK_FILE_LINES if quick else FILE_LINES) // len(lines))
    with null_sink() as sink, console.status("measuring") as status:
        rows = bench(executable, cuts(config), lines, sink, plan, status.update)
        status.update("file_log")
        files = {
            name: steady.from_file(executable, part, lines, sink, rounds=rounds, gogc=plan.gogc[-1])
            for name, part in (("nothing else", passthrough(config)), ("every stage", processing(config)))
        }
        status.update(f"{rate:,} records a second")
        held = steady.hold(
            executable,
            door_only(config),
            lines,
            sink,
            records_per_second=rate,
            seconds=QUICK_HOLD_SECONDS if quick else HOLD_SECONDS,
        )
    size = sum(len(line.encode()) for line in lines) // len(lines)
    lines_are = f"{len(lines):,} lines of {source}, {size} bytes each"
    report = Report(here, CATALOGUE["otelcol"].version, lines_are, tuple(rows), files, held)
    show(Console(width=max(console.width, TABLE_COLUMNS)), report)
    for path in write(report, output):
        console.print(f"written: {path}", soft_wrap=True, highlight=False)
    if not held.sustained or held.peak_rss_bytes > MEMORY_BAR_MIB * MIB:
        raise typer.Exit(EXIT_BAR_MISSED)


def _archives(millions: list[float], output: Path) -> bool:
    """Measure the commands on archives, show and write the figures, and return whether a bar was missed."""
    sizes = sorted(round(many * 1_000_000) for many in millions)
    if sizes[0] < archive.FEWEST:
        raise typer.BadParameter(f"at least {archive.FEWEST / 1_000_000:g} million records")
    here = machine()
    found: list[Taken] = []
    try:
        for item in archive.measure(sizes, console):
            found.append(item)
            # Fifty million take hours: what was measured stays, whatever comes next.
            path = archive.write(found, output)
            console.print(str(item), highlight=False)
    except CommandFailedError as error:
        console.print(str(error), style="red", soft_wrap=True, markup=False)
        return True
    archive.show(console, here, found)
    console.print(f"written: {path}", soft_wrap=True, highlight=False)
    bars = archive.missed(found)
    for bar in bars:
        console.print(str(bar), style="red", markup=False, soft_wrap=True)
    return bool(bars)


if __name__ == "__main__":
    app()
