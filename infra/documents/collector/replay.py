"""The collector in replay mode: from the archive to one sink, made of the parts of the usual configuration.

No redaction, no sampling, no folding, no archive; two searches instead of redaction (recheck.py), then the sink's own
way as always (deliver.py): its window of time, its limits, its names. A record that went through says so.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from infra.context import Context
from infra.documents.collector import counts, deliver, loggly, loopback, receive, recheck, route, telemetry
from infra.documents.collector.assemble import document
from infra.documents.collector.fragments import Fragments
from infra.documents.collector.normalise import NUMBERS
from infra.documents.collector.ottl import attribute, group
from infra.documents.collector.part import Part, joined, pipeline
from infra.documents.collector.receive.otlp import server_tls
from infra.documents.collector.sample import ADJUSTED_COUNT
from infra.policy.destinations import Destination
from infra.settings import Queue
from infra.sinks import Way, ways

PATH = "/v1/replay"
"""Where a collector in replay mode takes records, and no other collector does: whoever sends to the wrong one is told."""
REPLAYED = "tinybeans.replayed"
"""Attribute of every record that was replayed: the replay's name."""
NAME_VARIABLE = "REPLAY_NAME"
"""Variable of the collector's environment that holds the replay's name."""
ACCEPT = "logs/replay"
OUTAGE_HOURS = 1.0
"""What the queues hold is in the archive too, so they are small; a record may wait so long before the sink's window
counts it as too old."""
BYTES_PER_SECOND = 20_000
"""With the hour above, the least that a queue may hold (infra/sinks.py) is more than this."""


def allowed(context: Context, sink: Destination) -> tuple[str, ...]:
    """Return the classes that policy lets go to `sink`."""
    classes = context.policy.data_classes.classes
    return tuple(name for name, data_class in classes.items() if sink in data_class.destinations)


def replay_context(context: Context, sink: Destination) -> Context:
    """Return the stack's context with `sink` for its only destination, and queues of a replay's size."""
    queue = context.settings.collector.queue
    small = Queue(
        volume_gib=queue.volume_gib,
        outage_hours=OUTAGE_HOURS,
        bytes_per_second=BYTES_PER_SECOND,
        fsync=queue.fsync,
    )
    collector = context.settings.collector.model_copy(update={"queue": small, "counted_by_class": ("accepted", "kept")})
    return replace(
        context, settings=context.settings.model_copy(update={"destinations": (sink,), "collector": collector})
    )


def replay_config(context: Context, fragments: Fragments, sink: Destination) -> dict[str, Any]:
    """Return the configuration of a collector that takes archived records at PATH and sends them to `sink` only.

    It takes no class that policy does not let go there. No secret is in it, only references.
    """
    replaying = replay_context(context, sink)
    collector, policy, base = replaying.settings.collector, replaying.policy, _one_at_a_time(fragments.base)
    classes = allowed(context, sink)
    guard = {receive.GUARD: receive.memory_limiter(base["processors"][receive.GUARD], collector)}
    checking = recheck.cleaning(policy, classes)
    delivery = deliver.delivery(replaying, _ways(replaying, classes), fragments.destinations, base)
    finish = {"transform/replayed": _replayed(), "attributes/replayed": route.finish(fragments.classes["every"])}
    receivers = {"otlp/replay": _door(replaying, base)}
    whole = joined(
        [
            Part(extensions={"health_check": telemetry.health(collector.listen)}),
            Part(
                receivers=receivers,
                processors={**guard, **finish},
                pipelines={
                    ACCEPT: pipeline(receivers, [*guard, *checking.processors], [checking.exporter, counts.ACCEPTED])
                },
            ),
            checking.part,
            Part(
                pipelines={
                    route.pipeline(name): pipeline(checking.routers, finish, [*delivery.entrances[name], counts.KEPT])
                    for name in classes
                }
            ),
            # What may not go on ends here: it is counted by class and reason, and still in the archive.
            Part(
                pipelines={
                    route.pipeline(route.QUARANTINE): pipeline(
                        [route.ROUTER, loopback.ROUTER], [], [counts.QUARANTINED]
                    )
                }
            ),
            delivery.part,
            counts.counts(classes, policy.alerts.services, collector, base["own_metrics"]["counts"]),
            loggly.part(replaying, fragments.destinations["loggly"]["syslog"]),
        ]
    )
    return document(whole, base, collector.listen)


def _one_at_a_time(base: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with one request under way from each queue: what a crash sends twice is that one."""
    return {**base, "sending_queue": {**base["sending_queue"], "num_consumers": 1}}


def _ways(context: Context, classes: tuple[str, ...]) -> dict[str, tuple[Way, ...]]:
    """Return the one way of each class; what the sink refuses for good is kept and tried again, so that it is seen."""
    (sink,) = context.settings.destinations
    every = ways(context.settings, context.policy.data_classes)
    return {
        name: tuple(replace(way, retries_refusals=True) for way in every[name] if way.sink == sink) for name in classes
    }


def _door(context: Context, base: Mapping[str, Any]) -> dict[str, Any]:
    tls = context.settings.receivers.tls
    common = base["receivers"]["otlp"]["protocols"]["http"]
    secured = {"tls": server_tls(tls)} if tls else {}
    endpoint = context.settings.collector.listen.http
    return {"protocols": {"http": {"endpoint": endpoint, "logs_url_path": PATH, **common, **secured}}}


def _replayed() -> dict[str, Any]:
    """Return the processor that marks what goes out, with the name that the collector was started under."""
    # An export may write a double that is whole as CloudWatch shows it, without a point.
    doubles = [
        f"set({item}, Double({item})) where IsInt({item})" for item in map(attribute, (*NUMBERS, ADJUSTED_COUNT))
    ]
    # No text(): the collector has to expand this one.
    mark = f'set({attribute(REPLAYED)}, "${{env:{NAME_VARIABLE}}}")'
    return {"error_mode": "silent", "log_statements": [group("log", [*doubles, mark])]}
