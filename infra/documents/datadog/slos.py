"""Service level objectives from policy/objectives.yaml, as the Service Level Objectives API takes them (v1).

They rest on what the collector says of itself (docs/accounting.md), which reaches Datadog as deltas: counters are
counts there. While nothing of that arrives, because the collector or Datadog is down, Datadog sees no bad slice and no
bad record; the monitors see that.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from infra.context import Context
from infra.documents.datadog.own import counted, exporters, kept, last_processors
from infra.policy.destinations import Destination
from infra.policy.objectives import Measure, Objective, Objectives
from infra.sinks import ARCHIVE, sinks


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
                waits = _waits(context, sink)
                within = f" or {waits} s later" if waits else ""
                title = f"{sink} takes records in every {objectives.slice_seconds} s in which some come{within}"
                yield f"{objective.name}-{sink}", title, _fresh(context, sink, objectives.slice_seconds)
        case Measure.LOSS:
            yield objective.name, "Sinks take every record that is kept", _lossless(context)
        case Measure.REDACTION:
            yield objective.name, "Records are proven clean rather than withheld", _redacted(context)


def reached(context: Context) -> tuple[str, ...]:
    """Return the stack's sinks but a developer's own machine."""
    return tuple(sink for sink in sinks(context.settings) if sink != Destination.LOCAL)


def _fresh(context: Context, sink: str, seconds: int) -> dict[str, Any]:
    """Return the objective that slices are good. Where nothing came there is no value, and that is no bad slice."""
    came = counted(context, "otelcol_processor_incoming_items", _in("processor", last_processors(context, sink)))
    taken = counted(context, "otelcol_exporter_sent_log_records", _in("exporter", exporters(context, sink)))
    waits = _waits(context, sink)
    # What waits to be packed is not late: such a sink is asked about the wait as well (Datadog docs, "Rollup",
    # moving_rollup).
    formula = f"moving_rollup(default_zero(taken), {seconds + waits}, 'sum')" if waits else "default_zero(taken)"
    return {
        "type": "time_slice",
        "sli_specification": {
            "time_slice": {
                "query": {
                    "formulas": [{"formula": f"{formula} / came"}],
                    "queries": [_query("taken", taken), _query("came", came)],
                },
                "query_interval_seconds": seconds,
                "comparator": ">",
                "threshold": 0.0,
            }
        },
    }


def _waits(context: Context, sink: str) -> int:
    """Return the seconds for which policy lets records wait before the sink is handed them."""
    if sink != ARCHIVE:
        return 0
    return context.policy.data_classes.archive_objects.wait_seconds.at(context.settings.environment)


def _lossless(context: Context) -> dict[str, Any]:
    of_sinks = _in("exporter", [name for sink in reached(context) for name in exporters(context, sink)])
    taken = counted(context, "otelcol_exporter_sent_log_records", of_sinks)
    refused = counted(context, "otelcol_exporter_send_failed_log_records", "error_permanent:true", of_sinks)
    return _good_and_bad(taken, refused)


def _redacted(context: Context) -> dict[str, Any]:
    classes = [kept(cls) for cls in context.policy.data_classes.classes]
    clean = counted(context, "otelcol_processor_incoming_items", _in("processor", classes))
    withheld = counted(context, "tinybeans_records_quarantined")
    return _good_and_bad(clean, withheld)


def _good_and_bad(good: str, bad: str) -> dict[str, Any]:
    return {
        "type": "metric",
        "sli_specification": {
            "count": {
                "good_events_formula": {"formula": "good"},
                "bad_events_formula": {"formula": "bad"},
                "queries": [_query("good", good), _query("bad", bad)],
            }
        },
    }


def _query(name: str, query: str) -> dict[str, str]:
    return {"data_source": "metrics", "name": name, "query": query}


def _in(tag: str, values: Sequence[str]) -> str:
    return f"{tag} IN ({', '.join(values)})"
