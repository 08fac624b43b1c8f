"""The demo's findings as one HTML file that opens without a network: tables and the picture of the flow."""

import datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from sandbox.demo.result import DemoResult


def write_report(result: DemoResult, path: Path) -> Path:
    """Write the report of `result` to `path` and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rendered(result, datetime.datetime.now(datetime.UTC)), encoding="utf-8")
    return path


def rendered(result: DemoResult, now: datetime.datetime) -> str:
    """Return the report as HTML; every value in it is escaped."""
    templates = Environment(
        loader=PackageLoader("sandbox.demo"), autoescape=select_autoescape(), undefined=StrictUndefined
    )
    sinks = sorted({sink for row in result.accounts.rows for sink in row.arrived})
    return templates.get_template("report.html.j2").render(
        result=result,
        accounts=result.accounts,
        sinks=sinks,
        arrived={sink: sum(row.arrived[sink] or 0 for row in result.accounts.rows) for sink in sinks},
        dropped=sum(count for row in result.accounts.rows for count in row.dropped.values()),
        kept=sum(row.kept for row in result.accounts.rows),
        now=now.strftime("%Y-%m-%d %H:%M UTC"),
    )
