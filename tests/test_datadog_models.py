"""The checker of Datadog documents finds what Datadog's models do not know, however deep it stands."""

from typing import Any

import pytest

from tests.datadog_models import faults


def pipeline(**processor: Any) -> dict[str, Any]:
    """Return a pipeline with a nested one, whose only processor is a status remapper with `processor` over it."""
    inner = {"type": "status-remapper", "sources": ["level"], **processor}
    nested = {"type": "pipeline", "name": "inner", "is_enabled": True, "filter": {"query": "a"}, "processors": [inner]}
    return {"name": "outer", "is_enabled": True, "filter": {"query": "*"}, "processors": [nested]}


def test_a_document_that_the_models_know_has_no_faults() -> None:
    assert faults(pipeline(), "LogsPipeline") == []


@pytest.mark.parametrize(
    ("document", "model", "said"),
    [
        (pipeline(type="status-remaper"), "LogsPipeline", "body.processors[0]: no model fits"),
        (
            pipeline(places=["x"]),
            "LogsPipeline",
            "body.processors[0].processors[0].places: LogsStatusRemapper has no such property",
        ),
        ({**pipeline(), "label": 1}, "LogsPipeline", "body.label: LogsPipeline has no such property"),
        ({"filter": {"query": "*"}}, "LogsPipeline", "missing 1 required positional argument: 'name'"),
        (
            {"name": "m", "type": "log alert", "query": "q", "options": {"on_missing_data": "shrug"}},
            "Monitor",
            "body.options.on_missing_data: OnMissingDataOption does not know this value",
        ),
        (
            {"title": "d", "layout_type": "ordered", "widgets": [{"definition": {"type": "timeserie"}}]},
            "Dashboard",
            "body.widgets[0].definition: no model fits",
        ),
    ],
)
def test_a_fault_is_found_with_its_place(document: dict[str, Any], model: str, said: str) -> None:
    found = faults(document, model)
    assert len(found) == 1
    assert said in found[0]


def test_models_of_the_second_version_are_known_too() -> None:
    body = {"data": {"type": "logs_metrics", "id": "a.b", "attributes": {"filter": {"query": "x"}}}}
    attributes: dict[str, Any] = body["data"]["attributes"]  # type: ignore[assignment]
    attributes["compute"] = {"aggregation_type": "count"}
    assert faults(body, "LogsMetricCreateRequest", "v2") == []
    attributes["compute"] = {"aggregation_type": "sum"}
    assert "LogsMetricComputeAggregationType" in faults(body, "LogsMetricCreateRequest", "v2")[0]
