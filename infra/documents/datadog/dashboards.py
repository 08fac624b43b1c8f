"""The shared panels as Datadog dashboards, as the Dashboards API takes them (v1): one for the pipeline's owners, one for
those whose services log.

Widgets have no ids and no layout: the API numbers and places them itself, and keeps everything else as it is written.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from infra.context import Context
from infra.documents.dashboard_panels import (
    CONTAINER_INSIGHTS,
    LOGS,
    PIPELINE_OWNERS,
    SERVICE_OWNERS,
    AwsMeasured,
    Counted,
    Measured,
    Panel,
    Reading,
    Source,
    classes_of,
)
from infra.documents.datadog.indexes import FAULTS, index_name
from infra.documents.datadog.own import where
from infra.documents.datadog.scope import CLASS_TAG, of_stack
from infra.documents.datadog.scope import classes as at_datadog
from infra.documents.datadog.terms import event, facet
from infra.documents.datadog.usage import METRIC as INGESTED
from infra.documents.datadog.usage import of_indexes
from infra.policy.alerts.metrics import COLLECTOR_METRICS, Shape

MOST_SERIES = 20
"""Series of one graph, the largest first."""
ONLY_GROWTH = "Datadog gets how much it grew since the last time; a line that dips or ends is a collector that stopped."
_QUERY = re.compile(r"<([^>]+)>")


def dashboards(context: Context) -> dict[str, dict[str, Any]]:
    """Return the name of each dashboard with its document."""
    return {
        "pipeline-owners": _dashboard(
            context,
            "Log pipeline",
            "What the collectors accept, keep, send, withhold and lose, and how well the promises are kept.",
            [*_lists(context), *(widget(context, panel) for panel in PIPELINE_OWNERS)],
            variables=[],
        ),
        "service-owners": _dashboard(
            context,
            "Services in their logs",
            "Requests, errors, sign-ins and volume, as the services' own records tell them.",
            [widget(context, panel) for panel in SERVICE_OWNERS],
            variables=[{"name": "service", "prefix": "service", "default": "*"}],
        ),
    }


def _dashboard(
    context: Context, title: str, description: str, widgets: Sequence[dict[str, Any]], variables: list[dict[str, str]]
) -> dict[str, Any]:
    return {
        "title": f"[{context.name()}] {title}",
        "description": f"{description} Written from infra/documents/dashboard_panels.py; changes made here are lost.",
        "layout_type": "ordered",
        "notify_list": [],
        "template_variables": variables,
        "widgets": [{"definition": widget} for widget in widgets],
    }


def _lists(context: Context) -> Iterator[dict[str, Any]]:
    """Yield this stack's alerts and objectives."""
    yield {
        "type": "manage_status",
        "title": "Alerts",
        "query": f'tag:("env:{context.environment}" AND "managed-by:pulumi")',
        "summary_type": "monitors",
        "display_format": "countsAndList",
        "color_preference": "text",
        "hide_zero_counts": True,
        "show_last_triggered": True,
        "show_priority": True,
        "sort": "status,asc",
    }
    yield {
        "type": "slo_list",
        "title": "Objectives",
        "requests": [
            {
                "request_type": "slo_list",
                "query": {"query_string": f"env:{context.environment} managed-by:pulumi", "limit": MOST_SERIES},
            }
        ],
    }


def widget(context: Context, panel: Panel) -> dict[str, Any]:
    """Return a panel's graph, or a note where Datadog has nothing to draw it from.

    Raises ValueError where the panel matches labels by more than a wildcard can say.
    """
    requests = [request for source in panel.sources if (request := _request(context, source))]
    if not requests:
        text = f"**{panel.title}**: {panel.tells} Datadog has no figure for it; CloudWatch's dashboard shows it."
        return {"type": "note", "content": text, "background_color": "gray", "font_size": "14", "text_align": "left"}
    grown = any(isinstance(source, Measured) and _only_grows(source) for source in panel.sources)
    return {
        "type": "timeseries",
        "title": f"{panel.title} ({'growth a second, by host' if grown else panel.unit})",
        "description": f"{panel.tells} {ONLY_GROWTH}" if grown else panel.tells,
        "show_legend": True,
        "requests": list({str(request): request for request in requests}.values()),
    }


def _request(context: Context, source: Source) -> dict[str, Any] | None:
    match source:
        case Measured():
            return _of_metrics(_measured(context, source))
        case Counted():
            return _of_records(context, source)
        case AwsMeasured():
            query = FROM_DATADOG.get((source.namespace, source.metric))
            return _of_metrics(query(context)) if query else None


def _of_metrics(formula: str) -> dict[str, Any]:
    """Return the request that draws an expression of metric queries, the queries in angle brackets: `100 * <q>`."""
    queries = _QUERY.findall(formula)
    named = {f"q{number}": query for number, query in enumerate(queries, 1)}
    for name, query in named.items():
        formula = formula.replace(f"<{query}>", name, 1)
    return {
        "response_format": "timeseries",
        "display_type": "line",
        "queries": [{"name": name, "data_source": "metrics", "query": query} for name, query in named.items()],
        "formulas": [{"formula": formula}],
    }


def _measured(context: Context, source: Measured) -> str:
    """Return the expression of one of the collector's metrics, each query in angle brackets."""
    terms = [f"{label}:{_glob(regex)}" for label, regex in source.where]
    series = f"{{{where(context, *terms)}}}{_by([*source.by, 'host'] if _only_grows(source) else source.by)}"
    match source.reading:
        case _ if COLLECTOR_METRICS[source.metric].shape is Shape.COUNTER:
            return f"<sum:{source.metric}{series}.as_rate()>"
        case Reading.LOWEST:
            return f"<min:{source.metric}{series}>"
        case Reading.SHARE:
            return f"100 * <max:{source.metric}{series}> / <max:{source.over}{series}>"
        case _:
            return f"<max:{source.metric}{series}>"


def _only_grows(source: Measured) -> bool:
    """Return whether a panel asks for a level of what reaches Datadog as deltas."""
    return COLLECTOR_METRICS[source.metric].shape is Shape.COUNTER and source.reading is not Reading.RATE


def _glob(regex: str) -> str:
    """Return a panel's regular expression as Datadog's wildcard; raises ValueError where it is more than that."""
    found = regex.replace(".+", "*").replace(".*", "*")
    if not re.fullmatch(r"[A-Za-z0-9_/:-]*\*?", found):
        raise ValueError(f"Datadog cannot match {regex}")
    return found


def _by(labels: Sequence[str]) -> str:
    return f" by {{{','.join(labels)}}}" if labels else ""


def _running(context: Context) -> str:
    """Return the expression of how many collectors run: together they grow older by a second each in a second."""
    return f"<sum:otelcol_process_uptime{{{where(context)}}}.as_rate()>"


def _ingested(context: Context) -> str:
    return f"<sum:{INGESTED}{{{of_indexes(context)}}} by {{datadog_index}}.as_count()>"


FROM_DATADOG: dict[tuple[str, str], Callable[[Context], str]] = {
    (CONTAINER_INSIGHTS, "RunningTaskCount"): _running,
    (LOGS, "IncomingBytes"): _ingested,
}
"""Metrics of CloudWatch to what Datadog has of its own for the same question."""


def _of_records(context: Context, counted: Counted) -> dict[str, Any]:
    known = at_datadog(context)
    chosen = [cls for cls in classes_of(counted, context.policy.data_classes) if cls in known]
    terms = [
        of_stack(context)
        if len(chosen) == len(known)
        else f"env:{context.environment} {CLASS_TAG}:({' OR '.join(chosen)})",
        *([FAULTS] if counted.errors_only else []),
        *([event(counted.events)] if counted.events else []),
        "$service",
    ]
    most_first = {"aggregation": "count", "order": "desc"}
    return {
        "response_format": "timeseries",
        "display_type": "bars",
        "queries": [
            {
                "name": "records",
                "data_source": "logs",
                "search": {"query": " ".join(terms)},
                "indexes": [index_name(context, cls) for cls in chosen],
                "compute": {"aggregation": "count"},
                "group_by": [{"facet": facet(field), "limit": MOST_SERIES, "sort": most_first} for field in counted.by],
            }
        ],
        "formulas": [{"formula": "records"}],
    }
