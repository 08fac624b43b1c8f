"""What a running sandbox's collector says about itself: its metrics and its own log. Read for sandbox/looking.py."""

import os
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

NEWEST = 5
"""How many records or lines are shown."""
LABELS = ("exporter", "receiver", "class", "reason", "service")
out = Console(highlight=False, soft_wrap=True)
Sums = Mapping[tuple[str, ...], float]
"""What a metric has for each combination of LABELS, the empty ones left out."""


def sums(text: str, metric: str) -> Sums:
    """Return a metric of logs in Prometheus' text, over everything but LABELS."""
    found: dict[tuple[str, ...], float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = sample.labels
            if sample.name.removesuffix("_total") == metric and labels.get("data_type", "logs") == "logs":
                found[tuple(labels[name] for name in LABELS if labels.get(name))] += sample.value
    return found


def health() -> None:
    """Whether the collector runs, since when, and with how much memory."""
    with urllib.request.urlopen(f"http://{os.environ['SANDBOX_HEALTH']}/", timeout=5) as answer:
        out.print(f"health endpoint: {answer.status} {answer.read(200).decode()}", markup=False)
    page = _page("SANDBOX_METRICS_PORT")
    for metric, unit in (("otelcol_process_uptime", "s"), ("otelcol_process_memory_rss", "bytes")):
        out.print(f"{metric}: {sum(sums(page, metric).values()):,.0f} {unit}")
    refused = sum(sums(page, "otelcol_processor_memory_limiter_refused_log_records").values())
    out.print(f"refused for want of memory: {refused:,.0f} records")


def queues() -> None:
    """Each sink's queue and spill on disk, and how full they are."""
    page = _page("SANDBOX_METRICS_PORT")
    size, capacity = (sums(page, f"otelcol_exporter_queue_{name}") for name in ("size", "capacity"))
    table(
        ("exporter", "waiting (bytes)", "capacity (bytes)", "full"),
        (
            (*name, f"{size[name]:,.0f}", f"{room:,.0f}", f"{size[name] / room:.0%}" if room else "-")
            for name, room in sorted(capacity.items())
        ),
    )


def sinks() -> None:
    """What each sink took, refused for good, and what its queue could not take."""
    page = _page("SANDBOX_METRICS_PORT")
    columns = [sums(page, f"otelcol_exporter_{name}_log_records") for name in ("sent", "send_failed", "enqueue_failed")]
    rows = sorted({name for column in columns for name in column})
    table(
        ("exporter", "sent", "failed", "not taken by the queue"),
        ((*name, *(f"{column.get(name, 0):,.0f}" for column in columns)) for name in rows),
    )


def accepted() -> None:
    """What came in: by door, by class and by service; what was refused and what was withheld."""
    page, counts = _page("SANDBOX_METRICS_PORT"), _page("SANDBOX_COUNTS_PORT")
    rows: list[tuple[str, ...]] = []
    for title, text, metric in (
        ("accepted", page, "otelcol_receiver_accepted_log_records"),
        ("refused", page, "otelcol_receiver_refused_log_records"),
        ("accepted", counts, "tinybeans_records_accepted"),
        ("kept", counts, "tinybeans_records_kept"),
        ("withheld", counts, "tinybeans_records_quarantined"),
        ("of service", counts, "tinybeans_records_by_service"),
    ):
        rows += [(title, " ".join(name), f"{count:,.0f}") for name, count in sorted(sums(text, metric).items())]
    table(("what", "where", "records"), rows)


def own_log() -> None:
    """The newest of what the collector wrote about itself, warnings and errors only."""
    log = Path(os.environ["SANDBOX_DATA"]).parent / "collector.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    out.print("\n".join(lines[-NEWEST:]) or "no warning and no error", markup=False)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print `rows` under `heads`."""
    shown = Table(box=SIMPLE)
    for head in heads:  # names are there to be copied, so none is cut short
        shown.add_column(head, overflow="fold")
    for row in rows:
        shown.add_row(*row)
    out.print(shown)


def _page(port: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{os.environ[port]}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


COLLECTOR: Mapping[str, Callable[[], None]] = {
    "health": health,
    "queues": queues,
    "sinks": sinks,
    "accepted": accepted,
    "own-log": own_log,
}
"""Views by name."""
