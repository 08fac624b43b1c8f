"""What every monitor has in common: who is told, how urgently, and what they read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra.context import Context
from infra.policy.alerts import Alert
from infra.policy.alerts.alert import Severity

Told = Callable[[Sequence[str], str], Sequence[str]]
"""Teams and severity to the handles that reach them at Datadog."""


def nobody(teams: Sequence[str], severity: str) -> Sequence[str]:  # noqa: ARG001 - every function of this kind has one shape
    """Return no handle, whoever is to be told."""
    return ()


PRIORITY = {Severity.PAGE: 1, Severity.TICKET: 3, Severity.INFO: 5}
"""Datadog's P1 to P5."""


def common(
    context: Context,
    told: Told,
    alert_id: str,
    alert: Alert,
    *,
    title: str,
    text: str,
    type: str,
    query: str,
    thresholds: Mapping[str, float],
    on_missing_data: str,
    tags: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the monitor as the Monitors API (v1) stores it: nothing is left out that it would fill in, and names and
    messages have no space around them, so that what is read back is what was written."""
    runbook = context.settings.alerting.runbook(context.policy.alerts.runbook(alert_id))
    lines = [
        alert.summary.strip(),
        text.strip(),
        f"Runbook: {runbook}",
        f"Why this threshold: {alert.reason.strip()}",
        f"Decided in policy/alerts.yaml, {alert_id}. {' '.join(told(alert.notify, alert.severity))}",
    ]
    return {
        "name": f"[{context.name()}] {title.strip().rstrip('.')}",
        "type": type,
        "query": query,
        "message": "\n\n".join(line for line in lines if line).strip(),
        "tags": sorted({f"alert:{alert_id}", f"env:{context.environment}", "managed-by:pulumi", *tags}),
        "priority": PRIORITY[alert.severity],
        "options": {
            "thresholds": dict(thresholds),
            "on_missing_data": on_missing_data,
            "notify_no_data": False,
            "notify_audit": False,
            "include_tags": True,
            "new_host_delay": 300,
            "require_full_window": False,
            **(options or {}),
        },
    }
