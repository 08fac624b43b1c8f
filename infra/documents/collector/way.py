"""One way to a sink: a queue on disk, the spill when that is full, and for some a hop that retries everything."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.documents.collector import loopback
from infra.documents.collector.part import Part, pipeline
from infra.sinks import Way

RETRY_INTERVAL = "1s"
"""How often a request tries the sink's own queue while the others go to the spill."""
NO_QUEUE = {"enabled": False}


@dataclass(frozen=True)
class Sender:
    """The exporter that speaks to the sink itself, before it has a queue."""

    kind: str
    settings: Mapping[str, Any]


def entrance(way: Way) -> str:
    """Return the id of the connector that leads to the way."""
    return f"failover/{way.name}"


def spill_exporter(sink: str) -> str:
    """Return the id of the exporter that empties a sink's spill."""
    return f"otlp_http/spill-{sink}"


def part(way: Way, sender: Sender, shape: Mapping[str, Any], kept: Mapping[str, Any], hop: Mapping[str, Any]) -> Part:
    """Return everything between a class's pipeline and the sink.

    `kept` is the queue on disk with its retries, `hop` the exporter that leads back into the collector. `shape` runs before the queue. It runs again on a record that comes back from the spill, and must then change
    nothing more: the connector hands the spill what a full queue refused, shaped already.
    """
    exporter_id, hop_id, spill = f"{sender.kind}/{way.name}", f"otlp_http/hop-{way.name}", f"logs/spill-{way.name}"
    mark = f"resource/spill-{way.name}"
    if way.retries_refusals:
        # awss3 knows no retry_on_failure (v0.144, config.go).
        once = {} if sender.kind == "awss3" else {"retry_on_failure": {"enabled": False}}
        exporters = {
            hop_id: {**hop, **loopback.names(way), **kept},
            exporter_id: {**sender.settings, **once, "sending_queue": NO_QUEUE},
        }
        putting = _putting(way, exporter_id, sender.kind)
    else:
        exporters = {exporter_id: {**sender.settings, **kept}}
        putting = Part()
    first, *_ = exporters
    return Part(
        processors={loopback.UNMARK: loopback.unmark(), **shape, mark: loopback.mark(way)},
        connectors={entrance(way): _failover(loopback.to(way), spill), **putting.connectors},
        exporters=exporters,
        pipelines={
            loopback.to(way): pipeline([entrance(way), loopback.ROUTER], [loopback.UNMARK, *shape], [first]),
            spill: pipeline([entrance(way)], [mark], [spill_exporter(way.sink)]),
            **putting.pipelines,
        },
    )


def _putting(way: Way, exporter_id: str, kind: str) -> Part:
    """Return what stands between the loopback receiver and the sink.

    An error that an exporter calls permanent would be answered with 500, and the hop would drop the batch. The
    failover connector, with nothing to fail over to, turns every error into one that is answered with 503; for a
    second it then refuses the rest of the way too, which spares a sink that refuses everything.
    """
    if kind == "awss3":  # calls no error permanent (v0.144, exporter.go)
        return Part(pipelines={loopback.put(way): pipeline([loopback.ROUTER], [], [exporter_id])})
    breaker, last = f"failover/put-{way.name}", f"logs/last-{way.name}"
    return Part(
        connectors={breaker: _failover(last)},
        pipelines={
            loopback.put(way): pipeline([loopback.ROUTER], [], [breaker]),
            last: pipeline([breaker], [], [exporter_id]),
        },
    )


def _failover(*levels: str) -> dict[str, Any]:
    return {
        "priority_levels": [[level] for level in levels],
        "retry_interval": RETRY_INTERVAL,
        # On by default, in memory, and so lost with the process; on a file storage it crashes (v0.144).
        "sending_queue": NO_QUEUE,
    }
