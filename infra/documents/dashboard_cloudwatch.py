"""A CloudWatch dashboard of the shared panels, as the JSON body that PutDashboard takes. Pure.

Metrics that arrive by OTLP have no namespace, so only PromQL finds them: their widgets are of type `chart`, those of
metrics with a namespace of type `metric`, and those that count records are Logs Insights queries (CloudWatch API
Reference, "Dashboard Body Structure and Syntax"; that `data.queries` is refused in a `metric` widget:
aws-solutions-library-samples/guidance-for-claude-code-with-amazon-bedrock pull request 760).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.documents.dashboard_panels import (
    SEVERITY_ERROR,
    AwsMeasured,
    Counted,
    Measured,
    Panel,
    Reading,
    Source,
    classes_of,
)
from infra.documents.insights import stored_field
from infra.policy.data_classes import DataClasses

WIDTH, HEIGHT, COLUMNS = 12, 6, 24
"""Grid units: two widgets a row of CloudWatch's 24 columns."""
HEADING_HEIGHT = 2
STEP_SECONDS = 300
"""Resolution of every graph, and the window over which PromQL takes a rate: five scrapes of the widest interval."""
MOST_ROWS = 100
"""Rows of a table of counted records, the most frequent first."""
RESOURCE_FIELDS = frozenset({"service.name"})
"""Fields of the contract that are resource attributes: CloudWatch Logs keeps them below `resource.attributes`."""


@dataclass(frozen=True)
class Place:
    """Where the graphs' data is."""

    region: str
    log_groups: Mapping[str, str]
    """Class to the name of its log group."""
    cluster: str
    """Name of the collectors' ECS cluster."""
    service: str
    """Name of their ECS service."""


def dashboard(heading: str, panels: Sequence[Panel], place: Place, data_classes: DataClasses) -> dict[str, Any]:
    """Return the body of a dashboard that shows `panels` below a `heading` (Markdown)."""
    top = {
        "type": "text",
        "x": 0,
        "y": 0,
        "width": COLUMNS,
        "height": HEADING_HEIGHT,
        "properties": {"markdown": heading},
    }
    placed = [
        {
            **_widget(panel, place, data_classes),
            "x": number % 2 * WIDTH,
            "y": HEADING_HEIGHT + number // 2 * HEIGHT,
            "width": WIDTH,
            "height": HEIGHT,
        }
        for number, panel in enumerate(panels)
    ]
    return {"start": "-PT6H", "periodOverride": "inherit", "widgets": [top, *placed]}


def promql(measured: Measured) -> str:
    """Return the expression that reads a collector metric.

    Labels are those of data points only. The sum is over collectors: what tells them apart are resource attributes.
    """
    series = _selector(measured.metric, measured.where)
    by = f" by ({', '.join(measured.by)})" if measured.by else ""
    match measured.reading:
        case Reading.RATE:
            return f"sum{by} (rate({series}[{STEP_SECONDS}s]))"
        case Reading.HIGHEST:
            return f"max{by} ({series})"
        case Reading.LOWEST:
            return f"min{by} ({series})"
        case Reading.SHARE:
            return f"max{by} (100 * {series} / {_selector(measured.over, measured.where)})"


def insights(counted: Counted) -> str:
    """Return the Logs Insights query that counts records by the panel's fields, the most frequent first."""
    conditions = [
        *([f"severityNumber >= {SEVERITY_ERROR}"] if counted.errors_only else []),
        *([" or ".join(map(_named, counted.events))] if counted.events else []),
    ]
    return " | ".join(
        [
            *(f"filter {condition}" for condition in conditions),
            f"stats count(*) as records by {', '.join(map(_stored, counted.by))}",
            "sort records desc",
            f"limit {MOST_ROWS}",
        ]
    )


def _selector(metric: str, where: Sequence[tuple[str, str]]) -> str:
    matchers = ", ".join(f'{label}=~"{regex}"' for label, regex in where)
    return f"{metric}{{{matchers}}}" if matchers else metric


def _stored(field: str) -> str:
    return f"resource.attributes.{field}" if field in RESOURCE_FIELDS else stored_field(field)


def _named(event: str) -> str:
    escaped = event.replace(".", "\\.")
    return f"{stored_field('event')} like /^{escaped}(\\.|$)/"


def _widget(panel: Panel, place: Place, data_classes: DataClasses) -> dict[str, Any]:
    """Return a panel's widget; all its sources are of one kind."""
    title = f"{panel.title} ({panel.unit})"
    match panel.sources[0]:
        case Measured():
            return {"type": "chart", "properties": {"title": title, "view": "timeSeries", **_chart(panel, place)}}
        case AwsMeasured():
            return {"type": "metric", "properties": {"title": title, "view": "timeSeries", **_metric(panel, place)}}
        case Counted() as counted:
            groups = " | ".join(f"SOURCE '{place.log_groups[cls]}'" for cls in classes_of(counted, data_classes))
            query = {"query": f"{groups} | {insights(counted)}", "region": place.region}
            # Logs Insights draws lines by time alone; what is parted by fields is a table.
            return {"type": "log", "properties": {"title": title, "view": "table", **query}}


def _chart(panel: Panel, place: Place) -> dict[str, Any]:
    queries = [
        {
            "id": f"q{number}",
            "type": "cloudwatch-metrics",
            "language": "PromQL",
            "query": promql(source),
            "step": STEP_SECONDS,
        }
        for number, source in enumerate(panel.sources, 1)
        if isinstance(source, Measured)
    ]
    return {"region": place.region, "data": {"queries": queries}}


def _metric(panel: Panel, place: Place) -> dict[str, Any]:
    return {
        "region": place.region,
        "period": STEP_SECONDS,
        "metrics": [line for source in panel.sources for line in _lines(source, place)],
    }


def _lines(source: Source, place: Place) -> list[list[Any]]:
    """Return the metrics array's entries of one source: one for each value of the dimension that parts it."""
    if not isinstance(source, AwsMeasured):
        return []
    head, how = [source.namespace, source.metric], {"stat": source.statistic}
    match source.per:
        case "ServiceName":
            return [
                [*head, "ClusterName", place.cluster, "ServiceName", place.service, {**how, "label": source.metric}]
            ]
        case "LogGroupName":
            return [[*head, "LogGroupName", group, {**how, "label": cls}] for cls, group in place.log_groups.items()]
        case "":
            return [[*head, how]]
        case dimension:
            return [[*head, dimension, cls, {**how, "label": cls}] for cls in place.log_groups]
