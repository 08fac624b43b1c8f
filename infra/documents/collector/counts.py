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
BY_SERVICE = "tinybeans_records_by_service"
SERVICE = "service.name"
UNKNOWN, OTHER = "unknown", "other"
KNOWN_REASON = "^[A-Za-z0-9_:.-]{1,64}$"
"""What a reason may be to become a label: names of rules and steps, and nothing that a record could smuggle in."""


def counting(collector: Collector) -> tuple[str, ...]:
    """Return the ids of the connectors that this stack counts with; records in quarantine are few and always counted.

    Counting makes the collector copy each record once more, so whoever counts all of them says so.
    """
    return (*(f"count/{name}" for name in collector.counted_by_class), QUARANTINED)


def counts(classes: Iterable[str], services: Iterable[str], collector: Collector, base: Mapping[str, Any]) -> Part:
    """Return the connectors that count, to be named among the exporters of the pipelines whose records they count,
    and the page that serves what they counted.

    Accepted records are counted by class and by those of `services` that sent them: a connector counts twice on one
    copy of a record.
    """
    listen, chosen = collector.listen, counting(collector)
    every = {
        ACCEPTED: {
            **_by("accepted", "Records that were classified and went on to a class or to quarantine.", CLASS),
            **_by("by_service", "The same, by the service that wrote them.", SERVICE),
        },
        KEPT: _by("kept", "Records that left a class's pipeline for its sinks.", CLASS),
        QUARANTINED: _by("quarantined", "Records whose text was withheld.", CLASS, REASON),
    }
    connectors = {name: {"logs": item} for name, item in every.items() if name in chosen}
    return Part(
        connectors=connectors,
        processors={"transform/counts": _anonymous(classes, services)},
        exporters={EXPORTER: {"endpoint": f"{listen.metrics_host}:{listen.counts_port}", **base}},
        pipelines={"metrics/counts": pipeline(connectors, ["transform/counts"], [EXPORTER])},
    )


def _by(name: str, description: str, *attributes: str) -> dict[str, Any]:
    keys = [{"key": key, "default_value": UNKNOWN} for key in attributes]
    return {PREFIX + name: {"description": description, "attributes": keys}}


def _anonymous(classes: Iterable[str], services: Iterable[str]) -> dict[str, Any]:
    """Return the processor that leaves nothing of the records but class, reason and the name of a known service, and
    one time for all counts."""
    known, expected = text(f"^(?:{any_of(classes)})$"), text(f"^(?:{any_of(services)})$")
    cls, reason, service = (f'datapoint.attributes["{name}"]' for name in ("class", "reason", "service"))
    by_service = f"metric.name == {text(BY_SERVICE)}"
    statements = [
        f'set({cls}, datapoint.attributes["{CLASS}"])',
        f'set({reason}, datapoint.attributes["{REASON}"])',
        f'set({service}, datapoint.attributes["{SERVICE}"]) where {by_service}',
        'keep_keys(datapoint.attributes, ["class", "reason"]) where not ' + f"({by_service})",
        f'keep_keys(datapoint.attributes, ["service"]) where {by_service}',
        f"set({service}, {text(OTHER)}) where {by_service} and not IsString({service})",
        f"set({service}, {text(OTHER)}) where {by_service} and not IsMatch({service}, {expected})",
        f"set({cls}, {text(UNKNOWN)}) where not ({by_service}) and not IsString({cls})",
        f"set({cls}, {text(UNKNOWN)}) where not ({by_service}) and not IsMatch({cls}, {known})",
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
