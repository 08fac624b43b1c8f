"""The stack's CloudWatch alarms: every alert has one or is said to have none, and one speaks where many would."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.documents.alarm_plan import MAX_DESCRIPTION, Plan, Service, description, plan
from infra.documents.alerts.rules import countable
from infra.policy.alerts import Kind, Target
from tests.alerting_stack import alerting_context, alerting_of
from tests.engine import Registered
from tests.factories import STACKS, context, policy

METRIC, COMPOSITE = "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/compositeAlarm:CompositeAlarm"
FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
every = pytest.mark.parametrize("stack", STACKS)
both = pytest.mark.parametrize("promql", [True, False], ids=["promql", "classic"])
CLASSES = tuple(context("prod").policy.data_classes.classes)


def planned(*, promql: bool = True, stack: str = "prod") -> Plan:
    return plan(alerting_context(stack, promql_alarms=promql), Service("the-cluster", "the-service"))


def alarm(name: str, *, promql: bool = True) -> Registered:
    return alerting_of("prod", promql=promql).one(METRIC, f"alarms-{name}")


def composite(name: str) -> Registered:
    return alerting_of("prod").one(COMPOSITE, f"alarms-{name}-composite")


def alarms(stack: str, *, promql: bool) -> Iterator[Registered]:
    deployment = alerting_of(stack, promql=promql)
    yield from (*deployment.all(METRIC), *deployment.all(COMPOSITE))


@every
@both
def test_every_alert_that_cloudwatch_is_a_target_of_is_evaluated_or_said_to_be_unwatched(
    stack: str, *, promql: bool
) -> None:
    found = planned(promql=promql, stack=stack)
    wanted = {name for name, alert in policy().alerts.every().items() if Target.CLOUDWATCH in alert.targets}
    elsewhere = {name for name, alert in policy().alerts.every().items() if alert.kind is Kind.EVENT}

    evaluated = {item.alert for item in found.measured} | {item.alert for item in found.composed}
    assert evaluated | set(found.unwatched) | elsewhere == wanted
    assert not evaluated & set(found.unwatched)


def test_with_promql_only_what_the_stack_does_not_count_is_unwatched() -> None:
    uncounted = {name for name, alert in policy().alerts.every().items() if alert.kind is Kind.COLLECTOR} - set(
        countable(context("dev"))
    )

    assert set(planned(stack="dev").unwatched) == uncounted == {"service-silent"}
    assert planned().unwatched == ()


def test_without_promql_alerts_that_have_no_classic_form_are_named_in_the_outputs() -> None:
    unwatched = planned(promql=False).unwatched

    assert "collector-metrics-missing" in unwatched
    assert "records-lost" not in unwatched


@every
@both
def test_every_alarm_says_what_to_do_and_tells_somebody_or_is_part_of_one_that_does(
    stack: str, *, promql: bool
) -> None:
    composed = " ".join(item["alarmRule"] for item in alerting_of(stack, promql=promql).all(COMPOSITE))
    topics = set(alerting_of(stack, promql=promql).result.topic_arns.values())
    for item in alarms(stack, promql=promql):
        runbooks = re.findall(r"https://\S+/docs/runbooks/[a-z-]+\.md", item["alarmDescription"])
        assert len(runbooks) == 1, item.name
        assert item["actionsEnabled"] is True
        if "alarmActions" in item.inputs:
            assert item["alarmActions"] == item["okActions"]
            assert item["alarmActions"]
            assert set(item["alarmActions"]) <= topics
        else:
            assert f'"{item["name"]}"' in composed, f"{item.name} tells nobody"


@every
@both
def test_every_alarm_has_a_name_of_its_own_that_the_topics_policies_admit(stack: str, *, promql: bool) -> None:
    names = [item.inputs.get("name") or item["alarmName"] for item in alarms(stack, promql=promql)]

    assert len(set(names)) == len(names)
    assert all(name.startswith(f"tinybeans-{stack}-") for name in names)


def test_a_page_for_two_teams_tells_both() -> None:
    alert = alarm("redaction-failing")

    assert {arn.rsplit(":", 1)[-1] for arn in alert["alarmActions"]} == {
        "tinybeans-prod-alerts-platform-page",
        "tinybeans-prod-alerts-security-page",
    }


def test_a_promql_alarm_waits_as_long_as_the_policy_says_and_is_asked_as_often_as_metrics_come() -> None:
    alert, found = policy().alerts.alerts["queue-filling"], alarm("queue-filling")
    criteria = found["evaluationCriteria"]["promqlCriteria"]

    assert criteria["pendingPeriod"] == criteria["recoveryPeriod"] == alert.for_seconds
    assert "otelcol_exporter_queue_size" in criteria["query"]
    assert found["evaluationInterval"] == context("prod").settings.collector.own_metrics_seconds
    assert "metricName" not in found.inputs


@both
def test_the_dead_man_is_ecss_count_of_tasks_and_no_data_is_bad_news(*, promql: bool) -> None:
    found = alarm("tasks-below-desired", promql=promql)
    watched = {query["metric"]["metricName"]: query["metric"] for query in found["metricQueries"] if "metric" in query}

    assert set(watched) == {"RunningTaskCount", "DesiredTaskCount"}
    assert all(it["namespace"] == "ECS/ContainerInsights" for it in watched.values())
    assert all(
        it["dimensions"] == {"ClusterName": "the-cluster", "ServiceName": "the-service"} for it in watched.values()
    )
    assert found["treatMissingData"] == "breaching"
    assert "evaluationCriteria" not in found.inputs


def test_the_collectors_end_is_told_once_by_the_composite_alarm_alone() -> None:
    down = composite("collector-down")

    assert down["alarmRule"] == 'ALARM("tinybeans-prod-tasks-below-desired-measured")'
    assert "actionsSuppressor" not in down.inputs
    assert "alarmActions" not in alarm("tasks-below-desired").inputs


@pytest.mark.parametrize("alert", policy().alerts.alerts["collector-down"].condition.suppresses)  # type: ignore[union-attr]
def test_what_follows_from_the_collectors_end_is_held_back_while_it_is_down(alert: str) -> None:
    if alert in planned().unwatched:
        assert alert == "service-silent"
        return
    held, condition = composite(alert), policy().alerts.alerts["collector-down"].condition

    assert held["alarmRule"] == f'ALARM("tinybeans-prod-{alert}-measured")'
    assert held["actionsSuppressor"] == {
        "alarm": "arn:aws:cloudwatch:us-east-1:123456789012:alarms-collector-down-composite",
        "waitPeriod": condition.wait_seconds,  # type: ignore[union-attr]
        "extensionPeriod": condition.extension_seconds,  # type: ignore[union-attr]
    }
    assert held["alarmActions"]
    assert "alarmActions" not in alarm(alert).inputs


def test_the_alarms_on_missing_metrics_are_held_back_with_the_one_they_belong_to() -> None:
    composed = {item.alert: item for item in planned().composed}

    for name in policy().alerts.absences():
        assert composed[name].suppressed_by == "collector-down", name


def test_what_has_nothing_to_do_with_the_collectors_end_is_never_held_back() -> None:
    held = {item.alert for item in planned().composed}

    assert held.isdisjoint({"records-lost", "redaction-failing", "sensitive-data-found", "archive-object-missing"})


@pytest.mark.parametrize("cls", CLASSES)
def test_what_must_not_be_more_is_watched_class_by_class(cls: str) -> None:
    lag, findings = alarm(f"export-late-{cls}"), alarm(f"sensitive-data-found-{cls}")

    assert (lag["namespace"], lag["metricName"], lag["dimensions"]) == (
        "Tinybeans/Logging",
        "ExportLagDays",
        {"Class": cls},
    )
    assert findings["dimensions"] == {"LogGroupName": context("prod").log_group(cls)}


def test_what_must_not_be_less_is_watched_over_all_classes_for_one_may_have_nothing_to_say() -> None:
    found = alarm("delivery-late", promql=False) if "delivery-late" not in planned(promql=False).unwatched else None
    found = found or alarm("ingest-low", promql=False)
    queries = found["metricQueries"]

    assert queries[-1] == {
        "id": "total",
        "expression": "SUM(METRICS())",
        "label": "all classes",
        "returnData": True,
    }
    assert {query["metric"]["dimensions"]["LogGroupName"] for query in queries[:-1]} == {
        context("prod").log_group(cls) for cls in CLASSES
    }


@pytest.mark.parametrize("cls", CLASSES)
@every
def test_a_class_that_logs_more_in_a_day_than_its_budget_is_told(stack: str, cls: str) -> None:
    found = alerting_of(stack).one(METRIC, f"alarms-budget-threatened-{cls}")

    assert found["threshold"] == policy().budgets.classes[cls].daily_bytes.at(context(stack).settings.environment)
    assert (found["metricName"], found["statistic"], found["period"]) == ("IncomingBytes", "Sum", 86400)


def test_without_promql_the_collectors_own_log_is_counted_for_the_alarms_that_rest_on_it() -> None:
    deployment = alerting_of("prod", promql=False)
    made = {
        (item["metricTransformation"]["namespace"], item["metricTransformation"]["name"])
        for item in deployment.all(FILTER)
    }
    asked = {
        (item["namespace"], item["metricName"])
        for item in deployment.all(METRIC)
        if item.inputs.get("metricName", "").startswith("OwnLog")
    }

    assert made == asked
    assert len(made) == len(deployment.all(FILTER)) > 0
    assert {item["logGroupName"] for item in deployment.all(FILTER)} == {"/tinybeans/prod/collector"}
    assert not alerting_of("prod").all(FILTER)


def test_a_description_holds_the_runbook_however_long_its_reason_is() -> None:
    alert: Any = policy().alerts.alerts["queue-filling"].model_copy(update={"reason": "because. " * 500})
    text = description(alert, "https://runbooks.invalid/queue-filling.md")

    assert len(text) <= MAX_DESCRIPTION
    assert "Runbook: https://runbooks.invalid/queue-filling.md" in text
    assert text == text.strip()
