"""Records of a service that is over its rate limit are thinned out, by the rule of their class; nothing is refused.

No component of the collector acts on a rate of log records, so the limit is made of two that are there. A meter is an
exporter that throws copies away: its queue takes as many as a window may have and is emptied when the window ends, so
it refuses what is too much. A failover connector remembers for the length of a window that it did, and leads the
service's records of a class through samplers meanwhile. docs/adr/0020-budgets.md says what that costs.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.context import Context
from infra.documents.collector import sample
from infra.documents.collector.part import Part, joined, pipeline
from infra.documents.collector.route import pipeline as class_pipeline
from infra.policy import Policy
from infra.policy.thinning import SampledBy

REASON = "over_budget"
"""Shown as the reason wherever dropped records are counted."""
NEVER_BY_SIZE = 1 << 60
"""Records, or bytes, that no queue or batch has: what ends it is time."""
STALL, REFUSE = "debug/stall", "debug/refuse"
STALL_TIME = "100ms"
"""How long a request waits that finds its service newly over its limit. The failover connector asks the meter again only
if what it started to ask with last time has ended, which takes a moment after the meter last said yes; were it told no
within that moment, it would never ask again (v0.144, pipeline_selector.go, TryEnableRetry)."""


@dataclass(frozen=True)
class Limits:
    """What stands between a class's own thinning out and its pipeline, in classes with limited services."""

    part: Part = field(default_factory=Part)
    receivers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Class to the connectors that its pipeline receives from; its thinning out is behind it by then."""


def services(policy: Policy) -> dict[str, tuple[str, ...]]:
    """Return each class that may be thinned out over budget, with the services whose limits hold for it."""
    budgets = policy.budgets
    found = {
        name: tuple(service for service in budgets.rate_limits if service in budgets.classes[name].services)
        for name in budgets.limited
    }
    return {name: limited for name, limited in found.items() if limited}


def ways(policy: Policy) -> dict[str, str]:
    """Return each class with the pipeline that its records come to first."""
    limited = services(policy)
    return {name: _first(name) if name in limited else class_pipeline(name) for name in policy.data_classes.classes}


def limits(context: Context, routers: Iterable[str], thinning: Mapping[str, Mapping[str, Any]]) -> Limits:
    """Return the limits of every service in the policy, none where it has none.

    `routers` feed the classes, and `thinning` is what each does to its records before they are counted.
    """
    limited = services(context.policy)
    if not limited:
        return Limits()
    known = dict.fromkeys(service for found in limited.values() for service in found)
    return Limits(
        joined(
            [
                *(_class(context, name, found, routers, thinning[name]) for name, found in limited.items()),
                Part(exporters={meter(service): _meter(context, service) for service in known}),
                _stall([_switch(name, service) for name, found in limited.items() for service in found]),
            ]
        ),
        {name: (_by_service(name), _kept(name)) for name in limited},
    )


def meter(service: str) -> str:
    """Return the id of the exporter that counts a service's records; its queue is full while the service is over."""
    return f"debug/meter-{service}"


def _first(name: str) -> str:
    return class_pipeline(f"thin-{name}")


def _by_service(name: str) -> str:
    return f"routing/limit-{name}"


def _switch(name: str, service: str) -> str:
    return f"failover/limit-{name}-{service}"


def _kept(name: str) -> str:
    return f"forward/{name}"


def _class(
    context: Context, name: str, limited: Iterable[str], routers: Iterable[str], thinning: Mapping[str, Any]
) -> Part:
    """Return a class's first pipeline, from which limited services take the way by their meters."""
    over, samplers = class_pipeline(f"over-{name}"), _samplers(context, name)
    switches = {service: _switch(name, service) for service in limited}
    window = {service: context.policy.budgets.rate_limits[service].burst_seconds for service in switches}
    # An SDK names its service on the resource; a line of JSON names it itself, and waits for the second look.
    rows = [
        {
            "context": where,
            "condition": f'attributes["service.name"] == "{service}"',
            "pipelines": [class_pipeline(f"limit-{name}-{service}")],
        }
        for where in ("resource", "log")
        for service in switches
    ]
    within = {service: class_pipeline(f"within-{name}-{service}") for service in switches}
    return Part(
        processors={**thinning, **samplers},
        connectors={
            _by_service(name): {
                "error_mode": "ignore",
                "default_pipelines": [class_pipeline(name)],
                "table": rows,
            },
            _kept(name): {},
            **{
                switch: {
                    "priority_levels": [[within[service]], ["logs/stall"], [over]],
                    "retry_interval": f"{window[service]}s",  # the window in which the meter said no is over by then
                    "sending_queue": {"enabled": False},
                }
                for service, switch in switches.items()
            },
        },
        pipelines={
            _first(name): pipeline(routers, thinning, [_by_service(name)]),
            **{
                class_pipeline(f"limit-{name}-{service}"): pipeline([_by_service(name)], [], [switch])
                for service, switch in switches.items()
            },
            **{
                within[service]: pipeline([switch], [], [meter(service), _kept(name)])
                for service, switch in switches.items()
            },
            over: pipeline(switches.values(), samplers, [_kept(name)]),
        },
    )


def _samplers(context: Context, name: str) -> dict[str, Any]:
    """Return what thins out a class: whole traces or sessions, and what belongs to none each by itself."""
    own, rule = context.policy.data_classes.classes[name].sampling, context.policy.budgets.limited[name]
    together = sample.deciding(own[0].by if own else SampledBy.TRACE)
    percent = rule.keep_percent.at(context.settings.environment)
    return {
        **sample.thinning(f"{name}-{REASON}", below=rule.below, percent=percent, deciding=together),
        **sample.thinning(f"{name}-{REASON}_alone", below=rule.below, percent=percent, deciding=sample.alone(together)),
    }


def _meter(context: Context, service: str) -> dict[str, Any]:
    """Return the exporter whose queue holds a window of the service's records, this collector's share of them."""
    limit = context.policy.budgets.rate_limits[service]
    records = limit.records_per_second.at(context.settings.environment) * limit.burst_seconds
    window = f"{limit.burst_seconds}s"
    return _throwing_away(
        sizer="items",
        queue_size=math.ceil(records / context.settings.collector.tasks.minimum),
        batch={"sizer": "bytes", "min_size": NEVER_BY_SIZE, "flush_timeout": window},
    )


def _stall(switches: Iterable[str]) -> Part:
    """Return the pipeline that refuses everything, after a moment."""
    return Part(
        exporters={
            STALL: _throwing_away(
                sizer="items",
                queue_size=NEVER_BY_SIZE,
                wait_for_result=True,
                batch={"sizer": "bytes", "min_size": NEVER_BY_SIZE, "flush_timeout": STALL_TIME},
            ),
            REFUSE: _throwing_away(sizer="bytes", queue_size=1),
        },
        pipelines={"logs/stall": pipeline(switches, [], [STALL, REFUSE])},
    )


def _throwing_away(**queue: Any) -> dict[str, Any]:
    """Return an exporter that prints nothing at the collector's level of logging and refuses what its queue cannot take."""
    return {
        "verbosity": "basic",
        "sending_queue": {"enabled": True, "num_consumers": 1, "block_on_overflow": False, **queue},
    }
