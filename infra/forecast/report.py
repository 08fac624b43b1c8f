"""A forecast as a table, bars in the terminal, a picture and data."""

import html
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from infra.forecast.prices import Cost, Prices
from infra.forecast.sinks import Line, summed
from infra.forecast.volume import Volume
from infra.forecast.what_if import Saving

SINKS = ("cloudwatch", "archive", "datadog", "elastic", "newrelic", "loggly")
COLOURS = ("#4878a8", "#7a9e48", "#a86448", "#8a6bb1", "#b8a038", "#6b6b6b")
_BAR, _LEFT, _WIDTH, _CELLS = 26, 150, 900, 40


@dataclass(frozen=True)
class Forecast:
    """One stack's month."""

    environment: str
    volume: Volume
    kept: dict[str, float]
    """Class to records a day after sampling."""
    lines: tuple[Line, ...]
    in_use: tuple[str, ...]
    """The stack's own sinks; the others say what they would cost."""
    aws_budget: float
    """US dollars a month, policy/budgets.yaml."""
    all_budget: float
    asked: tuple[Saving, ...]
    largest: tuple[Saving, ...]
    unmoved: tuple[str, ...]
    """Classes whose archive has tiers that its objects are too small for."""
    prices: Prices

    @property
    def aws(self) -> Cost:
        """Return what AWS bills."""
        return summed(self.lines, sinks={"cloudwatch", "archive"} & set(self.in_use))

    @property
    def all(self) -> Cost:
        """Return what the stack's own sinks cost together."""
        return summed(self.lines, sinks=self.in_use)

    @property
    def over(self) -> tuple[str, ...]:
        """Return the budgets that are exceeded; what is not known can only make it worse."""
        pairs = (("aws_monthly", self.aws, self.aws_budget), ("all_monthly", self.all, self.all_budget))
        return tuple(name for name, cost, budget in pairs if cost.usd > budget)

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the classes, and what is none, in the order of the bill."""
        return tuple(dict.fromkeys(line.cls for line in self.lines))


def show(console: Console, forecast: Forecast) -> None:
    """Print everything."""
    console.print(f"{forecast.environment}, a month once retentions are full, USD. Volume: {forecast.volume.source}")
    console.print(_table(forecast))
    console.print(_archives(forecast))
    for line in _bars(forecast):
        console.print(line, soft_wrap=True)
    for name, cost, budget in (("AWS", forecast.aws, forecast.aws_budget), ("all sinks", forecast.all, forecast.all_budget)):  # fmt: skip
        style = "red" if cost.usd > budget else "green"
        console.print(f"{name}: [{style}]{cost}[/] of a budget of {budget:,.2f}")
    for title, found in (("asked", forecast.asked), ("largest savings", forecast.largest)):
        for item in found:
            console.print(f"{title}: {item.change} saves {item.saved} a month")
    unknown = sorted(summed(forecast.lines).unknown)
    if unknown:
        console.print("unknown prices, in no sum: " + ", ".join(unknown), style="yellow")
    if forecast.unmoved:
        console.print(
            f"archived objects of {', '.join(forecast.unmoved)} are below 128 KiB on average: S3 moves none of those to "
            "a cheaper tier, and they are billed as STANDARD throughout",
            style="yellow",
        )
    for note in forecast.volume.notes:
        console.print(f"assumed: {note}", style="dim")
    console.print(
        f"list prices gathered {forecast.prices.date}, not read at the sellers': infra/forecast/prices.yaml says where "
        "each is from; queries, compression and metrics are assumed there",
        style="dim",
    )


def _table(forecast: Forecast) -> Table:
    table = Table(title="cost by class and sink", title_justify="left")
    table.add_column("class", no_wrap=True)
    table.add_column("records a day", justify="right")
    for sink in SINKS:
        table.add_column(sink if sink in forecast.in_use else f"({sink})", justify="right")
    for cls in forecast.classes:
        cells = [_cell(forecast.lines, sink, cls) for sink in SINKS]
        table.add_row(cls, f"{forecast.kept[cls]:,.0f}" if cls in forecast.kept else "", *cells)
    table.add_section()
    table.add_row("sum", "", *(str(summed(forecast.lines, sinks=[sink])) for sink in SINKS))
    return table


def _cell(lines: Iterable[Line], sink: str, cls: str) -> str:
    found = [line for line in lines if (line.sink, line.cls) == (sink, cls)]
    return str(summed(found)) if found else "-"


def _archives(forecast: Forecast) -> Table:
    table = Table(title="archive by class", title_justify="left")
    found = [line for line in forecast.lines if line.sink == "archive"]
    parts = tuple(dict.fromkeys(line.what for line in found))
    for name in ("class", *parts):
        table.add_column(name, justify="left" if name == "class" else "right")
    for cls in dict.fromkeys(line.cls for line in found):
        costs = {line.what: str(line.cost) for line in found if line.cls == cls}
        table.add_row(cls, *(costs.get(part, "-") for part in parts))
    return table


def _sums(forecast: Forecast) -> list[tuple[str, Cost]]:
    return [(sink, summed(forecast.lines, sinks=[sink])) for sink in SINKS]


def _bars(forecast: Forecast) -> list[str]:
    sums = _sums(forecast)
    longest = max(cost.usd for _, cost in sums) or 1.0
    return [f"{sink:>10} {'█' * round(cost.usd / longest * _CELLS)} {cost}" for sink, cost in sums]


def write(forecast: Forecast, directory: Path) -> tuple[Path, Path]:
    """Write forecast.json and forecast.svg into `directory` and return where they are."""
    directory.mkdir(parents=True, exist_ok=True)
    data, picture = directory / "forecast.json", directory / "forecast.svg"
    data.write_text(json.dumps(as_dict(forecast), indent=2) + "\n")
    picture.write_text(svg(forecast))
    return data, picture


def as_dict(forecast: Forecast) -> dict[str, Any]:
    """Return the forecast as plain data, US dollars a month."""
    return {
        "environment": forecast.environment,
        "volume": {"source": forecast.volume.source, "kept_records_a_day": forecast.kept},
        "in_use": list(forecast.in_use),
        "lines": [
            {"sink": line.sink, "class": line.cls, "what": line.what, **_plain(line.cost)} for line in forecast.lines
        ],
        "aws": {**_plain(forecast.aws), "budget": forecast.aws_budget},
        "all": {**_plain(forecast.all), "budget": forecast.all_budget},
        "savings": {item.change: _plain(item.saved) for item in (*forecast.asked, *forecast.largest)},
        "prices": str(forecast.prices.date),
    }


def _plain(cost: Cost) -> dict[str, Any]:
    return {"usd": round(cost.usd, 4), "unknown": sorted(cost.unknown)}


def svg(forecast: Forecast) -> str:
    """Return a picture of what each sink costs, one bar a sink, in pieces by class."""
    sums, classes = _sums(forecast), forecast.classes
    longest = max(cost.usd for _, cost in sums) or 1.0
    scale = (_WIDTH - _LEFT - 140) / longest
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_BAR * (len(sums) + 4)}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="8" y="18" font-size="14">USD a month by sink and class, {html.escape(forecast.environment)}; '
        "sinks in brackets are not used</text>",
    ]
    for number, (sink, cost) in enumerate(sums):
        y, x = _BAR * (number + 1.5), float(_LEFT)
        label = sink if sink in forecast.in_use else f"({sink})"
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 16:.0f}" text-anchor="end">{html.escape(label)}</text>')
        for cls, colour in _coloured(classes):
            width = summed(forecast.lines, sinks=[sink], cls=cls).usd * scale
            parts.append(f'<rect x="{x:.1f}" y="{y + 3:.0f}" width="{width:.1f}" height="{_BAR - 6}" fill="{colour}"/>')
            x += width
        parts.append(f'<text x="{x + 6:.1f}" y="{y + 16:.0f}">{html.escape(str(cost))}</text>')
    for number, (cls, colour) in enumerate(_coloured(classes)):
        x, below = _LEFT + number * 120, _BAR * (len(sums) + 2.5)
        parts += [
            f'<rect x="{x}" y="{below:.0f}" width="12" height="12" fill="{colour}"/>',
            f'<text x="{x + 18}" y="{below + 11:.0f}">{html.escape(cls)}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def _coloured(classes: Sequence[str]) -> list[tuple[str, str]]:
    return [(cls, COLOURS[number % len(COLOURS)]) for number, cls in enumerate(classes)]
