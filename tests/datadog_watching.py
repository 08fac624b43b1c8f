"""What watches at Datadog, as documents, for the tests that look at them."""

from collections.abc import Iterator
from typing import Any

from infra.context import Context
from infra.documents.datadog.dashboards import dashboards
from infra.documents.datadog.monitors import monitors
from infra.documents.datadog.slos import slos
from infra.documents.datadog.told import told
from infra.documents.datadog.usage import usage_monitors
from tests.datadog_queries import Series, monitored, series_of
from tests.factories import settings

Document = dict[str, Any]
WITH_DATADOG = [stack for stack in ("staging", "prod") if "datadog" in settings(stack).destinations]
USAGE = "datadog.estimated_usage.logs.ingested_bytes"


def alerting(here: Context) -> dict[str, Document]:
    return monitors(here, told(here))


def all_monitors(here: Context) -> dict[str, Document]:
    return {**alerting(here), **usage_monitors(here, told(here))}


def widgets(document: Document) -> list[Document]:
    return [item["definition"] for item in document["widgets"]]


def queries_of(document: Document) -> Iterator[Document]:
    """Yield the queries of a dashboard's graphs."""
    for widget in widgets(document):
        for request in widget.get("requests", ()):
            yield from request.get("queries", ())


def all_series(here: Context) -> list[Series]:
    """Return every metric query of every document."""
    found: list[Series] = []
    for monitor in all_monitors(here).values():
        if monitor["type"] == "query alert":
            found += monitored(monitor["query"])[0]
    for slo in slos(here).values():
        specification = slo["sli_specification"]
        asked = specification["count"] if "count" in specification else specification["time_slice"]["query"]
        found += [series for query in asked["queries"] for series in series_of(query["query"])]
    for dashboard in dashboards(here).values():
        for query in queries_of(dashboard):
            if query["data_source"] == "metrics":
                found += series_of(query["query"])
    return found
