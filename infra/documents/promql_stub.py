"""Stub."""

from infra.policy.alerts import Alert


def cloudwatch_promql(alert: Alert) -> str:
    """Return a stub."""
    return "up == 0"
