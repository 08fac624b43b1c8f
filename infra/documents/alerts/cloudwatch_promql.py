"""A CloudWatch alarm that evaluates PromQL over the collector's own metrics, as `aws.cloudwatch.MetricAlarm` takes it.

CloudWatch differs from Prometheus in this (User Guide, "PromQL querying" and "PromQL alarms"; API reference,
AlarmPromQLCriteria): a task is no `instance` label but part of the resource; a query looks back a day at most and is at
most 10,000 characters long; missing data cannot be treated, for what the query returns is what is the matter. Series are
compared task by task all the same, because expressions drop the labels of data points and keep whatever else is there.
"""

from typing import Any

from infra.documents.alerts.promql import expression
from infra.policy.alerts import Alert

LONGEST_QUERY = 10_000
"""Characters (API reference, AlarmPromQLCriteria)."""
INTERVALS = (10, 20, 30)
"""Evaluation intervals (s) below a multiple of 60 (API reference, PutMetricAlarm)."""


def promql_alarm(alert: Alert, every_seconds: int) -> dict[str, Any]:
    """Return the arguments that say when `alert`, one on the collector's own metrics, fires.

    `every_seconds` is how often metrics arrive; the alarm is evaluated no more often. It recovers when the query has
    returned nothing for as long as it had to return something before.
    """
    return {
        "evaluation_criteria": {
            "promql_criteria": {
                "query": expression(alert.condition),
                "pending_period": alert.for_seconds,
                "recovery_period": alert.for_seconds,
            }
        },
        "evaluation_interval": interval(every_seconds),
    }


def interval(seconds: int) -> int:
    """Return the shortest interval that CloudWatch offers and that is no shorter than `seconds`."""
    return next((item for item in INTERVALS if item >= seconds), -(-seconds // 60) * 60)
