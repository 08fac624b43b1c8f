"""The rendered configuration, cut after the pipelines of the classes: what cleans stays as it runs in production."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.policy.redaction import Redaction

DOOR = "logs/accept"
"""Pipeline in which applications' OTLP arrives."""
QUARANTINE = "logs/quarantine"
THINNING = ("transform/sampling", "probabilistic_sampler/", "log_dedup/", "logdedup/", "tail_sampling/")
"""Processors of a class that leave records out: none may be missing when each is judged."""
THIN = "logs/thin-"
"""What a class's first pipeline is called where services of it have a rate limit; limits are cut out, as sinks are."""


@dataclass(frozen=True)
class Ends:
    """What stands in place of the sinks: exporters by id."""

    delivered: Mapping[str, Any]
    quarantined: Mapping[str, Any]


def cut_after_classes(
    config: Mapping[str, Any], classes: Iterable[str], receivers: Mapping[str, Any], ends: Ends, *, door: str = DOOR
) -> dict[str, Any]:
    """Return `config` from the pipeline `door`, fed by `receivers`, to the class pipelines, which end in `ends`."""
    known = config["service"]["pipelines"]
    last = {_first(known, name): ends.delivered for name in classes} | {QUARANTINE: ends.quarantined}
    pipelines: dict[str, dict[str, list[str]]] = {}
    waiting = [door]
    while waiting:
        name = waiting.pop(0)
        found = known[name]
        if name in last:
            behind = known[name.replace(THIN, "logs/")]["processors"] if name.startswith(THIN) else []
            every = [*found["processors"], *behind]
            processors = [item for item in every if not item.startswith(THINNING)]
            pipelines[name] = {**found, "processors": processors, "exporters": list(last[name])}
            continue
        after = {
            other: exporter
            for exporter in found["exporters"]
            for other, candidate in known.items()
            if other.startswith("logs") and exporter in candidate["receivers"]
        }
        pipelines[name] = {**found, "exporters": list(dict.fromkeys(after.values()))}
        waiting += [other for other in after if other not in pipelines and other not in waiting]
    pipelines[door] = {**pipelines[door], "receivers": list(receivers)}
    fed = {*receivers, *(exporter for found in pipelines.values() for exporter in found["exporters"])}
    pipelines = {  # what comes back from a spill, or from another door, does not come here
        name: {**found, "receivers": [item for item in found["receivers"] if item in fed]}
        for name, found in pipelines.items()
    }
    used = {item for found in pipelines.values() for part in found.values() for item in part}
    return _whole(
        receivers,
        {name: item for name, item in config["processors"].items() if name in used},
        {**ends.delivered, **ends.quarantined},
        pipelines,
        {name: item for name, item in config["connectors"].items() if name in used},
    )


def _first(pipelines: Mapping[str, Any], cls: str) -> str:
    """Return the pipeline in which records of a class arrive."""
    return f"{THIN}{cls}" if f"{THIN}{cls}" in pipelines else f"logs/{cls}"


def stock(policy: Redaction, receivers: Mapping[str, Any], exporters: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration in which the stock redaction processor is given the policy's patterns and names."""
    names = [f"(?i)^{_whole_name(key)}$$" for rule in policy.rules for key in rule.keys]
    patterns = [rule.pattern.replace("$", "$$") for rule in policy.rules if rule.pattern]
    redaction = {
        "allow_all_keys": True,
        "blocked_key_patterns": names,
        "blocked_values": patterns,
        "summary": "silent",
    }
    pipeline = {"receivers": list(receivers), "processors": ["redaction"], "exporters": list(exporters)}
    return _whole(receivers, {"redaction": redaction}, exporters, {"logs": pipeline}, {})


def _whole_name(key: str) -> str:
    """Return a pattern of a key name; `*` stands for any beginning."""
    return key.replace(".", r"\.").replace("*", ".*")


def _whole(
    receivers: Mapping[str, Any],
    processors: Mapping[str, Any],
    exporters: Mapping[str, Any],
    pipelines: Mapping[str, Any],
    connectors: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "receivers": dict(receivers),
        "processors": dict(processors),
        **({"connectors": dict(connectors)} if connectors else {}),
        "exporters": dict(exporters),
        "service": {"pipelines": dict(pipelines), "telemetry": {"logs": {"level": "warn", "encoding": "json"}}},
    }
