"""The findings on a terminal: one row a case and sink, and below it what each case says about itself."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sandbox.loss.audit import Delay, Result, SinkResult

WIDTH = 168
"""Columns (characters) that the table needs to be read as one."""


def show(console: Console, results: Iterable[Result]) -> None:
    """Print the table of `results`, their notes, and every problem."""
    found = list(results)
    console.width = max(console.width, WIDTH)
    console.print(_table(found))
    for result in found:
        for note in result.notes:
            console.print(f"  {result.name}: {escape(note)}", highlight=False)
    for result in found:
        for problem in result.problems:
            console.print(f"  [bold red]{result.name}: {escape(problem)}[/]", highlight=False)


def _table(results: list[Result]) -> Table:
    table = Table(title="What was acknowledged, and what became of it", title_justify="left")
    for name, justify in (
        ("case", "left"),
        ("acknowledged", "right"),
        ("refused", "right"),
        ("sink", "left"),
        ("delivered", "right"),
        ("duplicates", "right"),
        ("by spill", "right"),
        ("by replay", "right"),
        ("lost", "right"),
        ("p50/p99 before", "right"),
        ("during the fault", "right"),
        ("dropped, by reason", "left"),
    ):
        table.add_column(name, justify="right" if justify == "right" else "left", no_wrap=True)
    for result in results:
        verdict = "[green]✓[/]" if result.passed else "[bold red]✗[/]"
        dropped = ", ".join(f"{count:,} {reason}" for reason, count in result.dropped.items()) or "-"
        first = [f"{verdict} {result.name}", f"{result.acknowledged:,}", f"{result.refused:,}"]
        for sink, item in result.sinks.items():
            table.add_row(*first, *_row(sink, item), dropped)
            first, dropped = ["", "", ""], ""
        if not result.sinks:
            table.add_row(*first)
        table.add_section()
    return table


def _row(sink: str, item: SinkResult) -> list[str]:
    counts = (item.duplicates, item.spilled, item.recovered)
    lost = f"[bold red]{item.lost:,}[/]" if item.lost else "0"
    return [
        sink,
        f"{item.delivered:,}/{item.expected:,}",
        *(f"{count:,}" if count else "-" for count in counts),
        lost,
        _seconds(item.before),
        _seconds(item.during),
    ]


def _seconds(delay: Delay) -> str:
    if delay.p50 is None or delay.p99 is None:
        return "-"
    return f"{delay.p50:.2f}/{delay.p99:.2f} s"
