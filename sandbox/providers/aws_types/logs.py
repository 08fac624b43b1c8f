"""CloudWatch Logs: what holds the records, and what is attached to it.

`replace_on` follows the ForceNew attributes in terraform-provider-aws, internal/service/logs.
"""

from __future__ import annotations

from sandbox.providers.aws_types.rows import arn, keys
from sandbox.providers.realise import logs
from sandbox.providers.rules import at_most_one, between
from sandbox.providers.table import Api, Row, table

ROWS = table(
    Row(
        "aws:cloudwatch/logGroup:LogGroup",
        outputs={"arn": arn("logs", "log-group:{name}")},
        replace_on=keys("name", "namePrefix", "logGroupClass"),
        defaults={"logGroupClass": "STANDARD", "retentionInDays": 0, "skipDestroy": False},
        moto=logs.GROUP,
        api=Api(service="logs", operation="CreateLogGroup", rename={"name": "logGroupName"}),
        cfn="AWS::Logs::LogGroup",
        permits={"retentionInDays": (0,)},  # the provider's "never expire"
    ),
    Row(
        "aws:cloudwatch/logStream:LogStream",
        replace_on=keys("logGroupName", "name"),
        moto=logs.STREAM,
        api=Api(service="logs", operation="CreateLogStream", rename={"name": "logStreamName"}),
        cfn="AWS::Logs::LogStream",
    ),
    # From here on moto has no operation, or its answer would add nothing: recorded.
    Row(
        "aws:cloudwatch/logDataProtectionPolicy:LogDataProtectionPolicy",
        id="{logGroupName}",
        replace_on=keys("logGroupName"),
        api=Api(service="logs", operation="PutDataProtectionPolicy", rename={"logGroupName": "logGroupIdentifier"}),
    ),
    Row(
        "aws:cloudwatch/logIndexPolicy:LogIndexPolicy",
        id="{logGroupName}",
        replace_on=keys("logGroupName"),
        api=Api(service="logs", operation="PutIndexPolicy", rename={"logGroupName": "logGroupIdentifier"}),
    ),
    Row(
        "aws:cloudwatch/queryDefinition:QueryDefinition",
        id="{hex}",
        outputs={"queryDefinitionId": "{id}", "arn": arn("logs", "query-definition:{id}")},
        api=Api(service="logs", operation="PutQueryDefinition"),
        cfn="AWS::Logs::QueryDefinition",
    ),
    Row(
        "aws:cloudwatch/logMetricFilter:LogMetricFilter",
        replace_on=keys("logGroupName", "name"),
        api=Api(
            service="logs",
            operation="PutMetricFilter",
            rename={
                "name": "filterName",
                "pattern": "filterPattern",
                "metricTransformation": "metricTransformations",
                "value": "metricValue",
                "namespace": "metricNamespace",
            },
        ),
    ),
    Row(
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        id=lambda inputs, _: str(inputs.get("resourceArn") or inputs.get("policyName")),
        name=None,
        outputs={
            "policyScope": lambda inputs, _: "RESOURCE" if inputs.get("resourceArn") else "ACCOUNT",
            "revisionId": "{hex}",
        },
        replace_on=keys("policyName", "resourceArn"),
        api=Api(service="logs", operation="PutResourcePolicy"),
        rules=(at_most_one("policyName", "resourceArn"),),
    ),
    Row(
        "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
        replace_on=keys("logGroup", "name"),
        defaults={"distribution": "ByLogStream"},
        api=Api(
            service="logs", operation="PutSubscriptionFilter", rename={"name": "filterName", "logGroup": "logGroupName"}
        ),
        cfn="AWS::Logs::SubscriptionFilter",
    ),
    Row(
        "aws:cloudwatch/logAnomalyDetector:LogAnomalyDetector",
        id="{arn}",
        name="detectorName",
        outputs={"arn": arn("logs", "anomaly-detector:{hex}")},
        replace_on=keys("logGroupArnLists", "kmsKeyId"),
        api=Api(service="logs", operation="CreateLogAnomalyDetector"),
        rules=(between("anomalyVisibilityTime", 7, 90),),
    ),
)
