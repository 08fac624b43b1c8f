"""Service level objectives from policy/objectives.yaml, as the Service Level Objectives API takes them (v1).

They rest on what the collector says of itself (docs/accounting.md), which reaches Datadog as deltas: counters are
counts there. While nothing of that arrives, because the collector or Datadog is down, Datadog sees no bad slice and no
bad record; the monitors see that.
"""

from collections.abc import Iterator
from typing import Any

from infra.context import Context
from infra.documents.datadog.own import EXPORTER_OF, counted
from infra.documents.datadog.scope import classes as at_datadog
from infra.policy.data_classes import Destination
from infra.policy.objectives import Measure, Objective, Objectives
from infra.sinks import sinks, ways


def slos(context: Context) -> dict[str, dict[str, Any]]:
    """Return each objective's name, with the sink where it is measured by sink, and its document."""
    objectives = context.policy.objectives
    return {
        name: {**_common(context, objectives, objective, title), **measured}
        for objective in objectives.objectives
        for name, title, measured in _measured(context, objectives, objective)
    }


def _common(context: Context, objectives: Objectives, objective: Objective, title: str) -> dict[str, Any]:
    environment = context.settings.environment
    target, warning = objective.target_percent.at(environment), objective.warning_percent.at(environment)
    return {
        "name": f"[{context.name()}] {title}",
        "description": f"{objective.reason.strip()} Sources: {', '.join(objective.sources)}.",
        "tags": sorted([f"env:{context.environment}", f"objective:{objective.name}", "managed-by:pulumi"]),
        "thresholds": [{"timeframe": objectives.timeframe, "target": target, "warning": warning}],
        "timeframe": objectives.timeframe,
        "target_threshold": target,
        "warning_threshold": warning,
    }


def _measured(
    context: Context, objectives: Objectives, objective: Objective
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    match objective.measures:
        case Measure.FRESHNESS:
            for sink in reached(context):
                title = f"{sink} has what is five minutes old" if objectives.slice_seconds == 300 else f"{sink} is fresh"
                yield f"{objective.name}-{sink}", title, _fresh(context, sink, objectives.slice_seconds)
        case Measure.LOSS:
            yield objective.name, "Sinks take every record", _lossless(context)
        case Measure.REDACTION:
            yield objective.name, "Records are proven clean", _redacted(context)


def reached(context: Context) -> tuple[str, ...]:
    """Return the stack's sinks but a developer's own machine."""
    return tuple(sink for sink in sinks(context.settings) if sink != Destination.LOCAL)
