"""`python -m sandbox.perf --archive`: verification, search and replay of archives of any size, and their bars."""

from __future__ import annotations

import csv
import datetime
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from sandbox.archive_records import BLOCK
from sandbox.perf.archive_commands import DAYS, Command, Made, Taken, made, replay, run, search, verification
from sandbox.perf.archive_server import Serving, serving
from sandbox.perf.null_sink import null_sink
from sandbox.perf.surroundings import Machine

MEMORY_BAR_MIB = 300
"""What a command may use, whatever the size of the archive."""
LINEAR_BAR = 1.5
"""How much longer a record may take in the largest archive than in the smallest."""
MILLIONS = (1.0, 10.0)
FEWEST = DAYS * BLOCK
"""Records of the smallest archive that has an object a day."""


@dataclass(frozen=True)
class Missed:
    """A bar that was not met."""

    command: str
    what: str

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.command}: {self.what}"


def measure(sizes: Sequence[int], console: Console) -> Iterator[Taken]:
    """Yield what each command took, size after size, showing how far it is.

    Raises CommandFailedError where a command fails or does not see every record.
    """
    for records in sizes:
        with _bar(console) as bar:
            it = _made(records, bar)
            with serving(it.cloud) as served, null_sink() as taker, tempfile.TemporaryDirectory() as state:
                for command in (verification(it), search(it), replay(it, Path(state), taker)):
                    yield _shown(command, it, served, bar)


def missed(found: Sequence[Taken]) -> list[Missed]:
    """Return each bar that was not met: memory of every run, and a record's time, largest against smallest."""
    bars = [
        Missed(item.command, f"{item.peak_mib:.0f} MiB for {item.records:,} records, at most {MEMORY_BAR_MIB}")
        for item in found
        if item.peak_mib >= MEMORY_BAR_MIB
    ]
    for command in dict.fromkeys(item.command for item in found):
        own = sorted((item for item in found if item.command == command), key=lambda item: item.records)
        ratio = own[-1].microseconds / own[0].microseconds
        if ratio > LINEAR_BAR:
            bars.append(
                Missed(
                    command, f"a record takes {ratio:.2f} times as long in the largest archive, at most {LINEAR_BAR}"
                )
            )
    return bars


def show(console: Console, machine: Machine, found: Sequence[Taken]) -> None:
    """Print the figures."""
    console.print(
        f"{machine.cpu}, {machine.cores} cores, load {machine.load} before the run; CPU time without imports; memory of "
        "the whole process; replay into something that throws away"
    )
    table = Table("command", *(_right(name) for name in ("records", "CPU s", "µs a record", "elapsed s", "peak MiB")))
    for item in sorted(found, key=lambda item: item.command):
        table.add_row(
            item.command,
            f"{item.records:,}",
            f"{item.cpu_seconds:,.1f}",
            f"{item.microseconds:.1f}",
            f"{item.elapsed_seconds:,.1f}",
            f"{item.peak_mib:.0f}",
        )
    console.print(table)


def write(found: Sequence[Taken], directory: Path) -> Path:
    """Write the figures as CSV into `directory` and return where they are."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "perf-archive.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["command", "records", "cpu_seconds", "microseconds_a_record", "elapsed_seconds", "peak_mib"])
        for item in found:
            figures = (item.cpu_seconds, item.microseconds, item.elapsed_seconds, item.peak_mib)
            rows.writerow([item.command, item.records, *(f"{figure:.2f}" for figure in figures)])
    return path


def _made(records: int, bar: Progress) -> Made:
    task = bar.add_task(f"making {records:,} records", total=records)
    try:
        return made(records, datetime.datetime.now(datetime.UTC), lambda count: bar.advance(task, count))
    finally:
        bar.remove_task(task)


def _shown(command: Command, it: Made, served: Serving, bar: Progress) -> Taken:
    task = bar.add_task(f"{command.name}, {it.archive.records:,} records", total=1.0)
    try:
        return run(command, it, served, lambda share: bar.update(task, completed=share))
    finally:
        bar.remove_task(task)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=console,
        transient=True,
    )  # fmt: skip


def _right(name: str) -> Column:
    return Column(name, justify="right")
