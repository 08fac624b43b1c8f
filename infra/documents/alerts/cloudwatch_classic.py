"""A CloudWatch alarm of the classic kind, as `aws.cloudwatch.MetricAlarm` takes it, and the metric filter behind some.

Metrics that reach CloudWatch by OTLP can be asked for by PromQL only. What stands in for an alert on them where a stack
has no PromQL alarms is a metric of AWS's own, or a count that a metric filter takes from the collector's own log
(docs/adr/0016-alerts-once.md says what that cannot see).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.policy.alerts import Alert
from infra.policy.alerts.elsewhere import AwsCondition, Missing, OwnLogCondition
from infra.policy.alerts.metrics import AWS_METRICS

OWN_NAMESPACE = "Tinybeans/Logging"
"""Namespace of what this program counts itself."""
_MISSING = {Missing.BREACHING: "breaching", Missing.NOT_BREACHING: "notBreaching", Missing.IGNORE: "ignore"}


@dataclass(frozen=True)
class MetricFilter:
    """A count taken from the collector's own log."""

    pattern: str
    metric: str
    namespace: str
    value: str


def dimensions_of(alert: Alert) -> tuple[str, ...]:
    """Return the dimensions that a classic alarm for `alert` needs values of; none where it counts the own log or is none.

    `Class` and `LogGroupName` mean an alarm for each class, `ClusterName` and `ServiceName` the collector's service.
    """
    condition = _condition(alert)
    if not isinstance(condition, AwsCondition):
        return ()
    return AWS_METRICS[condition.namespace, condition.metric].dimensions


def classic_alarm(alert: Alert, dimensions: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the arguments that say when `alert` fires, or None where nothing classic can.

    `dimensions` are the values of `dimensions_of`.
    """
    condition = _condition(alert)
    match condition:
        case AwsCondition():
            return _of_metric(condition, dimensions)
        case OwnLogCondition():
            return _of_own_log(condition)
        case _:
            return None


def metric_filter(condition: OwnLogCondition) -> MetricFilter:
    """Return the filter on the collector's own log, JSON, whose count `condition` asks for."""
    name = "OwnLog" + "".join(part.capitalize() for part in condition.field.split("_"))
    return MetricFilter(f"{{ $.{condition.field} > 0 }}", name, OWN_NAMESPACE, f"$.{condition.field}")


def _condition(alert: Alert) -> AwsCondition | OwnLogCondition | None:
    return alert.condition if isinstance(alert.condition, AwsCondition) else alert.classic


def _of_own_log(condition: OwnLogCondition) -> dict[str, Any]:
    source = metric_filter(condition)
    return {
        "namespace": source.namespace,
        "metric_name": source.metric,
        "statistic": "Sum",
        "period": condition.period_seconds,
        "evaluation_periods": 1,
        "datapoints_to_alarm": 1,
        "comparison_operator": "GreaterThanThreshold",
        "threshold": condition.above,
        "treat_missing_data": "notBreaching",
    }


def _of_metric(condition: AwsCondition, dimensions: Mapping[str, Any]) -> dict[str, Any]:
    over = condition.above is not None
    common = {
        "evaluation_periods": condition.periods,
        "datapoints_to_alarm": condition.breaching_periods,
        "comparison_operator": "GreaterThanThreshold" if over else "LessThanThreshold",
        "threshold": condition.above if over else condition.below,
        "treat_missing_data": _MISSING[condition.missing],
    }
    other = condition.minus or condition.share_of
    if other is None:
        return {
            "namespace": condition.namespace,
            "metric_name": condition.metric,
            "dimensions": dict(dimensions),
            "statistic": condition.statistic,
            "period": condition.period_seconds,
            **common,
        }
    operator = "-" if condition.minus else "/"
    return {
        "metric_queries": [
            {"id": "result", "expression": f"first {operator} second", "label": condition.metric, "return_data": True},
            _query("first", condition, condition.metric, dimensions),
            _query("second", condition, other, dimensions),
        ],
        **common,
    }


def _query(identifier: str, condition: AwsCondition, metric: str, dimensions: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": identifier,
        "return_data": False,
        "metric": {
            "namespace": condition.namespace,
            "metric_name": metric,
            "dimensions": dict(dimensions),
            "stat": condition.statistic,
            "period": condition.period_seconds,
        },
    }
