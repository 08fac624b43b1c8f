"""Who is told of which alert, and what tells them. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.documents.notification_policy import Publisher
from infra.policy.alerts import Alert, Alerts, Kind, Severity, Target


@dataclass(frozen=True, order=True)
class Audience:
    """The teams that hear of an alert together, and how soon they have to look."""

    teams: tuple[str, ...]
    severity: Severity

    def __str__(self) -> str:
        """Return the teams and the severity as one name."""
        return "-".join((*self.teams, self.severity.value))


def audiences(alert: Alert) -> tuple[Audience, ...]:
    """Return whom an alert tells.

    Each team has a topic of its own, so that everybody confirms as few subscriptions as possible. AWS Budgets and Cost
    Anomaly Detection take a single topic, so for what they tell the teams share one.
    """
    if alert.kind is Kind.BUDGET:
        return (shared(alert),)
    return tuple(Audience((team,), alert.severity) for team in alert.notify)


def shared(alert: Alert) -> Audience:
    """Return the one audience of all the teams that an alert tells."""
    return Audience(tuple(sorted(alert.notify)), alert.severity)


def publishers(alerts: Alerts) -> dict[Audience, frozenset[Publisher]]:
    """Return each audience of an alert that AWS evaluates, with what publishes to it."""
    found: dict[Audience, frozenset[Publisher]] = {}
    for audience, publisher in _sent(alerts):
        found[audience] = found.get(audience, frozenset()) | {publisher}
    return dict(sorted(found.items()))


def _sent(alerts: Alerts) -> Iterator[tuple[Audience, Publisher]]:
    for alert in alerts.every().values():
        if Target.CLOUDWATCH not in alert.targets:
            continue
        match alert.kind:
            case Kind.EVENT:
                yield from ((audience, Publisher.EVENTS) for audience in audiences(alert))
            case Kind.BUDGET:
                yield shared(alert), Publisher.BUDGETS
                yield shared(alert), Publisher.COST_ANOMALIES
                yield shared(alert), Publisher.ALARMS  # daily volume is an alarm on a metric
            case _:
                yield from ((audience, Publisher.ALARMS) for audience in audiences(alert))
