"""The Prometheus rule file of one stack: every alert on the collector's own metrics that the stack can have."""

from collections.abc import Mapping
from typing import Any

import yaml

from infra.context import Context
from infra.documents.alerts.promql import expression
from infra.policy.alerts import Alert, Kind, Target
from infra.policy.alerts.metrics import COLLECTOR_METRICS
from infra.policy.alerts.used import metrics_of

GROUP = "tinybeans-logging"
EVALUATED_SECONDS = 60
"""How often rules are evaluated, unless metrics come more rarely: twice within the shortest `for_seconds`."""
LONGEST_LINE = 10_000
"""Wider than any expression, so that none is folded and a difference shows as one line."""


def rules_file(stack: str) -> str:
    """Return the path, below the repository, of the rule file of `stack`."""
    return f"collector_configs/alerts/{stack}.rules.yaml"


def countable(context: Context) -> dict[str, Alert]:
    """Return the alerts on the collector's own metrics by id, without those whose metrics this stack does not count."""
    counted = context.settings.collector.counted_by_class
    return {
        name: alert
        for name, alert in context.policy.alerts.every().items()
        if alert.kind is Kind.COLLECTOR
        and all(COLLECTOR_METRICS[metric].counted_by in ("", *counted) for metric in metrics_of(alert.condition))
    }


def rules(alerts: Mapping[str, Alert], runbooks: Mapping[str, str], every_seconds: int) -> dict[str, Any]:
    """Return the rule file of `alerts` that are for Prometheus, evaluated every so many seconds; `runbooks` by id."""
    group = {
        "name": GROUP,
        "interval": f"{every_seconds}s",
        "rules": [
            _rule(name, alert, runbooks[name]) for name, alert in alerts.items() if Target.PROMETHEUS in alert.targets
        ],
    }
    return {"groups": [group]}


def stack_rules(context: Context) -> dict[str, Any]:
    """Return the rule file of the stack of `context`."""
    every = context.policy.alerts.every()
    paths = {name: context.policy.alerts.runbook(name) for name in every}
    return rules(countable(context), paths, max(context.settings.collector.own_metrics_seconds, EVALUATED_SECONDS))


def dumps(document: Mapping[str, Any], stack: str) -> str:
    """Return the rule file as YAML under a line that says where it comes from."""
    head = f"# Written by `make render` from policy/alerts.yaml for the stack {stack}. Do not edit.\n"
    return head + yaml.safe_dump(document, sort_keys=False, width=LONGEST_LINE, allow_unicode=True)


def _rule(name: str, alert: Alert, runbook: str) -> dict[str, Any]:
    return {
        "alert": name,
        "expr": expression(alert.condition),
        **({"for": f"{alert.for_seconds}s"} if alert.for_seconds else {}),
        "labels": {"severity": alert.severity.value, "notify": ",".join(alert.notify)},
        "annotations": {"summary": alert.summary, "runbook": runbook},
    }
