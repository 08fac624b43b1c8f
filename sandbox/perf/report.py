"""Figures as a table, as JSON and as a picture; each names the machine that it comes from."""

import html
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sandbox.perf.bench import Row
from sandbox.perf.measure import Measured
from sandbox.perf.steady import Held
from sandbox.perf.surroundings import Machine

MIB = 1024 * 1024
MEMORY_BAR_MIB = 300
"""What the collector may use at a steady 10,000 records a second."""
_BAR, _LEFT, _WIDTH = 22, 330, 900


@dataclass(frozen=True)
class Report:
    """Everything that one run measured."""

    machine: Machine
    collector: str
    """Version of the binary."""
    lines: str
    """Where the lines came from, how many and how long they are."""
    rows: tuple[Row, ...]
    files: dict[str, Measured]
    """What reading from a file cost, by what the records went through."""
    held: Held | None

    def passthrough(self, gogc: int) -> Row:
        """Return the receiver alone, which ratios are against."""
        return next(row for row in self.rows if row.gogc == gogc and row.after is None)

    def added(self, row: Row) -> float:
        """Return what a stage costs by itself (µs a record)."""
        before = next((other for other in self.rows if (other.stage, other.gogc) == (row.after, row.gogc)), None)
        return row.microseconds - (before.microseconds if before else 0.0)


def show(console: Console, report: Report) -> None:
    """Print the tables."""
    machine = report.machine
    console.print(
        f"{machine.cpu}, {machine.cores} cores, load {machine.load} before the run; collector {report.collector}; "
        f"{report.lines}; CPU time of the collector's process, OTLP over HTTP"
    )
    for gogc in dict.fromkeys(row.gogc for row in report.rows):
        console.print(_stages(report, gogc))
    for name, found in report.files.items():
        console.print(f"file_log, {name}: {found.records_per_cpu_second:,.0f} records a CPU-second")
    if report.held:
        held = report.held
        kept_up = "kept up" if held.sustained else f"did not keep up ({held.late_seconds:.1f} s late)"
        console.print(
            f"steady load: {held.records_per_second:,.0f} records a second, {kept_up}, {held.cpu_cores:.2f} cores, "
            f"at most {held.peak_rss_bytes / MIB:,.0f} MiB resident (bar {MEMORY_BAR_MIB})"
        )


def _stages(report: Report, gogc: int) -> Table:
    table = Table(title=f"GOGC {gogc}", title_justify="left")
    for name in ("stage", "µs", "µs so far", "± µs", "records/CPU-s", "passthrough", "peak MiB"):
        table.add_column(name, justify="left" if name == "stage" else "right", no_wrap=True)
    base = report.passthrough(gogc)
    for row in (item for item in report.rows if item.gogc == gogc):
        table.add_row(
            row.stage,
            f"{report.added(row):.1f}",
            f"{row.microseconds:.1f}",
            f"{row.spread / 2:.1f}",
            f"{row.per_cpu_second:,.0f}",
            f"{base.microseconds / row.microseconds:.1%}",
            f"{row.peak_rss_bytes / MIB:,.0f}",
        )
    return table


def write(report: Report, directory: Path) -> tuple[Path, Path]:
    """Write perf.json and perf.svg into `directory` and return where they are."""
    directory.mkdir(parents=True, exist_ok=True)
    data, picture = directory / "perf.json", directory / "perf.svg"
    data.write_text(json.dumps(as_dict(report), indent=2) + "\n")
    picture.write_text(svg(report))
    return data, picture


def as_dict(report: Report) -> dict[str, Any]:
    """Return the figures as plain data; times in µs of CPU a record, memory in bytes."""
    rows = [{**asdict(row), "added": report.added(row), "per_cpu_second": row.per_cpu_second} for row in report.rows]
    files = {name: found.records_per_cpu_second for name, found in report.files.items()}
    held = asdict(report.held) if report.held else None
    return {
        "machine": asdict(report.machine),
        "collector": report.collector,
        "lines": report.lines,
        "rows": rows,
        "file_log_records_per_cpu_second": files,
        "held": held,
    }


def svg(report: Report) -> str:
    """Return a picture of what each stage costs by itself, one bar a stage and GOGC."""
    bars = [(f"{row.stage}, GOGC {row.gogc}", max(report.added(row), 0.0)) for row in _by_stage(report.rows)]
    longest = max(cost for _, cost in bars) or 1.0
    height = _BAR * (len(bars) + 3)
    scale = (_WIDTH - _LEFT - 90) / longest
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="8" y="18" font-size="14">CPU time of each stage, µs a record ({html.escape(report.machine.cpu)}, '
        f"{report.machine.cores} cores)</text>",
    ]
    for number, (label, cost) in enumerate(bars):
        y = _BAR * (number + 1.5)
        parts += [
            f'<text x="{_LEFT - 8}" y="{y + 14:.0f}" text-anchor="end">{html.escape(label)}</text>',
            f'<rect x="{_LEFT}" y="{y + 3:.0f}" width="{cost * scale:.1f}" height="{_BAR - 6}" fill="#4878a8"/>',
            f'<text x="{_LEFT + cost * scale + 6:.1f}" y="{y + 14:.0f}">{cost:.1f}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def _by_stage(rows: Sequence[Row]) -> list[Row]:
    """Return the rows without `all`, which is a sum, those of one stage beside each other."""
    order = {stage: number for number, stage in enumerate(dict.fromkeys(row.stage for row in rows))}
    return sorted((row for row in rows if row.stage != "all"), key=lambda row: (order[row.stage], row.gogc))
