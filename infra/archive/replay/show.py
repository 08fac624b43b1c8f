"""What people see of a replay: how far it is, what a dry run found, how it ended."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from infra.archive.objects import ArchiveObject
from infra.archive.replay.dry_run import Found
from infra.archive.replay.meters import Meters
from infra.archive.replay.request import Replay
from infra.archive.replay.state import State

SIGN_OF_LIFE_SECONDS = 5.0
"""Where nobody sees a bar, a line now and then shows that something happens."""


class Bar:
    """A living line on a terminal, else a plain line now and then."""

    def __init__(self, out: Console, total_bytes: int) -> None:
        self._out = out
        self._total, self._bytes, self._records, self._said = total_bytes, 0, 0, time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[records]:,} records"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=out,
            transient=True,
            disable=not out.is_terminal,
        )
        self._task = self._bar.add_task("reading the archive", total=max(total_bytes, 1), records=0)

    def object_done(self, item: ArchiveObject) -> None:
        """One object was read to its end."""
        self._bytes += item.size_bytes
        self._show(f"reading the archive, {item.day}")

    def sent(self, records: int) -> None:
        """So many more records were handed over."""
        self._records += records
        self._show("sending")

    def waiting(self, meters: Meters) -> None:
        """Everything was handed over, and the sink has not taken all of it."""
        self._show(f"waiting for the sink: {meters.sent:,} of {meters.passed:,} taken")

    def _show(self, what: str) -> None:
        self._bar.update(self._task, completed=self._bytes, records=self._records, description=what)
        now = time.monotonic()
        if not self._out.is_terminal and now - self._said > SIGN_OF_LIFE_SECONDS:
            self._said = now
            share = f"{self._bytes / self._total:.0%} of {self._total:,} bytes, " if self._total else ""
            self._out.print(f"{what}; {share}{self._records:,} records", markup=False)

    @contextmanager
    def shown(self) -> Iterator["Bar"]:
        """Show it as long as the block runs."""
        with self._bar:
            yield self


def dry_run(out: Console, replay: Replay, found: Found) -> None:
    """Print what `replay` would send, by day and by object."""
    days = Table(title=f"{replay.cls} records of {replay.window}: nothing was sent", title_justify="left")
    for name in ("day (UTC)", "form", "records"):
        days.add_column(name, justify="right" if name == "records" else "left")
    for (day, form), count in sorted(found.by_day.items()):
        days.add_row(day.isoformat(), form, f"{count:,}")
    out.print(days)
    objects = Table(title="objects that hold them, in the order in which they are read", title_justify="left")
    for name in ("object", "bytes", "records", "left out"):
        objects.add_column(name, justify="left" if name == "object" else "right", overflow="fold")
    for item in found.first:
        objects.add_row(item.item.key, f"{item.item.size_bytes:,}", f"{item.records:,}", f"{item.left_out:,}")
    out.print(objects)
    if (more := found.objects - len(found.first)) > 0:
        out.print(f"and {more:,} more objects")
    out.print(
        f"{found.records:,} records in {found.objects:,} of {found.read:,} objects ({found.bytes_read:,} bytes) of s3://{replay.bucket}"
    )
    if len(replay.forms) > 1:
        out.print("a record that both forms hold is counted in both here, and sent once")
    _left_out(out, found.left_out)
    _unreadable(out, [str(error) for error in found.unreadable])


def ended(out: Console, replay: Replay, state: State, seconds: float, where: str) -> None:
    """Print how a replay ended."""
    counts = state.counts
    out.print(
        f"{counts.sent:,} {replay.cls} records of {replay.window} were sent to {where}, marked tinybeans.replayed={replay.name}, "
        f"in {seconds:,.0f} s"
    )
    if counts.seen_before:
        out.print(f"{counts.seen_before:,} were met again and not sent twice")
    _left_out(out, counts.left_out)
    for reason, count in sorted(counts.refused.items()):
        out.print(f"[red]{count:,} were not let through to the sink: {reason}[/] (docs/replay.md, What is refused)")
    if counts.killed:
        out.print(f"{counts.killed} earlier runs were killed; what was refused in them was not counted")
    _unreadable(out, counts.unreadable)


def finished_before(out: Console, replay: Replay, state: State) -> None:
    """Print that there is nothing left to do."""
    out.print(
        f"{replay.name}, {replay.window}, was replayed before: {state.counts.sent:,} records, finished {state.finished}. "
        "AGAIN=1 sends all of it once more"
    )


def _left_out(out: Console, left_out: dict[str, int]) -> None:
    for reason, count in sorted(left_out.items()):
        out.print(f"{count:,} left out: {reason}")


def _unreadable(out: Console, said: list[str]) -> None:
    for line in said:
        out.print(f"could not be read: {line}", style="red", markup=False, soft_wrap=True)
