"""Times that a sink does not take are moved to the edge of what it takes; the original stays as an attribute.

A record is judged before it waits in the sink's queue, so the time that the queue may hold it for is taken off the
window: what is accepted here is still accepted at the end of the longest outage that the stack is sized for.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.context import Context
from infra.documents.collector.ottl import CLASS, attribute, text
from infra.policy.destinations import Destination

ORIGINAL = "tinybeans.original_timestamp"
"""Attribute of a record whose time was moved: the time as it came, RFC 3339 in UTC, to the nanosecond."""
MARGIN_MINUTES = 10
"""For batching, requests on their way and clocks that differ."""
DAY = 24 * 60


@dataclass(frozen=True)
class Window:
    """How far from now a sink takes a record's time, in minutes; None: as far as one likes."""

    past: int
    future: int | None


WINDOWS = {
    # Loki 3.7.7, limits_config: reject_old_samples_max_age (7d) and creation_grace_period (10m), as they are by default.
    Destination.LOCAL: Window(past=7 * DAY, future=10),
    # CloudWatch Logs API reference, PutLogEvents: 14 days and 2 hours; the OTLP endpoint reports such records as
    # rejected (tooOldLogEventCount, tooNewLogEventCount) and keeps the rest.
    Destination.CLOUDWATCH: Window(past=14 * DAY, future=2 * 60),
    # Datadog API reference, Send logs: 18 hours in the past. The 2 hours ahead are the log pipeline's own limit.
    Destination.DATADOG: Window(past=18 * 60, future=2 * 60),
    # New Relic, Log event data: payloads older than 48 hours may be dropped. Nothing is said about the future.
    Destination.NEWRELIC: Window(past=48 * 60, future=None),
}
"""Elastic, Loggly and the archive state no window."""


def statements(context: Context, sink: str) -> Iterator[str]:
    """Yield the statements that bring a record's time into the window of `sink`; none where it has no window.

    A second run changes nothing but what has fallen out of the window meanwhile.
    """
    found = next((window for name, window in WINDOWS.items() if name == sink), None)
    if found is None:
        return
    yield from _moved(context, found.past, "")
    if sink == Destination.CLOUDWATCH:
        for name, days in _short_lived(context, found.past):
            yield from _moved(context, days * DAY, f" and {attribute(CLASS)} == {text(name)}")
    if found.future is not None:
        yield from _limited(">", f'Now() + Duration("{max(found.future - MARGIN_MINUTES, 1)}m")', "")


def _short_lived(context: Context, past: int) -> list[tuple[str, int]]:
    """Return the classes whose log group keeps records for less than the window, with its days.

    CloudWatch Logs rejects what is older than the group's retention (PutLogEvents, expiredLogEventEndIndex).
    """
    kept = {
        name: data_class.hot_retention_days.at(context.settings.environment)
        for name, data_class in context.policy.data_classes.classes.items()
    }
    return [(name, days) for name, days in kept.items() if days * DAY < past]


def _moved(context: Context, past: int, limited: str) -> Iterator[str]:
    waits = round(context.settings.collector.queue.outage_hours * 60) + MARGIN_MINUTES
    yield from _limited("<", f'Now() - Duration("{max(past - waits, 1)}m")', limited)


def _limited(comparison: str, edge: str, limited: str) -> Iterator[str]:
    outside, original = f"log.time {comparison} {edge}{limited}", attribute(ORIGINAL)
    yield f'set({original}, FormatTime(log.time, "%Y-%m-%dT%H:%M:%S.%sZ")) where {original} == nil and {outside}'
    yield f"set(log.time, {edge}) where {outside}"
