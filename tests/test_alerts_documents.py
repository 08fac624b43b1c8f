"""One definition, three languages: what is written for CloudWatch and for Datadog from policy/alerts.yaml."""

import re
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.validate import ParamValidator

from infra.documents.alerts import datadog_query
from infra.documents.alerts.cloudwatch_classic import classic_alarm, dimensions_of, metric_filter
from infra.documents.alerts.cloudwatch_promql import LONGEST_QUERY, interval, promql_alarm
from infra.documents.alerts.promql import expression
from infra.policy.alerts import Kind, Target
from infra.policy.alerts.elsewhere import OwnLogCondition
from infra.policy.alerts.metrics import COLLECTOR_METRICS
from tests.factories import policy

ALERTS = policy().alerts.every()
BY_METRIC = {name: item for name, item in ALERTS.items() if item.kind is Kind.COLLECTOR}
CLASSIC = {name: item for name, item in ALERTS.items() if item.kind is Kind.AWS or item.classic is not None}
MONITORS = datadog_query.for_datadog(ALERTS.items())
DURATION = re.compile(r"(\d+)([smh])")
METRIC_MONITOR = re.compile(
    r"^(?:(?:avg|sum|min|max)\(last_\d+[mh]\)|pct_change\(sum\(last_\d+m\),last_1d\)):[^\n]+ [<>] -?\d+(?:\.\d+)?$"
)
LOG_MONITOR = re.compile(
    r'^logs\("[^"\n]+"\)\.index\("\*"\)\.rollup\("count"\)(?:\.by\("[^"]+"\))?\.last\("\d+[mh]"\) > \d+$'
)


def api(document: dict[str, Any]) -> dict[str, Any]:
    """Return an alarm's arguments as PutMetricAlarm names them."""

    def named(value: Any) -> Any:
        if isinstance(value, dict) and set(value) & {"ClusterName", "LogGroupName", "Class", "QueueName"}:
            return [{"Name": key, "Value": item} for key, item in value.items()]
        if isinstance(value, dict):
            return {_pascal(key): named(item) for key, item in value.items()}
        return [named(item) for item in value] if isinstance(value, list) else value

    found: dict[str, Any] = named(document)
    if "MetricQueries" in found:  # the provider's name for them
        found["Metrics"] = [
            _nested_statistic(item) if "Metric" in item else item for item in found.pop("MetricQueries")
        ]
    return {"AlarmName": "x", **found}


def _nested_statistic(query: dict[str, Any]) -> dict[str, Any]:
    """Return a query of one metric in the API's form, where the statistic stands beside the metric."""
    flat = query["Metric"]
    metric = {key: flat[key] for key in ("Namespace", "MetricName", "Dimensions")}
    statistic = {"Metric": metric, "Stat": flat["Stat"], "Period": flat["Period"]}
    return {"Id": query["Id"], "ReturnData": query["ReturnData"], "MetricStat": statistic}


def _pascal(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_")).replace("Promql", "PromQL")


def refused_by_the_api(document: dict[str, Any]) -> str:
    """Return what botocore's model of PutMetricAlarm says against an alarm; empty when nothing."""
    client = boto3.client("cloudwatch", region_name="us-east-1", config=Config(signature_version="v4"))
    shape = client.meta.service_model.operation_model("PutMetricAlarm").input_shape
    assert shape is not None
    report = ParamValidator().validate(api(document), shape)
    return str(report.generate_report())


@pytest.mark.parametrize("name", BY_METRIC)
def test_a_promql_alarm_is_one_that_cloudwatch_takes(name: str) -> None:
    document = promql_alarm(BY_METRIC[name], 60)
    assert refused_by_the_api(document) == ""
    assert len(expression(BY_METRIC[name].condition)) <= LONGEST_QUERY
    criteria = document["evaluation_criteria"]["promql_criteria"]
    assert criteria["pending_period"] == BY_METRIC[name].for_seconds


@pytest.mark.parametrize("name", BY_METRIC)
def test_an_expression_names_labels_of_data_points_only(name: str) -> None:
    text = expression(BY_METRIC[name].condition)
    grouped = re.findall(r"(?:by|without|ignoring|on) \(([^)]*)\)", text)
    named = {label.strip() for group in grouped for label in group.split(",") if label.strip()}
    named |= set(re.findall(r'([a-z_]+)(?:=|!=|=~|!~)"', text))
    assert named <= {label for metric in COLLECTOR_METRICS.values() for label in metric.labels}
    assert not named & {"instance", "job", "host", "task"}


@pytest.mark.parametrize("name", BY_METRIC)
def test_an_expression_looks_back_a_day_at_most(name: str) -> None:
    text = expression(BY_METRIC[name].condition)
    looked = re.findall(r"(?:\[(\d+[smh])\])?(?: offset (\d+[smh]))?", text)
    seconds = [sum(_seconds(part) for part in found) for found in looked if any(found)]
    assert all(value <= 86_400 for value in seconds)


def _seconds(text: str) -> int:
    found = DURATION.fullmatch(text)
    return int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]] if found else 0


@pytest.mark.parametrize("name", CLASSIC)
def test_a_classic_alarm_is_one_that_cloudwatch_takes(name: str) -> None:
    dimensions = dict.fromkeys(dimensions_of(CLASSIC[name]), "x")
    document = classic_alarm(CLASSIC[name], dimensions)
    assert document is not None
    assert refused_by_the_api(document) == ""
    assert document["datapoints_to_alarm"] <= document["evaluation_periods"]
    if queries := document.get("metric_queries"):
        assert sum(item["return_data"] for item in queries) == 1
        assert all(item["metric"]["dimensions"] == dimensions for item in queries if "metric" in item)


def test_an_alert_that_nothing_classic_can_see_has_no_classic_alarm() -> None:
    assert classic_alarm(ALERTS["accounting-gap"], {}) is None
    assert dimensions_of(ALERTS["accounting-gap"]) == ()


def test_the_dead_man_rests_on_ecs_and_takes_silence_for_bad_news() -> None:
    document = classic_alarm(ALERTS["tasks-below-desired"], {"ClusterName": "c", "ServiceName": "s"})
    assert document is not None
    assert document["treat_missing_data"] == "breaching"
    assert {item["metric"]["namespace"] for item in document["metric_queries"] if "metric" in item} == {
        "ECS/ContainerInsights"
    }
    assert document["metric_queries"][0]["expression"] == "first - second"
    assert ALERTS["collector-down"].condition.model_dump()["any_of"] == ("tasks-below-desired",)


def test_a_metric_filter_counts_a_field_of_the_own_log_and_reads_no_prose() -> None:
    conditions = {item.classic for item in ALERTS.values() if isinstance(item.classic, OwnLogCondition)}
    found = {metric_filter(item) for item in conditions}
    assert {(item.pattern, item.value) for item in found} == {
        ("{ $.rejected_items > 0 }", "$.rejected_items"),
        ("{ $.dropped_items > 0 }", "$.dropped_items"),
    }


@pytest.mark.parametrize(("given", "evaluated"), [(1, 10), (15, 20), (30, 30), (45, 60), (61, 120), (300, 300)])
def test_an_alarm_is_evaluated_no_more_often_than_metrics_come(given: int, evaluated: int) -> None:
    assert interval(given) == evaluated


@pytest.mark.parametrize("name", MONITORS)
def test_a_monitors_query_is_one_line_of_its_language_and_ends_with_its_threshold(name: str) -> None:
    alert = MONITORS[name]
    query = datadog_query.query(alert, "prod")
    grammar = LOG_MONITOR if alert.kind is Kind.LOGS else METRIC_MONITOR
    assert grammar.fullmatch(query), query
    assert query.count("(") == query.count(")")
    assert query.count("{") == query.count("}")
    assert float(query.rsplit(" ", 1)[1]) == datadog_query.threshold(alert)


@pytest.mark.parametrize("name", MONITORS)
def test_a_monitor_sees_its_own_environment_only(name: str) -> None:
    query = datadog_query.query(MONITORS[name], "prod")
    scopes = re.findall(r":[a-z_]+\{([^}]*)\}", query) or re.findall(r'logs\("([^"]*)"\)', query)
    assert scopes
    assert all(scope.startswith("env:prod") for scope in scopes)


QUERIES = {
    "records-lost": "sum(last_15m):sum:otelcol_exporter_send_failed_log_records"
    "{env:prod,error_permanent:true,!exporter:awss3/*} by {exporter}.as_count() > 0",
    "ingest-low": "pct_change(sum(last_30m),last_1d):sum:otelcol_receiver_accepted_log_records"
    "{env:prod,!receiver:otlp/loopback,!receiver:otlp/loggly}.as_count() < -80",
    "redaction-coverage": 'logs("env:prod @tinybeans.problem:*").index("*").rollup("count").by("service").last("1h") > 100',
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_reads_like_this(name: str) -> None:
    assert datadog_query.query(MONITORS[name], "prod") == QUERIES[name]


def test_what_is_not_for_datadog_has_no_query() -> None:
    others = [alert for alert in ALERTS.values() if Target.DATADOG not in alert.targets]
    with pytest.raises(ValueError, match="a monitor cannot say balance"):
        datadog_query.query(ALERTS["accounting-gap"], "prod")
    assert len(others) + len(MONITORS) == len(ALERTS)


def test_an_expression_asks_the_collectors_own_metrics_only() -> None:
    with pytest.raises(ValueError, match="asks for no metric"):
        expression(ALERTS["tasks-below-desired"].condition)
