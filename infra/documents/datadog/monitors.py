"""Monitors of the alerts in policy/alerts.yaml that have Datadog among their targets, as the Monitors API takes them (v1).

What an alert asks is written in Datadog's language by documents/alerts/datadog_query.py; thresholds, windows,
severities and teams are the policy's. Events of AWS, its metrics and its budgets are told from AWS (components/alarms.py).
"""

from collections.abc import Mapping
from typing import Any

from infra.context import Context
from infra.documents.alerts.datadog_query import for_datadog, monitor_type, query, threshold
from infra.documents.datadog.message import Told, common
from infra.policy.alerts import Alert
from infra.policy.alerts.alert import Severity
from infra.policy.alerts.elsewhere import LogCondition
from infra.policy.alerts.metrics import COLLECTOR_METRICS, Presence
from infra.policy.alerts.used import metrics_of

URGENCY = list(Severity)
"""The most urgent first."""


def monitors(context: Context, told: Told) -> dict[str, dict[str, Any]]:
    """Return each alert's id with its monitor."""
    alerts = for_datadog(context.policy.alerts.every().items())
    speakers = frozenset(spoken_for(alerts).values())
    return {
        name: common(
            context,
            told,
            name,
            alert,
            title=alert.summary,
            text=_groups(alert),
            type=monitor_type(alert),
            query=query(alert, context.environment),
            thresholds={"critical": threshold(alert)},
            on_missing_data=_missing(alert, speaks=name in speakers),
            # The API adds this to log monitors by itself.
            options={"groupby_simple_monitor": False} if isinstance(alert.condition, LogCondition) else {},
        )
        for name, alert in alerts.items()
    }


def spoken_for(alerts: Mapping[str, Alert]) -> dict[str, str]:
    """Return each metric that a healthy collector always has, with the one alert that tells when it is missing.

    That is the most urgent of those that ask for it and for nothing that appears with a first event: if all of them
    told, a collector that is down would tell everybody everything at once.
    """
    found: dict[str, str] = {}
    for name, alert in sorted(alerts.items(), key=lambda item: URGENCY.index(item[1].severity)):
        presences = {metric: COLLECTOR_METRICS[metric].presence for metric in metrics_of(alert.condition)}
        if Presence.EVENT not in presences.values():
            for metric in presences:
                found.setdefault(metric, name)
    return found


def _missing(alert: Alert, *, speaks: bool) -> str:
    if speaks:
        return "show_and_notify_no_data"
    presences = {COLLECTOR_METRICS[metric].presence for metric in metrics_of(alert.condition)}
    # What comes with a first event only (docs/accounting.md, 9), and records that nobody should write, are not missed.
    return "show_no_data" if presences and Presence.EVENT not in presences else "resolve"


def _groups(alert: Alert) -> str:
    """Return the line that names what fired, in Datadog's template language."""
    by = getattr(alert.condition, "by", ())
    return "What fired: " + ", ".join(f"{label} {{{{{label}.name}}}}" for label in by) if by else ""
