"""Alarms, dashboards and events: recorded, since nothing in the sandbox evaluates them.

`replace_on` follows terraform-provider-aws, internal/service/cloudwatch, events and sns.
"""

from __future__ import annotations

from sandbox.providers.aws_types.rows import arn, keys
from sandbox.providers.rules import alarm_kind
from sandbox.providers.table import Api, Row, table

ROWS = table(
    Row(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        outputs={"arn": arn("cloudwatch", "alarm:{name}"), "evaluateLowSampleCountPercentiles": ""},
        replace_on=keys("name"),
        defaults={"actionsEnabled": True, "treatMissingData": "missing"},
        api=Api(
            service="cloudwatch",
            operation="PutMetricAlarm",
            rename={"name": "AlarmName", "metricQueries": "Metrics"},
        ),
        rules=(alarm_kind,),
    ),
    Row(
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        id="{alarmName}",
        name=None,
        outputs={"arn": arn("cloudwatch", "alarm:{alarmName}")},
        replace_on=keys("alarmName"),
        defaults={"actionsEnabled": True},
        api=Api(service="cloudwatch", operation="PutCompositeAlarm"),
    ),
    Row(
        "aws:cloudwatch/dashboard:Dashboard",
        id="{dashboardName}",
        name=None,
        outputs={"dashboardArn": "arn:{partition}:cloudwatch::{account}:dashboard/{dashboardName}"},
        replace_on=keys("dashboardName"),
        api=Api(service="cloudwatch", operation="PutDashboard"),
    ),
    Row(
        "aws:cloudwatch/eventRule:EventRule",
        outputs={"arn": arn("events", "rule/{name}")},
        replace_on=keys("name", "namePrefix", "eventBusName"),
        defaults={"eventBusName": "default"},
        api=Api(service="events", operation="PutRule"),
        cfn="AWS::Events::Rule",
    ),
    Row(
        "aws:cloudwatch/eventTarget:EventTarget",
        id="{rule}-{targetId}",
        name="targetId",
        replace_on=keys("rule", "targetId", "eventBusName"),
    ),
    Row(
        "aws:sns/topic:Topic",
        id="{arn}",
        outputs={"arn": arn("sns", "{name}"), "owner": "{account}", "beginningArchiveTime": ""},
        replace_on=keys("name", "namePrefix", "fifoTopic"),
        api=Api(service="sns", operation="CreateTopic"),
        cfn="AWS::SNS::Topic",
    ),
    Row(
        "aws:sns/topicPolicy:TopicPolicy",
        id=lambda inputs, _: str(inputs["arn"]),
        name=None,
        outputs={"owner": "{account}"},
        replace_on=keys("arn"),
    ),
    Row(
        "aws:sns/topicSubscription:TopicSubscription",
        id=lambda inputs, _: f"{inputs['topic']}:{inputs['hex']}",
        name=None,
        outputs={
            "arn": "{id}",
            "ownerId": "{account}",
            # Only an e-mail subscription waits for its owner to confirm it.
            "pendingConfirmation": lambda inputs, _: str(inputs["protocol"]).startswith("email"),
        },
        replace_on=keys("endpoint", "protocol", "topic"),
        api=Api(service="sns", operation="Subscribe"),
        cfn="AWS::SNS::Subscription",
    ),
    Row(
        "aws:sqs/queue:Queue",
        id="https://sqs.{region}.amazonaws.com/{account}/{name}",
        outputs={"arn": arn("sqs", "{name}"), "url": "{id}"},
        replace_on=keys("name", "namePrefix", "fifoQueue"),
        cfn="AWS::SQS::Queue",
    ),
    Row("aws:sqs/queuePolicy:QueuePolicy", id="{queueUrl}", name=None, replace_on=keys("queueUrl")),
)
