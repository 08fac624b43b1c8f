"""How CloudFormation says what tells people: alarms, rules, topics, queues, dashboards, budgets and unusual costs."""

import json
from typing import Any

from tests.checkers.cloudformation_kind import Kind, Properties


def _alarm(properties: Properties) -> Properties:
    return {
        **properties,
        **({"Dimensions": _dimensions(properties["Dimensions"])} if "Dimensions" in properties else {}),
        **({"Metrics": [_query(each) for each in properties["Metrics"]]} if "Metrics" in properties else {}),
    }


def _dimensions(values: Properties) -> list[Properties]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def _query(query: Properties) -> Properties:
    metric = query.get("Metric")
    if metric is None:
        return query
    watched = {
        "Namespace": metric["Namespace"],
        "MetricName": metric["MetricName"],
        "Dimensions": _dimensions(metric["Dimensions"]),
    }
    rest = {key: value for key, value in query.items() if key != "Metric"}
    return {**rest, "MetricStat": {"Metric": watched, "Period": metric["Period"], "Stat": metric["Stat"]}}


def _composite(properties: Properties) -> Properties:
    suppressor = properties.pop("ActionsSuppressor", None)
    if suppressor is None:
        return properties
    return {
        **properties,
        "ActionsSuppressor": suppressor["Alarm"],
        "ActionsSuppressorWaitPeriod": suppressor["WaitPeriod"],
        "ActionsSuppressorExtensionPeriod": suppressor["ExtensionPeriod"],
    }


def _budget(properties: Properties) -> Properties:
    tags, told = properties.pop("ResourceTags"), properties.pop("Notifications")
    limit = {"Amount": float(properties.pop("LimitAmount")), "Unit": properties.pop("LimitUnit")}
    metrics = [properties.pop("Metrics")]
    return {
        "Budget": {**properties, "BudgetLimit": limit, "Metrics": metrics},
        "NotificationsWithSubscribers": [
            {
                "Subscribers": [
                    {"SubscriptionType": "SNS", "Address": topic} for topic in each.pop("SubscriberSnsTopicArns")
                ],
                "Notification": each,
            }
            for each in told
        ],
        "ResourceTags": tags,
    }


def _anomaly_subscription(properties: Properties) -> Properties:
    return {**properties, "ThresholdExpression": json.dumps(properties["ThresholdExpression"])}


def _one_of(name: str, plural: str) -> Any:
    """Return a function that puts the property `name` into the list `plural`."""

    def shaped(properties: Properties) -> Properties:
        only = properties.pop(name)
        return {**properties, plural: [only]}

    return shaped


_EXPRESSION = {"ands": "And", "ors": "Or", "dimension": "Dimensions"}
ALERT_KINDS = {
    "aws:budgets/budget:Budget": Kind(
        "AWS::Budgets::Budget", {"name": "BudgetName", "tags": "ResourceTags"}, _EXPRESSION, shaped=_budget
    ),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": Kind(
        "AWS::CloudWatch::CompositeAlarm", {"okActions": "OKActions"}, shaped=_composite
    ),
    "aws:cloudwatch/dashboard:Dashboard": Kind("AWS::CloudWatch::Dashboard"),
    "aws:cloudwatch/eventRule:EventRule": Kind("AWS::Events::Rule", documents=("eventPattern",)),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Kind(
        "AWS::CloudWatch::Alarm",
        {"name": "AlarmName", "okActions": "OKActions", "metricQueries": "Metrics"},
        {"promqlCriteria": "PromQLCriteria"},
        shaped=_alarm,
    ),
    "aws:costexplorer/anomalyMonitor:AnomalyMonitor": Kind(
        "AWS::CE::AnomalyMonitor", {"name": "MonitorName", "tags": "ResourceTags"}
    ),
    "aws:costexplorer/anomalySubscription:AnomalySubscription": Kind(
        "AWS::CE::AnomalySubscription",
        {"name": "SubscriptionName", "monitorArnLists": "MonitorArnList", "tags": "ResourceTags"},
        _EXPRESSION,
        shaped=_anomaly_subscription,
    ),
    "aws:sns/topic:Topic": Kind("AWS::SNS::Topic", {"name": "TopicName"}),
    "aws:sns/topicPolicy:TopicPolicy": Kind(
        "AWS::SNS::TopicPolicy",
        {"arn": "Topic", "policy": "PolicyDocument"},
        documents=("policy",),
        shaped=_one_of("Topic", "Topics"),
    ),
    "aws:sns/topicSubscription:TopicSubscription": Kind(
        "AWS::SNS::Subscription", {"topic": "TopicArn"}, without=("endpointAutoConfirms",)
    ),
    "aws:sqs/queue:Queue": Kind(
        "AWS::SQS::Queue", {"name": "QueueName", "messageRetentionSeconds": "MessageRetentionPeriod"}
    ),
    "aws:sqs/queuePolicy:QueuePolicy": Kind(
        "AWS::SQS::QueuePolicy",
        {"queueUrl": "Queue", "policy": "PolicyDocument"},
        documents=("policy",),
        shaped=_one_of("Queue", "Queues"),
    ),
}
"""Types by how cfn-lint gets to see them."""
