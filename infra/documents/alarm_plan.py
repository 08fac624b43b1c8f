"""Which alarms a stack has in CloudWatch, what each evaluates, and which of them tells somebody. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.context import Context
from infra.documents.alerts.cloudwatch_classic import MetricFilter, classic_alarm, dimensions_of, metric_filter
from infra.documents.alerts.cloudwatch_promql import promql_alarm
from infra.documents.alerts.rules import countable
from infra.policy.alerts import Alert, Alerts, Kind, Target
from infra.policy.alerts.alert import MISSING
from infra.policy.alerts.elsewhere import AwsCondition, BudgetCondition, CompositeCondition, OwnLogCondition

MAX_DESCRIPTION = 1024
"""Characters of an alarm's description (PutMetricAlarm)."""
MAX_SUMMED = 10
"""Metrics in one alarm's expression (CloudWatch User Guide, alarm limits)."""
ONE_DAY = 86_400

Body = Mapping[str, Any]
"""Arguments of aws.cloudwatch.MetricAlarm that say what it watches."""


@dataclass(frozen=True)
class Service:
    """The collectors' ECS service, by names that only the engine may know: they pass through untouched."""

    cluster: Any
    service: Any


@dataclass(frozen=True)
class Measured:
    """One metric alarm."""

    id: str
    """The alert's id, and its class where there is an alarm for each."""
    alert: str
    body: Body


@dataclass(frozen=True)
class Composed:
    """One composite alarm."""

    alert: str
    of: tuple[str, ...]
    """Ids of the metric alarms of which one has to fire."""
    suppressed_by: str | None = None
    """The alert while which it tells nobody."""
    wait_seconds: int = 0
    extension_seconds: int = 0


@dataclass(frozen=True)
class Plan:
    """All alarms of a stack."""

    measured: tuple[Measured, ...]
    composed: tuple[Composed, ...]
    """What suppresses others first."""
    silent: frozenset[str]
    """Ids of metric alarms that tell nobody, for a composite alarm speaks for them."""
    filters: tuple[MetricFilter, ...]
    """What has to be counted of the collector's own log."""
    unwatched: tuple[str, ...]
    """Alerts that nothing in CloudWatch evaluates in this stack."""


def plan(context: Context, service: Service) -> Plan:
    """Return the stack's alarms."""
    alerts = context.policy.alerts
    measured: list[Measured] = []
    filters: dict[str, MetricFilter] = {}
    unwatched: list[str] = []
    for name, alert in _evaluated(alerts):
        bodies = _bodies(name, alert, context, service)
        measured += [Measured(f"{name}-{cls}" if cls else name, name, body) for cls, body in bodies.items()]
        if not bodies:
            unwatched.append(name)
        elif isinstance(alert.classic, OwnLogCondition) and not context.settings.alerting.promql_alarms:
            filters[alert.classic.field] = metric_filter(alert.classic)
    composed, silent = _composed(alerts, measured)
    return Plan(tuple(measured), composed, silent, tuple(filters.values()), tuple(unwatched))


def undelivered_queue(context: Context) -> str:
    """Return the name of the queue that keeps events which reached no topic."""
    return context.name("alert-events", "undelivered")


def description(alert: Alert, runbook: str) -> str:
    """Return what whoever is woken reads: what is wrong, what to do, and why this is worth waking somebody."""
    head = f"{alert.summary}\nRunbook: {runbook}\nSeverity: {alert.severity}, for {', '.join(alert.notify)}.\n"
    return head + f"Why: {alert.reason}"[: MAX_DESCRIPTION - len(head)].rstrip()


def _evaluated(alerts: Alerts) -> Iterator[tuple[str, Alert]]:
    """Yield the alerts that metric alarms evaluate: all that CloudWatch is a target of, but events and composites."""
    for name, alert in alerts.every().items():
        if Target.CLOUDWATCH in alert.targets and alert.kind not in (Kind.EVENT, Kind.COMPOSITE):
            yield name, alert


def _bodies(name: str, alert: Alert, context: Context, service: Service) -> dict[str, Body]:
    """Return what evaluates an alert, by class where there is an alarm for each; nothing where nothing can."""
    if isinstance(alert.condition, BudgetCondition):
        return _volumes(context) if "volume" in alert.condition.budgets else {}
    if alert.kind is Kind.COLLECTOR and context.settings.alerting.promql_alarms:
        if name not in countable(context):
            return {}
        return {"": promql_alarm(alert, context.settings.collector.own_metrics_seconds)}
    instances = _instances(alert, context, service)
    found: dict[str, Body] = {
        cls: body for cls, dimensions in instances.items() if (body := classic_alarm(alert, dimensions))
    }
    condition = alert.condition if isinstance(alert.condition, AwsCondition) else alert.classic
    if isinstance(condition, AwsCondition) and condition.below is not None and len(found) > 1:
        return {"": _of_all(found)}
    return found


def _instances(alert: Alert, context: Context, service: Service) -> dict[str, Mapping[str, Any]]:
    """Return the dimensions of each classic alarm on an alert, by class where they are a class's."""
    classes = context.policy.data_classes.classes
    if alert.classic is None and not isinstance(alert.condition, AwsCondition):
        return {}
    match dimensions_of(alert):
        case ("LogGroupName",):
            return {cls: {"LogGroupName": context.log_group(cls)} for cls in classes}
        case ("Class",):
            return {cls: {"Class": cls} for cls in classes}
        case ("QueueName",):
            return {"": {"QueueName": undelivered_queue(context)}}
        case ("ClusterName", "ServiceName"):
            return {"": {"ClusterName": service.cluster, "ServiceName": service.service}}
        case _:
            return {"": {}}


def _of_all(bodies: Mapping[str, Body]) -> Body:
    """Return one alarm on the sum of all classes: too little of one that has nothing to say is no news."""
    first = next(iter(bodies.values()))
    of_metric = ("namespace", "metric_name", "dimensions", "statistic", "period")
    queries = [
        {
            "id": f"class{number}",
            "return_data": False,
            "metric": {
                "namespace": body["namespace"],
                "metric_name": body["metric_name"],
                "dimensions": body["dimensions"],
                "stat": body["statistic"],
                "period": body["period"],
            },
        }
        for number, body in enumerate(list(bodies.values())[:MAX_SUMMED], 1)
    ]
    total = {"id": "total", "expression": "SUM(METRICS())", "label": "all classes", "return_data": True}
    return {**{key: value for key, value in first.items() if key not in of_metric}, "metric_queries": [*queries, total]}


def _volumes(context: Context) -> dict[str, Body]:
    """Return an alarm for each class on what its log group takes in a day, against the class's daily budget."""
    return {
        cls: {
            "namespace": "AWS/Logs",
            "metric_name": "IncomingBytes",
            "dimensions": {"LogGroupName": context.log_group(cls)},
            "statistic": "Sum",
            "period": ONE_DAY,
            "evaluation_periods": 1,
            "datapoints_to_alarm": 1,
            "comparison_operator": "GreaterThanThreshold",
            "threshold": budget.daily_bytes.at(context.settings.environment),
            "treat_missing_data": "notBreaching",
        }
        for cls, budget in context.policy.budgets.classes.items()
    }


def _composed(alerts: Alerts, measured: list[Measured]) -> tuple[tuple[Composed, ...], frozenset[str]]:
    ids: dict[str, tuple[str, ...]] = {}
    for item in measured:
        ids[item.alert] = (*ids.get(item.alert, ()), item.id)
    every = alerts.every()
    first: list[Composed] = []
    then: dict[str, Composed] = {}
    silent: set[str] = set()
    for name, alert in every.items():
        condition = alert.condition
        if not isinstance(condition, CompositeCondition):
            continue
        causes = [cause for cause in condition.any_of if cause in ids]
        first.append(Composed(name, tuple(id_ for cause in causes for id_ in ids[cause])))
        # Where the composite tells everybody whom its cause would tell, the cause says nothing of its own.
        silent |= {
            id_
            for cause in causes
            if set(every[cause].notify) <= set(alert.notify) and every[cause].severity == alert.severity
            for id_ in ids[cause]
        }
        for held in _held(condition, alerts):
            if held in ids:
                then[held] = Composed(held, ids[held], name, condition.wait_seconds, condition.extension_seconds)
                silent |= set(ids[held])
    return (*first, *then.values()), frozenset(silent)


def _held(condition: CompositeCondition, alerts: Alerts) -> tuple[str, ...]:
    """Return the alerts that a composite holds back; with the alert on missing metrics go those on each of them."""
    absences = alerts.absences() if MISSING in condition.suppresses else {}
    return (*condition.suppresses, *absences)
