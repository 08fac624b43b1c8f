"""The CloudWatch dashboards: each shared panel once, asking for metrics and fields that exist."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.documents.alerts.rules import rules_file
from infra.documents.collector.own_metrics import ALERTED
from infra.documents.dashboard_cloudwatch import insights, promql
from infra.documents.dashboard_panels import (
    PIPELINE_OWNERS,
    SERVICE_OWNERS,
    AwsMeasured,
    Counted,
    Measured,
    Panel,
    Reading,
    classes_of,
)
from infra.policy.alerts.metrics import AWS_METRICS, COLLECTOR_METRICS
from sandbox.tools.errors import ToolMissingError
from sandbox.tools.locate import locate
from tests.alerting_stack import alerting_of
from tests.factories import ROOT, STACKS, context

DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
PANELS = (*PIPELINE_OWNERS, *SERVICE_OWNERS)
SOURCES = [(panel.id, source) for panel in PANELS for source in panel.sources]
MEASURED = [(name, source) for name, source in SOURCES if isinstance(source, Measured)]
COUNTED = [(name, source) for name, source in SOURCES if isinstance(source, Counted)]
SEMANTIC_CONVENTIONS = {"exception.type"}
"""Fields that SDKs send under OpenTelemetry's names, and that no JSON line has under another."""
CONTRACT = (ROOT / "docs/logging-contract.md").read_text(encoding="utf-8")


def body(part: str, stack: str = "prod") -> dict[str, Any]:
    document: dict[str, Any] = alerting_of(stack).one(DASHBOARD, f"dashboards-{part}").document("dashboardBody")
    return document


def widgets(part: str, stack: str = "prod") -> dict[str, dict[str, Any]]:
    """Return a dashboard's widgets by title, the heading left out."""
    return {it["properties"]["title"]: it for it in body(part, stack)["widgets"] if it["type"] != "text"}


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(("part", "panels"), [("pipeline", PIPELINE_OWNERS), ("services", SERVICE_OWNERS)])
def test_each_panel_is_one_widget_of_its_owners_dashboard(stack: str, part: str, panels: tuple[Panel, ...]) -> None:
    assert list(widgets(part, stack)) == [f"{panel.title} ({panel.unit})" for panel in panels]


@pytest.mark.parametrize("part", ["pipeline", "services"])
def test_no_two_widgets_stand_in_the_same_place_and_none_beyond_the_grid(part: str) -> None:
    taken: set[tuple[int, int]] = set()
    for it in body(part)["widgets"]:
        cells = {(x, y) for x in range(it["x"], it["x"] + it["width"]) for y in range(it["y"], it["y"] + it["height"])}
        assert not cells & taken
        assert it["x"] + it["width"] <= 24
        taken |= cells


def test_panels_have_ids_of_their_own_and_one_kind_of_source_each() -> None:
    assert len({panel.id for panel in PANELS}) == len(PANELS)
    for panel in PANELS:
        assert len({type(source) for source in panel.sources}) == 1, panel.id


@pytest.mark.parametrize(("panel", "source"), MEASURED)
def test_a_panel_on_the_collector_asks_for_metrics_and_labels_that_it_has_and_sends(
    panel: str, source: Measured
) -> None:
    for metric in filter(None, (source.metric, source.over)):
        assert metric in ALERTED, f"{panel}: {metric} does not reach CloudWatch"
        assert {*source.by, *(label for label, _ in source.where)} <= set(COLLECTOR_METRICS[metric].labels), panel
    assert bool(source.over) is (source.reading is Reading.SHARE)


@pytest.mark.parametrize("source", [source for _, source in SOURCES if isinstance(source, AwsMeasured)], ids=str)
def test_a_panel_on_aws_asks_for_a_metric_that_something_emits(source: AwsMeasured) -> None:
    dimensions = AWS_METRICS[source.namespace, source.metric].dimensions

    assert source.per in dimensions or (not source.per and not dimensions)


@pytest.mark.parametrize(("panel", "source"), COUNTED)
def test_a_panel_on_records_asks_for_fields_of_the_contract(panel: str, source: Counted) -> None:
    for field in source.by:
        assert field in CONTRACT or field in SEMANTIC_CONVENTIONS, f"{panel}: {field}"
    assert classes_of(source, context("prod").policy.data_classes)


@pytest.mark.parametrize(("panel", "source"), COUNTED)
def test_a_query_counts_by_the_panels_fields_the_most_frequent_first(panel: str, source: Counted) -> None:
    query = insights(source)

    assert panel
    assert query.count("stats count(*) as records by ") == 1
    assert query.endswith("| sort records desc | limit 100")
    assert ("severityNumber >= 17" in query) is source.errors_only


def test_requests_are_counted_in_the_class_that_claims_them_by_route_and_status() -> None:
    query = widgets("services")["Requests, by route and status (records)"]["properties"]["query"]

    assert re.findall(r"SOURCE '([^']+)'", query) == ["/tinybeans/prod/access"]
    assert "by attributes.http.route, attributes.http.response.status_code" in query
    assert "attributes.event like /^http\\.request(\\.|$)/" in query


def test_a_collector_metric_is_a_chart_asked_by_promql_for_it_has_no_namespace() -> None:
    widget = widgets("pipeline")["Queue fill, by sink (%)"]
    (query,) = widget["properties"]["data"]["queries"]

    assert widget["type"] == "chart"
    assert (query["type"], query["language"]) == ("cloudwatch-metrics", "PromQL")
    assert query["query"] == ("max by (exporter) (100 * otelcol_exporter_queue_size / otelcol_exporter_queue_capacity)")


def test_a_metric_with_a_namespace_is_drawn_for_each_class() -> None:
    lines = widgets("pipeline")["Export lag, by class (days)"]["properties"]["metrics"]

    assert [line[:4] for line in lines] == [
        ["Tinybeans/Logging", "ExportLagDays", "Class", cls] for cls in context("prod").policy.data_classes.classes
    ]


@pytest.mark.collector
def test_every_panels_expression_is_promql(tmp_path: Path) -> None:
    try:
        promtool = locate("promtool", obtain=False)
    except ToolMissingError as error:
        pytest.skip(str(error))
    recorded = [{"record": f"panel:{number}", "expr": promql(source)} for number, (_, source) in enumerate(MEASURED)]
    file = tmp_path / Path(rules_file("panels")).name
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}), encoding="utf-8")

    done = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 0, done.stderr
    assert f"{len(MEASURED)} rules found" in done.stdout
