"""The deployed configuration cut after each of its stages, so that what is measured stays what is deployed.

Stages are read off the configuration: the way of a record from the receiver `otlp`, processor by processor and
connector by connector, whatever those are. Each cut holds the one before it, so a stage costs the difference of two.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.documents.collector.limit import NEVER_BY_SIZE
from infra.documents.collector.loopback import RECEIVER as WAY_BACK

DOOR = "otlp"
NULL = "debug/null"
"""An exporter that throws away: it would print a summary at level info, and the level is warn."""
FLUSH_TIMEOUT = "1s"
METER = "debug/"
"""Exporters that only count: no sinks. A bench is a flood, so what they take has no limit here."""
Config = Mapping[str, Any]
Pipelines = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Cut:
    """A configuration that ends after a stage, in a sink that throws away unless the stage is a sink."""

    stage: str
    config: dict[str, Any]
    after: str | None
    """The stage that this one is compared with; None for the first."""


def cuts(config: Config) -> list[Cut]:
    """Return every stage: receiving, each processor and connector on the way, counting, each sink, and all at once."""
    pipelines = _reachable(config, DOOR)
    levels = _levels(config, pipelines)
    found = [Cut("receive", passthrough(config), None)]
    for number, level in enumerate(levels):
        if number:
            connectors = {name for key in level for name in pipelines[key]["receivers"]}
            found.append(
                Cut(_new(_label(connectors), found), _until(config, pipelines, levels, number, 0), found[-1].stage)
            )
        before: set[str] = set()
        for length in _lengths(pipelines, level):
            added = {item for name in level for item in pipelines[name]["processors"][:length]}
            stage = f"{len(level)} pipelines: {_label(added)}" if len(level) > 1 else _label(added - before)
            before = added
            found.append(Cut(_new(stage, found), _until(config, pipelines, levels, number, length), found[-1].stage))
    last = found[-1].stage
    found.append(Cut("count", processing(config), last))
    sinks = sorted(
        {
            _sink(end)
            for item in pipelines.values()
            for end in item["exporters"]
            if end in config["exporters"] and not end.startswith(METER)
        }
    )
    through = _reachable(config, DOOR, WAY_BACK)
    found += [Cut(f"sink: {sink}", _only(config, _with_sink(config, through, sink)), last) for sink in sinks]
    return [*found, Cut("all", door_only(config), last)]


def _new(stage: str, found: Sequence[Cut]) -> str:
    """Return a name that no stage found so far has: a processor may stand at two places of a record's way."""
    taken = {cut.stage for cut in found}
    while stage in taken:
        stage += " again"
    return stage


def _lengths(pipelines: Pipelines, level: Sequence[str]) -> list[int]:
    """Return where to cut: after each processor of a pipeline that stands alone, after all of several side by side."""
    longest = max(len(pipelines[name]["processors"]) for name in level)
    return list(range(1, longest + 1)) if len(level) == 1 else [longest] * bool(longest)


def passthrough(config: Config) -> dict[str, Any]:
    """Return the receiver alone, which everything else is measured against."""
    return _only(config, {"logs": {"receivers": [DOOR], "processors": [], "exporters": [NULL]}})


def door_only(config: Config) -> dict[str, Any]:
    """Return the whole way of a record from `otlp` to every sink, without other doors and without own metrics.

    Where an exporter is behind a hop, that is through the collector's own receiver.
    """
    return _only(config, _with_counting(config, _reachable(config, DOOR, WAY_BACK)))


def processing(config: Config) -> dict[str, Any]:
    """Return everything but the sinks: each class ends in one that throws away."""
    counted = _with_counting(config, _reachable(config, DOOR))
    return _only(config, {key: _without_sinks(config, item) for key, item in counted.items()})


def _with_counting(config: Config, pipelines: Pipelines) -> Pipelines:
    return {**pipelines, **_counting(config, pipelines)}


def _reachable(config: Config, *doors: str) -> Pipelines:
    """Return the pipelines of records that these receivers lead to; each receives only from those."""
    every: Pipelines = {
        key: item for key, item in config["service"]["pipelines"].items() if key.split("/")[0] == "logs"
    }
    found: Pipelines = {}
    ends = set(doors)
    while new := {key for key, item in every.items() if ends & set(item["receivers"])} - set(found):
        found |= {key: every[key] for key in new}
        ends |= {end for key in new for end in every[key]["exporters"] if end in config.get("connectors", {})}
    return {
        key: {**item, "receivers": [end for end in item["receivers"] if end in ends]}
        for key, item in every.items()
        if key in found
    }


def _levels(config: Config, pipelines: Pipelines) -> list[list[str]]:
    """Return the pipelines by the longest way to them from the door."""
    depth = {key: 0 for key, item in pipelines.items() if DOOR in item["receivers"]}
    for _ in pipelines:
        for key, item in pipelines.items():
            for end in (name for name in item["exporters"] if name in config.get("connectors", {}) and key in depth):
                for later in (name for name, other in pipelines.items() if end in other["receivers"]):
                    depth[later] = max(depth.get(later, 0), depth[key] + 1)
    return [[key for key in pipelines if depth[key] == level] for level in range(max(depth.values()) + 1)]


def _until(
    config: Config, pipelines: Pipelines, levels: Sequence[Sequence[str]], number: int, length: int
) -> dict[str, Any]:
    """Return the configuration up to the `length`-th processor of the pipelines at level `number`."""
    kept: Pipelines = {}
    for level, names in enumerate(levels):
        for name in names:
            if level < number:
                kept[name] = _without_sinks(config, _uncounted(config, pipelines[name], pipelines))
            else:
                processors = pipelines[name]["processors"][:length] if level == number else []
                kept[name] = {**pipelines[name], "processors": processors, "exporters": [NULL]}
    fed = {DOOR} | {end for item in kept.values() for end in item["exporters"]}
    kept = {key: {**item, "receivers": [end for end in item["receivers"] if end in fed]} for key, item in kept.items()}
    return _only(config, {key: item for key, item in kept.items() if item["receivers"]})


def _counting(config: Config, pipelines: Pipelines) -> Pipelines:
    """Return the pipelines of metrics that are made from records on their way."""
    ends = {end for item in pipelines.values() for end in item["exporters"] if end in config.get("connectors", {})}
    every = config["service"]["pipelines"]
    return {key: every[key] for key in every if key.startswith("metrics") and ends & set(every[key]["receivers"])}


def _uncounted(config: Config, item: dict[str, Any], pipelines: Pipelines) -> dict[str, Any]:
    """Return a pipeline without the connectors that lead to no pipeline of records."""
    led = {end for other in pipelines.values() for end in other["receivers"]}
    ends = [end for end in item["exporters"] if end in led or end in config["exporters"]]
    return {**item, "exporters": ends}


def _without_sinks(config: Config, item: dict[str, Any]) -> dict[str, Any]:
    if item["exporters"] and all(end.startswith("prometheus") for end in item["exporters"]):
        return item
    ends = [end for end in item["exporters"] if end not in config["exporters"]]
    sinks = [NULL] if len(ends) < len(item["exporters"]) else []
    return {**item, "exporters": [*ends, *sinks]}


def _with_sink(config: Config, pipelines: Pipelines, sink: str) -> Pipelines:
    found: Pipelines = {}
    for key, item in pipelines.items():
        plain = _uncounted(config, item, pipelines)
        ends = [end for end in plain["exporters"] if end not in config["exporters"] or _sink(end) == sink]
        found[key] = {**plain, "exporters": ends or [NULL]}
    return found


def _sink(exporter: str) -> str:
    """Return the sink that an exporter's id names: otlp_http/cloudwatch-audit is cloudwatch, hop-archive-audit archive."""
    way = exporter.partition("/")[2].removeprefix("hop-").removeprefix("spill-")
    return way.split("-")[0] or exporter


def _label(ids: set[str]) -> str:
    """Return one id as it is, and several by their types."""
    return next(iter(ids)) if len(ids) == 1 else ", ".join(sorted({item.partition("/")[0] for item in ids}))


def _only(config: Config, pipelines: Pipelines) -> dict[str, Any]:
    """Return the configuration reduced to what these pipelines use."""
    own = copy.deepcopy(dict(config))
    used = {
        section: {end for item in pipelines.values() for end in item[section]}
        for section in ("receivers", "processors", "exporters")
    }
    ends = used["receivers"] | used["exporters"]
    own["exporters"][NULL] = {"verbosity": "basic"}
    # A run ends when the queues are empty: nobody need wait for the last batch of an archive.
    for exporter in own["exporters"].values():
        if batch := exporter.get("sending_queue", {}).get("batch"):
            batch["flush_timeout"] = FLUSH_TIMEOUT
    for name, exporter in own["exporters"].items():
        if name.startswith(METER) and "sending_queue" in exporter:
            exporter["sending_queue"]["queue_size"] = NEVER_BY_SIZE
    for section, names in used.items():
        own[section] = {name: item for name, item in own[section].items() if name in names}
    own["connectors"] = {name: item for name, item in own.get("connectors", {}).items() if name in ends}
    text = str(own["exporters"])
    extensions = {name: item for name, item in own.get("extensions", {}).items() if name in text}
    own["extensions"] = extensions
    own["service"] = {**own["service"], "pipelines": copy.deepcopy(dict(pipelines)), "extensions": list(extensions)}
    return own
