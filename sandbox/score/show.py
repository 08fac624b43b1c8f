"""The figures on a terminal, and as JSON: ids, rule names and kinds of places, never a value."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sandbox.score.judge import Fate
from sandbox.score.score import RuleScore, Score
from sandbox.score.throughput import Pace, Throughput

SHOWN = 20
"""Findings of a kind that are listed one by one; --json has them all."""


def show(console: Console, source: str, score: Score) -> None:
    """Print the table of rules, what leaked, what was touched and what is gone."""
    console.print(_rules(source, score))
    for title, found in (
        ("leaked", [f"{item.id}: {item.rule} in {', '.join(item.places)}" for item in score.leaks]),
        ("touched", [f"{item.id}: {', '.join(item.touched)}" for item in score.touched]),
        ("harmless text gone", [f"{item.id}: {item.gone} of {item.harmless}" for item in score.gone]),
    ):
        for line in found[:SHOWN]:
            console.print(Text.assemble((f"{title}  ", "bold red"), line), soft_wrap=True)
        if len(found) > SHOWN:
            console.print(Text(f"{title}  and {len(found) - SHOWN} more (--json lists all)", style="dim"))
    console.print(
        f"{score.lines} lines, {score.harmless_lines} of them harmless: {len(score.touched)} touched "
        f"({score.touched_share:.2%}); {score.gone_texts} of {score.harmless_texts} harmless texts gone; "
        f"{score.quarantined} records withheld",
        highlight=False,
        soft_wrap=True,
    )


def show_pace(console: Console, found: Throughput) -> None:
    """Print records per CPU-second, ours beside the stock processor's."""
    title = f"Records per CPU-second on {found.lines}: receive, clean, route, discard; stock: receive, redact, discard"
    table = Table(title=title, title_justify="left")
    for name in ("door", "GOGC", "ours", "stock", "ratio", "ours, each round", "stock, each round"):
        table.add_column(name, justify="left" if name == "door" else "right")
    for pace in found.paces:
        each = [", ".join(f"{rate:,.0f}" for rate in rates) for rates in (pace.ours, pace.stock)]
        table.add_row(
            pace.door, str(pace.gogc), f"{pace.rate:,.0f}", f"{pace.stock_rate:,.0f}", f"{pace.ratio:.2f}", *each
        )
    console.print(table)


def document(source: str, score: Score, pace: Throughput | None) -> dict[str, Any]:
    """Return the same figures as a JSON document."""
    return {
        "source": source,
        "rules": [_row(item) for item in score.rules],
        "total": _row(score.total),
        "lines": score.lines,
        "harmless_lines": score.harmless_lines,
        "harmless_lines_touched": [{"id": item.id, "why": list(item.touched)} for item in score.touched],
        "harmless_lines_touched_share": score.touched_share,
        "harmless_texts": score.harmless_texts,
        "harmless_texts_gone": [{"id": item.id, "gone": item.gone} for item in score.gone],
        "records_withheld": score.quarantined,
        "leaks": [{"id": item.id, "rule": item.rule, "places": list(item.places)} for item in score.leaks],
        "throughput": [_pace(item) for item in pace.paces] if pace else None,
    }


def _pace(item: Pace) -> dict[str, Any]:
    medians = {"ours": item.rate, "stock": item.stock_rate, "ratio": item.ratio}
    return {"door": item.door, "gogc": item.gogc, **medians, "ours_each": item.ours, "stock_each": item.stock}


def _row(item: RuleScore) -> dict[str, Any]:
    return {
        "rule": item.rule,
        "labels": item.labels,
        **{str(fate).replace(" ", "_"): item.fates[fate] for fate in Fate},
        "leak_rate": item.leak_rate,
        "recall": item.recall,
        "masks": item.masks,
        "extra_masks": item.extra,
        "precision": item.precision,
    }


def _rules(source: str, score: Score) -> Table:
    table = Table(title=f"Redaction of {source}", title_justify="left")
    table.add_column("rule")
    for name in (
        "labels",
        "leaked",
        "leak rate",
        "recall",
        "by another",
        "withheld",
        "lost",
        "masks",
        "extra",
        "precision",
    ):
        table.add_column(name, justify="right")
    for item in (*score.rules, score.total):
        if item is score.total:
            table.add_section()
        fates = item.fates
        table.add_row(
            item.rule,
            str(item.labels),
            Text(str(fates[Fate.LEAKED]), style="bold red" if fates[Fate.LEAKED] else ""),
            _percent(item.leak_rate),
            _percent(item.recall),
            *(str(fates[fate] or "-") for fate in (Fate.BY_ANOTHER, Fate.WITHHELD, Fate.LOST)),
            str(item.masks),
            str(item.extra or "-"),
            _percent(item.precision),
        )
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
