"""Metrics from logs: what is counted of every record that reaches Datadog, before any index leaves it out.

Distributions over the records' weight, so that their sum counts the records that sampling dropped, too: an unsampled
record weighs 1 (documents/datadog/pipelines.py). Records that were dropped never arrive; how many, by class and reason,
is in the collector's own metrics, which reach Datadog beside the logs (DROPPED).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.context import Context
from infra.documents.datadog.pipelines import WEIGHT
from infra.documents.datadog.scope import CLASS_TAG, of_stack


@dataclass(frozen=True)
class Metric:
    """One metric over the records that a query finds."""

    name: str
    query: str
    by: Mapping[str, str]
    """Facet to the tag that it becomes. Each combination is a series to pay for, so none is an identifier."""


METRICS = (
    Metric(
        "http.requests",
        f"{CLASS_TAG}:access",
        {
            "@http.route": "http.route",
            "@http.status_code": "http.status_code",
            "@http.method": "http.method",
            "service": "service",
        },
    ),
    Metric(
        "auth.outcomes",
        "@evt.name:(auth* OR audit.user* OR oauth*)",
        {"@evt.name": "evt.name", "@evt.outcome": "evt.outcome", "service": "service"},
    ),
    Metric("exceptions", "@error.kind:*", {"@error.kind": "error.kind", "service": "service"}),
    # Records whose text shows a mask, by the last one in it; what is masked in attributes alone is not among them.
    Metric("redactions", "@redaction.rule:*", {"@redaction.rule": "rule", CLASS_TAG: CLASS_TAG, "service": "service"}),
    Metric("records", "*", {CLASS_TAG: CLASS_TAG, "status": "status", "service": "service"}),
)
DROPPED = "tinybeans_records_quarantined"
"""The collector's own metric of records whose text was withheld, by `class` and `reason`; those that sampling and drop
rules took are otelcol_processor_incoming_items less otelcol_processor_outgoing_items, by the same labels
(docs/accounting.md)."""


def metric_name(context: Context, name: str) -> str:
    """Return the name of a metric from logs; the environment is in it, for names are the organisation's."""
    return f"tinybeans.{context.environment}.{name}"


def metrics(context: Context) -> dict[str, dict[str, Any]]:
    """Return name -> body of each metric, as the Logs Metrics API (v2) takes it."""
    return {item.name: _metric(context, item) for item in METRICS}


def _metric(context: Context, item: Metric) -> dict[str, Any]:
    narrower = f" {item.query}" if item.query != "*" else ""
    return {
        "data": {
            "type": "logs_metrics",
            "id": metric_name(context, item.name),
            "attributes": {
                "compute": {"aggregation_type": "distribution", "path": f"@{WEIGHT}", "include_percentiles": False},
                "filter": {"query": f"{of_stack(context)}{narrower}"},
                "group_by": [{"path": path, "tag_name": tag} for path, tag in item.by.items()],
            },
        }
    }
