"""The demo's findings on a terminal: tables where people would rather look, colours that degrade."""

from collections import defaultdict

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sandbox.demo.accounting import Accounts
from sandbox.demo.result import BeforeAfter, DemoResult

SHOWN_CHARACTERS = 320


def show(console: Console, result: DemoResult) -> None:
    """Print everything in `result`."""
    for part in (
        _components(result),
        _accounts(result.accounts),
        _sums(result.accounts),
        *(_redaction(item) for item in result.redactions),
        _archive(result),
        _verdict(result),
    ):
        console.print(part)


def _components(result: DemoResult) -> Table:
    table = Table(title=f"Resources created by the real engine in {result.up.seconds:.1f} s", title_justify="left")
    table.add_column("component")
    table.add_column("resources", justify="right")
    table.add_column("of which recorded only", justify="right")
    for item in result.components:
        table.add_row(item.name, str(item.resources), str(item.recorded_only or "-"))
    table.add_section()
    total = sum(item.resources for item in result.components)
    table.add_row("all", str(total), str(sum(item.recorded_only for item in result.components)))
    return table


def _accounts(accounts: Accounts) -> Table:
    sinks = sorted({sink for row in accounts.rows for sink in row.arrived})
    table = Table(title=f"Where {accounts.acknowledged} acknowledged records went", title_justify="left")
    for name in ("class", "accepted", "dropped (reason)", "kept", *sinks):
        table.add_column(name, justify="left" if name in ("class", "dropped (reason)") else "right")
    for row in accounts.rows:
        dropped = ", ".join(f"{count} {reason}" for reason, count in row.dropped.items()) or "-"
        arrived = ["not allowed" if row.arrived[sink] is None else str(row.arrived[sink]) for sink in sinks]
        table.add_row(row.cls, str(row.accepted), dropped, str(row.kept), *arrived)
    table.add_section()
    table.add_row("quarantine", str(accounts.quarantined), "-", str(accounts.quarantined), *["" for _ in sinks])
    return table


def _sums(accounts: Accounts) -> RenderableType:
    broken = [check for check in accounts.checks if not check.holds]
    lines = [
        Text(
            f"{len(accounts.checks) - len(broken)} of {len(accounts.checks)} sums hold; {accounts.duplicates} duplicates"
        )
    ]
    lines += [Text(f"✗ {check.what}: {check.left} ≠ {check.right}", style="bold red") for check in broken]
    return Group(*lines)


def _redaction(item: BeforeAfter) -> Panel:
    body = Text.assemble(("sent    ", "dim"), _cut(item.sent), "\n", ("stored  ", "dim"), (_cut(item.stored), "green"))
    return Panel(body, title=f"{item.rule}: the field {item.field} at {item.sink}", title_align="left")


def _archive(result: DemoResult) -> Table:
    table = Table(title="Archive objects", title_justify="left")
    for name in ("bucket", "objects", "records", "bytes", "encryption", "lock"):
        table.add_column(name, justify="right" if name in ("objects", "records", "bytes") else "left", overflow="fold")
    by_bucket = defaultdict(list)
    for item in result.objects:
        by_bucket[item.bucket].append(item)
    for bucket, items in sorted(by_bucket.items()):
        table.add_row(
            bucket,
            str(len(items)),
            str(sum(item.records for item in items)),
            f"{sum(item.size_bytes for item in items):,}",
            ", ".join(sorted({item.encryption for item in items})),
            ", ".join(sorted({item.lock for item in items})),
        )
    return table


def _verdict(result: DemoResult) -> RenderableType:
    lines = [
        Text(f"✗ a listed {leak.kind} arrived at {leak.place} ({leak.count} times)", style="bold red")
        for leak in result.leaks
    ]
    if not result.leaks:
        lines.append(Text(f"✓ none of {result.listed_values} listed sensitive values arrived anywhere", style="green"))
    if result.accounts.balanced:
        lines.append(Text("✓ every acknowledged record is accounted for", style="green"))
    else:
        lines.append(Text("✗ the sums do not add up", style="bold red"))
    spent = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in result.seconds.items())
    lines.append(Text(f"{sum(result.seconds.values()):.0f} s in all: {spent}", style="dim"))
    return Group(*lines)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
