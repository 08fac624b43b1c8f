"""Event alerts: which calls they see, in the words of EventBridge, and where what they say goes.

Patterns are tried with moto's own matcher, which knows no lists of objects: EventBridge looks into each of them, so an
event's `resources` are given to it as EventBridge would flatten them (User Guide, "Arrays in event patterns").
"""

import json
from typing import Any

import botocore.session
import pytest
from moto.events.models import EventPattern

from infra.documents.event_patterns import MAX_DESCRIPTION, event_pattern, rule_description
from infra.policy.alerts import Kind
from infra.policy.alerts.elsewhere import EventCondition
from tests.alerting_stack import KEY_ARNS, alerting_context, alerting_of
from tests.engine import Registered
from tests.factories import policy

RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"
QUEUE, QUEUE_POLICY = "aws:sqs/queue:Queue", "aws:sqs/queuePolicy:QueuePolicy"
EVENTS = {name: alert for name, alert in policy().alerts.alerts.items() if alert.kind is Kind.EVENT}
every_event = pytest.mark.parametrize("alert", EVENTS)


def condition(alert: str) -> EventCondition:
    found = EVENTS[alert].condition
    assert isinstance(found, EventCondition)
    return found


def rule(alert: str) -> Registered:
    return alerting_of("prod").one(RULE, f"alert-events-{alert}-rule")


def seen(alert: str, service: str, call: str, **detail: Any) -> bool:
    """Return whether the rule of `alert` matches a call as CloudTrail records it."""
    pattern = rule(alert).document("eventPattern")
    event = {
        "source": f"aws.{service}",
        "detail-type": "AWS API Call via CloudTrail",
        "detail": {"eventSource": f"{service}.amazonaws.com", "eventName": call, **detail},
    }
    return EventPattern(json.dumps(pattern), pattern).matches_event(event)  # type: ignore[arg-type]


@pytest.mark.parametrize("call", ["DisableKey", "ScheduleKeyDeletion"])
@pytest.mark.parametrize("arn", KEY_ARNS)
def test_the_end_of_one_of_the_stacks_keys_is_seen(call: str, arn: str) -> None:
    assert seen("key-endangered", "kms", call, resources={"ARN": [arn]})


def test_what_happens_to_other_keys_or_is_done_to_them_otherwise_is_not() -> None:
    ours = {"ARN": [KEY_ARNS[0]]}

    assert not seen("key-endangered", "kms", "ScheduleKeyDeletion", resources={"ARN": [f"{KEY_ARNS[0]}-other"]})
    assert not seen("key-endangered", "kms", "Decrypt", resources=ours)
    assert not seen("key-endangered", "logs", "DisableKey", resources=ours)


def test_what_aws_refused_is_no_alert() -> None:
    refused = {"errorCode": "AccessDenied", "resources": {"ARN": [KEY_ARNS[0]]}}

    assert not seen("key-endangered", "kms", "DisableKey", **refused)


def test_a_log_group_without_a_key_or_that_loses_key_or_retention_is_seen() -> None:
    with_key = {"logGroupName": "/a", "kmsKeyId": KEY_ARNS[0]}

    assert seen("log-group-unprotected", "logs", "CreateLogGroup", requestParameters={"logGroupName": "/a"})
    assert seen("log-group-unprotected", "logs", "DisassociateKmsKey", requestParameters={"logGroupName": "/a"})
    assert seen("log-group-unprotected", "logs", "DeleteRetentionPolicy", requestParameters={"logGroupName": "/a"})
    assert not seen("log-group-unprotected", "logs", "CreateLogGroup", requestParameters=with_key)
    assert not seen("log-group-unprotected", "logs", "PutRetentionPolicy", requestParameters={"logGroupName": "/a"})


@pytest.mark.parametrize("call", ["GetLogEvents", "FilterLogEvents", "GetLogRecord"])
@pytest.mark.parametrize("unmask", [True, "true"])
def test_reading_with_masks_lifted_is_seen(call: str, unmask: object) -> None:
    assert seen("masked-data-read", "logs", call, requestParameters={"unmask": unmask})


def test_a_query_that_lifts_masks_is_seen_and_reading_with_masks_is_not() -> None:
    assert seen(
        "masked-data-read", "logs", "StartQuery", requestParameters={"queryString": "fields unmask(@message) | limit 1"}
    )
    assert not seen("masked-data-read", "logs", "StartQuery", requestParameters={"queryString": "fields @message"})
    assert not seen("masked-data-read", "logs", "GetLogEvents", requestParameters={"unmask": False})
    assert not seen("masked-data-read", "logs", "GetLogEvents", requestParameters={"logGroupName": "/a"})


@every_event
def test_every_call_and_parameter_that_an_event_alert_names_exists_in_the_services_api(alert: str) -> None:
    session = botocore.session.get_session()
    for calls in condition(alert).any_of:
        model = session.get_service_model(calls.service)
        for call in calls.calls:
            shape = model.operation_model(call).input_shape
            assert shape is not None
            members = shape.members
            for parameter in (*calls.with_parameter, *filter(None, [calls.without_parameter])):
                assert parameter in members, f"{call} takes no {parameter}"


@every_event
def test_a_rule_that_waits_for_reads_is_in_the_state_that_gets_them(alert: str) -> None:
    reads = any(calls.read_only for calls in condition(alert).any_of)

    assert (rule(alert)["state"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS") is reads
    assert rule(alert)["state"].startswith("ENABLED")


@every_event
def test_a_rule_says_which_trail_and_which_events_it_needs(alert: str) -> None:
    assert condition(alert).needs[:60] in rule(alert)["description"]
    assert len(rule(alert)["description"]) <= MAX_DESCRIPTION


def test_a_rule_says_so_where_no_trail_is_named() -> None:
    assert alerting_context("dev").settings.alerting.management_trail_arn is None
    assert "nothing may be recorded" in rule_description("A.", "B.", None)
    assert "trail/account" in rule_description("A.", "B.", "arn:aws:cloudtrail:us-east-1:1:trail/account")


@every_event
def test_a_rule_tells_each_team_and_keeps_what_it_cannot_deliver(alert: str) -> None:
    deployment = alerting_of("prod")
    targets = [item for item in deployment.all(TARGET) if item["rule"] == rule(alert)["name"]]

    assert {item["arn"] for item in targets} == {
        f"arn:aws:sns:us-east-1:123456789012:tinybeans-prod-alerts-{team}-{EVENTS[alert].severity}"
        for team in EVENTS[alert].notify
    }
    for item in targets:
        assert item["deadLetterConfig"] == {"arn": "arn:aws:sqs:us-east-1:123456789012:alert-events-undelivered"}
        assert "roleArn" not in item.inputs, "EventBridge fails to deliver to encrypted topics by a role"
        assert any(urn.endswith("alert-events-undelivered-policy") for urn in item.depends_on)


@every_event
def test_a_message_says_who_did_what_and_where_the_runbook_is_and_nothing_of_the_request(alert: str) -> None:
    (transformer, *_) = [
        item["inputTransformer"] for item in alerting_of("prod").all(TARGET) if item["rule"] == rule(alert)["name"]
    ]
    lines = [json.loads(line) for line in transformer["inputTemplate"].split("\n")]

    assert f"docs/runbooks/{alert}.md" in lines[-1]
    assert all(f"<{name}>" in " ".join(lines) for name in transformer["inputPaths"])
    assert not [path for path in transformer["inputPaths"].values() if "requestParameters" in path]


def test_undelivered_events_are_encrypted_kept_two_weeks_and_written_by_these_rules_only() -> None:
    deployment = alerting_of("prod")
    (statement, _) = deployment.one(QUEUE_POLICY).document("policy")["Statement"]

    assert deployment.one(QUEUE)["kmsMasterKeyId"].endswith(":notifications-key")
    assert deployment.one(QUEUE)["messageRetentionSeconds"] == 1_209_600
    assert statement["Condition"]["ArnEquals"]["aws:SourceArn"] == sorted(
        f"arn:aws:events:us-east-1:123456789012:rule/tinybeans-prod-{alert}" for alert in EVENTS
    )


def test_what_could_not_be_delivered_is_told_by_an_alarm() -> None:
    deployment = alerting_of("prod")
    alarm = deployment.one("aws:cloudwatch/metricAlarm:MetricAlarm", "alarms-alert-undelivered")

    assert alarm["dimensions"] == {"QueueName": deployment.one(QUEUE)["name"]}
    assert (alarm["namespace"], alarm["threshold"]) == ("AWS/SQS", 0)


def test_a_pattern_names_each_service_once_and_asks_for_success() -> None:
    pattern = event_pattern(condition("log-group-unprotected"), [])

    assert pattern["source"] == ["aws.logs"]
    assert pattern["detail"]["errorCode"] == [{"exists": False}]
