"""policy/alerts.yaml as models: what wakes somebody, when, whom, and why then."""

from infra.policy.alerts.alert import Absence, Alert, Alerts, Kind, Severity, Target

__all__ = ["Absence", "Alert", "Alerts", "Kind", "Severity", "Target"]
