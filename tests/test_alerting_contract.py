"""What holds over everything that tells people, in the whole program of every stack."""

import re

import pytest

from infra.documents.collector.own_metrics import ALERTED
from infra.policy.alerts.metrics import AWS_METRICS, COLLECTOR_METRICS
from tests.engine import Registered
from tests.factories import STACKS, context
from tests.programs import program

METRIC_ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
FILTER = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
TOPIC, TOPIC_POLICY = "aws:sns/topic:Topic", "aws:sns/topicPolicy:TopicPolicy"
QUEUE, RULE, KEY = "aws:sqs/queue:Queue", "aws:cloudwatch/eventRule:EventRule", "aws:kms/key:Key"
every = pytest.mark.parametrize("stack", STACKS)
NAME = re.compile(r"\b(?:otelcol|tinybeans)_[a-z_]+\b|\bup\b")


@every
def test_every_alarm_has_a_runbook_and_tells_a_topic_or_is_part_of_an_alarm_that_does(stack: str) -> None:
    deployment = program(stack)
    topics = {context(stack).arn("sns", topic["name"]) for topic in deployment.all(TOPIC)}
    rules = " ".join(item["alarmRule"] for item in deployment.all(COMPOSITE))
    alarms = [*deployment.all(METRIC_ALARM), *deployment.all(COMPOSITE)]

    assert len(alarms) > 40
    for item in alarms:
        assert re.search(r"https://\S+/docs/runbooks/[a-z-]+\.md", item["alarmDescription"]), item.name
        told = item.inputs.get("alarmActions", [])
        assert set(told) <= topics, item.name
        assert told or f'ALARM("{item["name"]}")' in rules, f"{item.name} tells nobody"


@every
def test_every_topic_and_queue_of_alerts_is_encrypted_with_a_customer_key_and_has_a_policy(stack: str) -> None:
    deployment = program(stack)

    for item in (*deployment.all(TOPIC), *deployment.all(QUEUE)):
        assert item["kmsMasterKeyId"].startswith("arn:aws:kms:"), item.name
    assert len(deployment.all(TOPIC_POLICY)) == len(deployment.all(TOPIC)) > 5


def emitted(stack: str) -> set[tuple[str, str]]:
    """Return namespace and name of the metrics that AWS, this stack's jobs and its metric filters emit."""
    counted = [item["metricTransformation"] for item in program(stack).all(FILTER)]
    return {*AWS_METRICS, *((it["namespace"], it["name"]) for it in counted)}


def watched(alarm: Registered) -> set[tuple[str, str]]:
    """Return namespace and name of each metric that a classic alarm looks at."""
    metrics = [query["metric"] for query in alarm.inputs.get("metricQueries", ()) if "metric" in query]
    single = [alarm.inputs] if "metricName" in alarm.inputs else []
    return {(it["namespace"], it["metricName"]) for it in (*metrics, *single)}


@every
def test_no_alarm_looks_at_a_metric_that_nothing_emits(stack: str) -> None:
    counted = context(stack).settings.collector.counted_by_class
    for alarm in program(stack).all(METRIC_ALARM):
        criteria = alarm.inputs.get("evaluationCriteria")
        if criteria is None:
            assert watched(alarm), alarm.name
            assert watched(alarm) <= emitted(stack), alarm.name
            continue
        names = set(NAME.findall(criteria["promqlCriteria"]["query"]))
        assert names, alarm.name
        assert names <= set(ALERTED), alarm.name
        assert all(COLLECTOR_METRICS[name].counted_by in ("", *counted) for name in names), alarm.name


@every
def test_the_end_of_every_key_of_the_stack_in_its_region_is_watched(stack: str) -> None:
    deployment = program(stack)
    (rule,) = [item for item in deployment.all(RULE) if "key-endangered" in item.name]
    (calls,) = rule.document("eventPattern")["detail"]["$or"]
    keys = {
        f"arn:aws:kms:us-east-1:123456789012:{key.name}"
        for key in deployment.all(KEY)
        if key.inputs.get("region") is None
    }

    assert set(calls["resources"]["ARN"]) == keys
    assert len(keys) > 8


@every
def test_the_outputs_name_the_topics_and_what_nothing_watches(stack: str) -> None:
    found = program(stack).result

    assert {arn.rsplit(":", 1)[-1] for arn in found["alert_topics"].values()} == {
        topic["name"] for topic in program(stack).all(TOPIC)
    }
    assert isinstance(found["alerts_unwatched"], list)


@every
def test_no_budget_action_exists_for_none_may_stop_a_log(stack: str) -> None:
    assert not [item.type for item in program(stack).resources if "budgetAction" in item.type]
