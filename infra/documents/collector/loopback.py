"""The collector's way back into itself: an OTLP receiver that only its own exporters reach, on 127.0.0.1.

Two kinds of exporter send there, each from a queue on disk and for ever: the hop in front of an exporter that cannot
retry by itself, or would drop what the sink refuses, and the spill, once the sink's own queues have room again.
What comes back was redacted, sampled and counted before, and goes straight to where it was on its way to.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from infra.documents.collector.part import Part, pipeline
from infra.documents.collector.receive import GUARD
from infra.sinks import Way

RECEIVER, ROUTER = "otlp/loopback", "routing/loopback"
HEADER = "tinybeans-way"
"""Header in which a hop says whose exporter is meant."""
MARK = "tinybeans.spill"
"""Resource attribute that says, in the spill, which way a record was on; it is taken off on the way back."""
UNMARK = "resource/unspill"


def to(way: Way) -> str:
    """Return the pipeline that leads to a way's queue."""
    return f"logs/to-{way.name}"


def put(way: Way) -> str:
    """Return the pipeline behind a way's hop, which ends in the sink itself."""
    return f"logs/put-{way.name}"


def exporter(base: Mapping[str, Any], listen: str) -> dict[str, Any]:
    """Return the exporter that sends to the collector's own receiver, without queue and retry."""
    return {"logs_endpoint": f"http://{listen}/v1/logs", **base}


def names(way: Way) -> dict[str, Any]:
    """Return what a hop adds to that exporter: which way its records are on."""
    return {"headers": {HEADER: way.name}}


def mark(way: Way) -> dict[str, Any]:
    """Return the processor that writes on records in the spill which way they were on."""
    return {"attributes": [{"key": MARK, "value": way.name, "action": "upsert"}]}


def unmark() -> dict[str, Any]:
    """Return the processor that takes the spill's mark off, whoever put it on."""
    return {"attributes": [{"key": MARK, "action": "delete"}]}


def part(ways: Iterable[Way], base: Mapping[str, Any], listen: str, stray: str) -> Part:
    """Return the receiver, and the router to the ways; a record of no known way goes to the pipeline `stray`.

    The memory limiter stands first here too: what it refuses stays on disk and comes again, whereas emptying a
    long queue without it could take the memory that it keeps the clients from taking.
    """
    known = list(ways)
    hops = [
        {"condition": f'otelcol.client.metadata["{HEADER}"][0] == "{way.name}"', "pipelines": [put(way)]}
        for way in known
        if way.retries_refusals
    ]
    spilled = [
        {"context": "resource", "condition": f'attributes["{MARK}"] == "{way.name}"', "pipelines": [to(way)]}
        for way in known
    ]
    return Part(
        receivers={RECEIVER: {"protocols": {"http": {"endpoint": listen, **base}}}},
        connectors={ROUTER: {"error_mode": "ignore", "default_pipelines": [stray], "table": [*hops, *spilled]}},
        pipelines={"logs/loopback": pipeline([RECEIVER], [GUARD], [ROUTER])},
    )
