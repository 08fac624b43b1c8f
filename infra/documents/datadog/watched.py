"""What policy watches for in records that no record can say: found before anything is registered."""

import re
from collections.abc import Iterator

from infra.context import Context
from infra.documents.alerts.datadog_query import for_datadog, query
from infra.documents.datadog.facets import faults, known
from infra.documents.datadog.message import nobody
from infra.documents.datadog.security_rules import security_rules
from infra.policy.alerts.elsewhere import LogCondition
from infra.problems import Problem

ALLOWED = "fields of docs/logging-contract.md, or familiar_names of policy/redaction.yaml"
_LOGS = re.compile(r'^logs\("(?P<search>[^"]*)"\)(?:.*\.by\("(?P<by>[^"]*)"\))?')


def unknown_facets(context: Context) -> list[Problem]:
    """Return each detection and each alert on records that asks for a facet which no pipeline sets."""
    return [*_detections(context), *_alerts(context)]


def _detections(context: Context) -> Iterator[Problem]:
    facets = known(context)
    rules = security_rules(context, nobody).values()
    for at, (detection, rule) in enumerate(zip(context.policy.detections.detections, rules, strict=True)):
        for asked in rule["queries"]:
            named = [*asked["groupByFields"], *asked["distinctFields"]]
            for fault in [*faults(asked["query"], facets), *_not_set(named, facets)]:
                key = f"detections.{at}.counts.{asked['name']}"
                yield Problem("policy/detections.yaml", key, f"{detection.name}: {fault}", ALLOWED)


def _alerts(context: Context) -> Iterator[Problem]:
    facets = known(context)
    for name, alert in for_datadog(context.policy.alerts.every().items()).items():
        if isinstance(alert.condition, LogCondition):
            search, by = log_search(query(alert, context.environment))
            for fault in [*faults(search, facets), *_not_set(by, facets)]:
                yield Problem("policy/alerts.yaml", f"alerts.{name}.condition", fault, ALLOWED)


def log_search(text: str) -> tuple[str, list[str]]:
    """Return what a log monitor's query searches for, and the facets that it is counted by."""
    found = _LOGS.match(text)
    if found is None:
        raise ValueError(f"not the query of a log monitor: {text}")
    return found["search"], (found["by"] or "").split(",") if found["by"] else []


def _not_set(named: list[str], facets: frozenset[str]) -> list[str]:
    return [f"the facet {name} is set by no pipeline" for name in named if name not in facets]
