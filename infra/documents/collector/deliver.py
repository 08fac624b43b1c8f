"""From the classes' pipelines to the sinks, so that nothing accepted is lost and no sink's outage touches another.

For each way to a sink: its queue on disk; when that is full, the sink's spill, which sends itself back in once there
is room; only when that is full too is the client refused, who then sends again. See docs/adr/0011-spill.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.context import Context
from infra.documents.collector import archive_objects, loopback, route, shape, way
from infra.documents.collector.part import Part, joined
from infra.documents.collector.queue import queue, queue_store, store
from infra.documents.collector.sink_address import SIGNER, own, signer
from infra.policy.destinations import Destination
from infra.sinks import ARCHIVE, QUARANTINE, Way, sinks, sizes


@dataclass(frozen=True)
class Delivery:
    """Everything between the classes' pipelines and the sinks."""

    part: Part
    entrances: dict[str, list[str]]
    """Class, or quarantine, to the ids that its pipeline exports to."""


def delivery(
    context: Context,
    taken: Mapping[str, Sequence[Way]],
    destinations: Mapping[str, Mapping[str, Any]],
    base: Mapping[str, Any],
) -> Delivery:
    """Return the ways to this stack's sinks that are `taken`, by class; `destinations` are the fragments by name."""
    settings = context.settings
    all_ways = {item.name: item for found in taken.values() for item in found}
    by_sink = {
        sink: found for sink in sinks(settings) if (found := [item for item in all_ways.values() if item.sink == sink])
    }
    signing = {SIGNER: signer(context.region)} if Destination.CLOUDWATCH in settings.destinations else {}
    back = loopback.part(
        [item for found in by_sink.values() for item in found],
        base["loopback"]["receiver"],
        settings.collector.listen.loopback,
        route.pipeline(QUARANTINE),
    )
    parts = [_sink(context, sink, found, destinations[sink], base) for sink, found in by_sink.items()]
    return Delivery(
        joined([Part(extensions=signing), *parts, back]),
        {name: [way.entrance(item) for item in found] for name, found in taken.items()},
    )


def _sink(context: Context, sink: str, found: list[Way], fragment: Mapping[str, Any], base: Mapping[str, Any]) -> Part:
    """Return all ways to one sink, its queues' store and its spill."""
    collector, spill = context.settings.collector, f"spill-{sink}"
    size = sizes(collector.queue, len(found))
    shaping = shape.processors(context, sink)
    batches = next(iter(fragment.values()))["sending_queue"]
    if sink == ARCHIVE:
        batches = {**batches, "batch": archive_objects.batch(context)}
    kept = {
        "retry_on_failure": base["retry_on_failure"],
        "sending_queue": queue(base["sending_queue"], batches, store(sink), size.way),
    }
    hop = loopback.exporter(base["loopback"]["exporter"], collector.listen.loopback)
    ways_of_sink = [way.part(item, _sender(context, item, fragment), shaping, kept, hop) for item in found]
    emptying = {
        **hop,
        "retry_on_failure": {**base["retry_on_failure"], **base["loopback"]["retry_on_failure"]},
        "sending_queue": queue(base["sending_queue"], {}, store(spill), size.spill),
    }
    files = base["extensions"]["file_storage"]
    return joined(
        [
            *ways_of_sink,
            Part(
                exporters={way.spill_exporter(sink): emptying},
                extensions={
                    store(sink): queue_store(files, collector, sink, size.way),
                    store(spill): queue_store(files, collector, spill, size.spill),
                },
            ),
        ]
    )


def _sender(context: Context, item: Way, fragment: Mapping[str, Any]) -> way.Sender:
    kind, written = next(iter(fragment.items()))
    settings = _merged(written, own(context, item.sink, item.cls or ""))
    return way.Sender(kind, {key: value for key, value in settings.items() if key != "sending_queue"})


def _merged(fragment: Mapping[str, Any], own_settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, own first; a mapping in both is merged one level deep."""
    both = {
        key: {**own_settings[key], **fragment[key]} for key in own_settings if isinstance(fragment.get(key), Mapping)
    }
    return {**own_settings, **fragment, **both}
