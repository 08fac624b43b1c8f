"""What people look at in Datadog and are promised there: panels shared with CloudWatch, objectives of policy."""

import pytest

from infra.documents.dashboard_panels import (
    PIPELINE_OWNERS,
    SERVICE_OWNERS,
    AwsMeasured,
    Measured,
    Panel,
    Reading,
    Unit,
)
from infra.documents.datadog import dashboards as drawn
from infra.documents.datadog.dashboards import dashboards
from infra.documents.datadog.slos import slos
from infra.policy.objectives import Measure
from infra.sinks import ARCHIVE
from tests.datadog_queries import series_of
from tests.datadog_watching import WITH_DATADOG, queries_of, widgets
from tests.factories import context

every = pytest.mark.parametrize("stack", WITH_DATADOG)


@every
def test_graphs_of_records_are_parted_by_datadogs_own_names(stack: str) -> None:
    found = {
        group["facet"]
        for query in queries_of(dashboards(context(stack))["service-owners"])
        for group in query.get("group_by", ())
    }
    assert found == {"@http.route", "@http.status_code", "service", "@error.kind", "@evt.name", "@outcome"}


@every
def test_each_objective_is_measured_and_freshness_for_each_sink(stack: str) -> None:
    here = context(stack)
    found = slos(here)
    assert set(found) == {
        "delivery-freshness-cloudwatch",
        "delivery-freshness-datadog",
        "delivery-freshness-archive",
        "delivery-loss",
        "redaction-coverage",
    }
    for objective in here.policy.objectives.objectives:
        target = objective.target_percent.at(here.settings.environment)
        mine = [slo for name, slo in found.items() if name.startswith(objective.name)]
        assert mine
        for slo in mine:
            assert slo["target_threshold"] == slo["thresholds"][0]["target"] == target
            warning = objective.warning_percent.at(here.settings.environment)
            assert slo["warning_threshold"] == slo["thresholds"][0]["warning"] == warning
            assert slo["timeframe"] == here.policy.objectives.timeframe
            assert (slo["type"] == "time_slice") is (objective.measures is Measure.FRESHNESS)


def test_loss_counts_what_sinks_refused_for_good_and_neither_hops_nor_spills() -> None:
    asked = {
        query["name"]: query["query"]
        for query in slos(context("prod"))["delivery-loss"]["sli_specification"]["count"]["queries"]
    }
    (good,), (bad,) = series_of(asked["good"]), series_of(asked["bad"])
    assert good.values("exporter") == bad.values("exporter")
    assert not [name for name in good.values("exporter") if "hop" in name or "spill" in name]
    assert any(name.startswith(f"awss3/{ARCHIVE}-") for name in good.values("exporter"))
    assert bad.values("error_permanent") == {"true"}


@every
def test_each_shared_panel_is_drawn_once_on_its_dashboard(stack: str) -> None:
    found = dashboards(context(stack))
    for name, panels in (("pipeline-owners", PIPELINE_OWNERS), ("service-owners", SERVICE_OWNERS)):
        shown = [widget.get("title") or widget["content"] for widget in widgets(found[name])]
        for panel in panels:
            assert len([text for text in shown if panel.title in text]) == 1, f"{name}: {panel.title}"
    assert "slo_list" in {widget["type"] for widget in widgets(found["pipeline-owners"])}
    notes = [widget["content"] for widget in widgets(found["pipeline-owners"]) if widget["type"] == "note"]
    assert len(notes) == 1
    assert "Export lag" in notes[0]


def test_a_panel_that_datadog_cannot_match_is_refused() -> None:
    odd = Measured("otelcol_exporter_queue_size", Reading.HIGHEST, (), (("exporter", "otlp_http/(a|b)"),))
    panel = Panel("odd", "Odd", "Two at once.", Unit.BYTES, (odd,))
    with pytest.raises(ValueError, match="cannot match"):
        drawn.widget(context("prod"), panel)
    unknown = Panel("none", "None", "Nothing.", Unit.DAYS, (AwsMeasured("A/B", "C", "Sum"),))
    assert drawn.widget(context("prod"), unknown)["type"] == "note"
