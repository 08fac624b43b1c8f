"""A condition on metrics with a namespace, as arguments of a classic CloudWatch alarm. Pure.

`Names` may hold what only the engine knows (the service's generated name): values of dimensions pass through untouched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.policy.alerts.elsewhere import AwsCondition, Missing, OwnLogCondition
from infra.policy.alerts.metrics import AWS_METRICS

JOBS = "Tinybeans/Logging"
"""Namespace of this program's own metrics."""
MISSING = {Missing.BREACHING: "breaching", Missing.NOT_BREACHING: "notBreaching", Missing.IGNORE: "ignore"}
"""The policy's words in PutMetricAlarm's (TreatMissingData)."""
MAX_SUMMED = 10
"""Metrics in one alarm's expression (CloudWatch User Guide, alarm limits)."""
RESULT = "result"

Dimensions = Mapping[str, Any]


@dataclass(frozen=True)
class Names:
    """What a stack's dimensions are called."""

    log_groups: Mapping[str, str]
    """Class to the name of its log group."""
    cluster: Any
    service: Any


def instances(condition: AwsCondition, names: Names) -> dict[str, Dimensions]:
    """Return what the metric exists for in a stack, by a name that tells the instances apart; `""` where there is one."""
    match AWS_METRICS[condition.namespace, condition.metric].dimensions:
        case ("LogGroupName",):
            return {cls: {"LogGroupName": group} for cls, group in names.log_groups.items()}
        case ("Class",):
            return {cls: {"Class": cls} for cls in names.log_groups}
        case _:
            return {"": {"ClusterName": names.cluster, "ServiceName": names.service}}


def metric_alarms(condition: AwsCondition, names: Names) -> dict[str, dict[str, Any]]:
    """Return the arguments of the alarms that evaluate `condition`, by instance.

    What must not be more is asked of each class, what must not be less of all classes together: one that has nothing to
    say is no news.
    """
    found = instances(condition, names)
    if condition.below is not None and len(found) > 1:
        return {"": {**_limits(condition), "metric_queries": _summed(condition, found)}}
    return {instance: {**_limits(condition), **_what(condition, dimensions)} for instance, dimensions in found.items()}


def own_log_alarm(condition: OwnLogCondition, metric: str) -> dict[str, Any]:
    """Return the arguments of the alarm on `metric`, which a metric filter makes of the collector's own log."""
    return {
        "namespace": JOBS,
        "metric_name": metric,
        "statistic": "Sum",
        "period": condition.period_seconds,
        "evaluation_periods": 1,
        "datapoints_to_alarm": 1,
        "comparison_operator": "GreaterThanThreshold",
        "threshold": condition.above,
        # A filter makes no data point of a log without such lines.
        "treat_missing_data": MISSING[Missing.NOT_BREACHING],
    }


def own_log_metric(condition: OwnLogCondition) -> str:
    """Return the name of the metric that counts a field of the collector's own log."""
    return "OwnLog" + "".join(word.title() for word in condition.field.split("_"))


def own_log_filter(condition: OwnLogCondition) -> tuple[str, dict[str, str]]:
    """Return the pattern of a metric filter that adds up a field of the collector's own log, and what it makes of it."""
    value = f"$.{condition.field}"
    return f"{{ {value} > 0 }}", {"name": own_log_metric(condition), "namespace": JOBS, "value": value}


def _limits(condition: AwsCondition) -> dict[str, Any]:
    above = condition.above is not None
    return {
        "comparison_operator": "GreaterThanThreshold" if above else "LessThanThreshold",
        "threshold": condition.above if above else condition.below,
        "evaluation_periods": condition.periods,
        "datapoints_to_alarm": condition.breaching_periods,
        "treat_missing_data": MISSING[condition.missing],
    }


def _what(condition: AwsCondition, dimensions: Dimensions) -> dict[str, Any]:
    other = condition.minus or condition.share_of
    if other is None:
        return {
            "namespace": condition.namespace,
            "metric_name": condition.metric,
            "dimensions": dimensions,
            "period": condition.period_seconds,
            "statistic": condition.statistic,
        }
    queries = [
        _query("first", condition.metric, condition, dimensions),
        _query("second", other, condition, dimensions),
    ]
    expression = "first - second" if condition.minus else "first / second"
    return {"metric_queries": [*queries, _expression(expression, f"{condition.metric} and {other}")]}


def _summed(condition: AwsCondition, found: Mapping[str, Dimensions]) -> list[dict[str, Any]]:
    each = [
        _query(f"m{number}", condition.metric, condition, dimensions)
        for number, dimensions in enumerate(list(found.values())[:MAX_SUMMED], 1)
    ]
    return [*each, _expression("SUM(METRICS())", f"{condition.metric} of all")]


def _query(id_: str, metric: str, condition: AwsCondition, dimensions: Dimensions) -> dict[str, Any]:
    return {
        "id": id_,
        "return_data": False,
        "metric": {
            "namespace": condition.namespace,
            "metric_name": metric,
            "dimensions": dimensions,
            "period": condition.period_seconds,
            "stat": condition.statistic,
        },
    }


def _expression(text: str, label: str) -> dict[str, Any]:
    return {"id": RESULT, "expression": text, "label": label, "return_data": True}
