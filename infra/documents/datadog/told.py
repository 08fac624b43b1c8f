"""Who is told at Datadog: the teams of policy, by the handles that the stack's settings give them."""

from collections.abc import Iterator, Sequence

from infra.context import Context
from infra.documents.alerts.datadog_query import for_datadog
from infra.documents.datadog.message import Told
from infra.documents.datadog.usage import usage_alerts
from infra.problems import Problem
from infra.settings_datadog_watch import Handles


def told(context: Context) -> Told:
    """Return the function from teams and severity to the handles that reach them, each once."""
    handles = context.settings.datadog.handles

    def reach(teams: Sequence[str], severity: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item for team in teams for item in handles.get(team, Handles()).at(severity)))

    return reach


def untold(context: Context) -> list[Problem]:
    """Return each team that something tells at a severity for which settings have no handle of it, and
    each team with handles that policy does not know."""
    handles, known = context.settings.datadog.handles, context.policy.alerts.teams
    file, key = f"Pulumi.{context.environment}.yaml", "tinybeans-logging:datadog.handles"
    allowed = "@pagerduty-<service>, @slack-<channel>, @team-<handle> or @ and an e-mail address"
    problems = [
        Problem(file, f"{key}.{team}.{severity}", "nobody is told at Datadog", allowed)
        for team, severity in sorted(set(_needed(context)))
        if not handles.get(team, Handles()).at(severity)
    ]
    problems += [
        Problem(file, f"{key}.{team}", "a team that policy/alerts.yaml does not know", ", ".join(known))
        for team in handles
        if team not in known
    ]
    return problems


def _needed(context: Context) -> Iterator[tuple[str, str]]:
    """Yield each team with a severity at which it is told."""
    alerts = {**for_datadog(context.policy.alerts.every().items()), **usage_alerts(context)}
    for alert in alerts.values():
        for team in alert.notify:
            yield team, alert.severity.value
    for detection in context.policy.detections.detections:
        for case in detection.cases:
            yield detection.notify, case.urgency
