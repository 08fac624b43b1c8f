"""The policy as frozen models: what compliance reviewers read in policy/*.yaml, checked and typed."""

from infra.policy.alerts import Alert, Alerts
from infra.policy.budgets import Budgets
from infra.policy.data_classes import DataClass, DataClasses
from infra.policy.exceptions import AcceptedFinding, Exceptions
from infra.policy.load import Policy, load_policy
from infra.policy.redaction import Redaction, RedactionRule

__all__ = [
    "AcceptedFinding",
    "Alert",
    "Alerts",
    "Budgets",
    "DataClass",
    "DataClasses",
    "Exceptions",
    "Policy",
    "Redaction",
    "RedactionRule",
    "load_policy",
]
