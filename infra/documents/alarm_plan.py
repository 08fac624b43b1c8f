"""Which alarms a stack has in CloudWatch, what each evaluates, and which of them tells somebody. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.documents.alarm_metric import Names, metric_alarms, own_log_alarm, own_log_metric
from infra.model import Environment
from infra.policy import Policy
from infra.policy.alerts import Alert, Alerts, Kind, Target
from infra.policy.alerts.alert import MISSING
from infra.policy.alerts.elsewhere import AwsCondition, BudgetCondition, CompositeCondition, OwnLogCondition

EVALUATED_EVERY_SECONDS = 60
"""How often CloudWatch asks a PromQL query (PutMetricAlarm: 10, 20, 30 or a multiple of 60)."""
MAX_DESCRIPTION = 1024
"""Characters of an alarm's description (PutMetricAlarm)."""
ONE_DAY = 86_400


@dataclass(frozen=True)
class Measured:
    """One metric alarm."""

    id: str
    """The alert's id, and its instance where there are several."""
    alert: str
    evaluates: Mapping[str, Any]
    """Arguments of aws.cloudwatch.MetricAlarm that say what it watches."""


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
    own_log: tuple[OwnLogCondition, ...] = ()
    """What has to be counted of the collector's own log, each field once."""
    unwatched: tuple[str, ...] = field(default=())
    """Alerts that this stack cannot evaluate in CloudWatch."""


def plan(
    policy: Policy,
    environment: Environment,
    names: Names,
    promql: Callable[[Alert], str] | None,
) -> Plan:
    """Return the stack's alarms; `promql` writes an alert's expression, and is None where the stack has no such alarms."""
    alerts = policy.alerts
    measured: list[Measured] = []
    own_log: dict[str, OwnLogCondition] = {}
    for name, alert in _evaluated(alerts):
        found = dict(_bodies(alert, policy, environment, names, promql))
        measured += [Measured(f"{name}-{at}" if at else name, name, body) for at, body in found.items()]
        if promql is None and found and isinstance(alert.classic, OwnLogCondition):
            own_log[alert.classic.field] = alert.classic
    known = {item.alert for item in measured}
    composed, silent = _composed(alerts, measured)
    return Plan(
        measured=tuple(measured),
        composed=composed,
        silent=silent,
        own_log=tuple(own_log.values()),
        unwatched=tuple(name for name, _ in _evaluated(alerts) if name not in known),
    )


def description(alert: Alert, runbook: str) -> str:
    """Return what whoever is woken reads: what is wrong, what to do, and why this is worth waking somebody."""
    head = f"{alert.summary}\nRunbook: {runbook}\nSeverity: {alert.severity}, for {', '.join(alert.notify)}.\n"
    return head + f"Why: {alert.reason}"[: MAX_DESCRIPTION - len(head)].rstrip()


def _evaluated(alerts: Alerts) -> Iterator[tuple[str, Alert]]:
    """Yield the alerts that metric alarms evaluate: all that CloudWatch is a target of, but events and composites."""
    for name, alert in alerts.every().items():
        if Target.CLOUDWATCH in alert.targets and alert.kind not in (Kind.EVENT, Kind.COMPOSITE):
            yield name, alert


def _bodies(
    alert: Alert, policy: Policy, environment: Environment, names: Names, promql: Callable[[Alert], str] | None
) -> Mapping[str, Mapping[str, Any]]:
    match alert.condition:
        case AwsCondition():
            return metric_alarms(alert.condition, names)
        case BudgetCondition():
            return _volumes(policy, environment, names) if "volume" in alert.condition.budgets else {}
        case _ if promql is not None:
            return {"": _promql(promql(alert), alert.for_seconds)}
    match alert.classic:
        case AwsCondition():
            return metric_alarms(alert.classic, names)
        case OwnLogCondition():
            return {"": own_log_alarm(alert.classic, own_log_metric(alert.classic))}
        case None:
            return {}


def _promql(query: str, for_seconds: int) -> dict[str, Any]:
    # It takes as long to be over as it took to begin, so that it does not come and go.
    criteria = {"query": query, "pending_period": for_seconds, "recovery_period": for_seconds}
    return {"evaluation_criteria": {"promql_criteria": criteria}, "evaluation_interval": EVALUATED_EVERY_SECONDS}


def _volumes(policy: Policy, environment: Environment, names: Names) -> dict[str, dict[str, Any]]:
    """Return an alarm for each class on what its log group takes in a day, against the class's daily budget."""
    return {
        cls: {
            "namespace": "AWS/Logs",
            "metric_name": "IncomingBytes",
            "dimensions": {"LogGroupName": names.log_groups[cls]},
            "statistic": "Sum",
            "period": ONE_DAY,
            "evaluation_periods": 1,
            "datapoints_to_alarm": 1,
            "comparison_operator": "GreaterThanThreshold",
            "threshold": budget.daily_bytes.at(environment),
            "treat_missing_data": "notBreaching",
        }
        for cls, budget in policy.budgets.classes.items()
        if cls in names.log_groups
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
        if alert.kind is not Kind.COMPOSITE or not isinstance(condition, CompositeCondition):
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
