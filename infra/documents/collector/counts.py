"""Records counted by class and reason where nothing else knows both, and made cumulative without losing one.

The count connector hands on a delta for each request, stamped with the records' own times. deltatocumulative drops
whatever is not newer than what it saw last, and so does it with the time of arrival where requests overtake each
other (docs/adr/0014). The Prometheus exporter adds a delta that starts where the last one ended: with one time for
all of them every delta does, and one consumer of its queue adds them one after the other.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from infra.documents.collector.ottl import CLASS, REASON, any_of, group, text
from infra.documents.collector.part import Part, pipeline
from infra.settings import Collector

ACCEPTED, KEPT, QUARANTINED = "count/accepted", "count/kept", "count/quarantined"
EXPORTER = "prometheus/counts"
PREFIX = "tinybeans_records_"
UNKNOWN = "unknown"
KNOWN_REASON = "^[A-Za-z0-9_:.-]{1,64}$"
"""What a reason may be to become a label: names of rules and steps, and nothing that a record could smuggle in."""


def counting(collector: Collector) -> tuple[str, ...]:
    """Return the ids of the connectors that this stack counts with; records in quarantine are few and always counted.

    Counting makes the collector copy each record once more, so whoever counts all of them says so.
    """
    return (*(f"count/{name}" for name in collector.counted_by_class), QUARANTINED)


def counts(classes: Iterable[str], collector: Collector, base: Mapping[str, Any]) -> Part:
    """Return the connectors that count, to be named among the exporters of the pipelines whose records they count,
    and the page that serves what they counted."""
    listen, chosen = collector.listen, counting(collector)
    every = {
        ACCEPTED: _by("accepted", "Records that were classified and went on to a class or to quarantine.", CLASS),
        KEPT: _by("kept", "Records that left a class's pipeline for its sinks.", CLASS),
        QUARANTINED: _by("quarantined", "Records whose text was withheld.", CLASS, REASON),
    }
    connectors = {name: item for name, item in every.items() if name in chosen}
    return Part(
        connectors=connectors,
        processors={"transform/counts": _anonymous(classes)},
        exporters={EXPORTER: {"endpoint": f"{listen.metrics_host}:{listen.counts_port}", **base}},
        pipelines={"metrics/counts": pipeline(connectors, ["transform/counts"], [EXPORTER])},
    )


def _by(name: str, description: str, *attributes: str) -> dict[str, Any]:
    keys = [{"key": key, "default_value": UNKNOWN} for key in attributes]
    return {"logs": {PREFIX + name: {"description": description, "attributes": keys}}}


def _anonymous(classes: Iterable[str]) -> dict[str, Any]:
    """Return the processor that leaves nothing of the records but class and reason, and one time for all counts."""
    known = text(f"^(?:{any_of(classes)})$")
    cls, reason = 'datapoint.attributes["class"]', 'datapoint.attributes["reason"]'
    statements = [
        f'set({cls}, datapoint.attributes["{CLASS}"])',
        f'set({reason}, datapoint.attributes["{REASON}"])',
        'keep_keys(datapoint.attributes, ["class", "reason"])',
        f"set({cls}, {text(UNKNOWN)}) where not IsString({cls}) or not IsMatch({cls}, {known})",
        f"set({reason}, {text(UNKNOWN)}) where {reason} != nil and not IsString({reason})",
        f"set({reason}, {text(UNKNOWN)}) where {reason} != nil and not IsMatch({reason}, {text(KNOWN_REASON)})",
        "set(datapoint.start_time_unix_nano, 1)",
        "set(datapoint.time_unix_nano, 1)",
    ]
    return {
        "error_mode": "silent",
        "metric_statements": [
            group("resource", ["keep_keys(resource.attributes, [])"]),
            group("datapoint", statements),
        ],
    }
