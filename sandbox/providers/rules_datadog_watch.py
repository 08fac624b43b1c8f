"""What Datadog's API refuses, or alters, of monitors, dashboards and detection rules written as JSON.

Where nothing else is named, the source is what the API answered when terraform-provider-datadog v4.19 recorded its own
tests (datadog/tests/cassettes), and what that provider makes of it before it compares (its StateFuncs).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from sandbox.providers.rules import Findings
from sandbox.providers.wire import Props

Document = dict[str, Any]
MISSING: Final = ("default", "show_no_data", "show_and_notify_no_data", "resolve")
SIGNAL_TIMES: Final = (0, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Seconds (datadog-api-client 2.62, SecurityMonitoringRuleEvaluationWindow and its likes)."""
SEVERITIES: Final = ("info", "low", "medium", "high", "critical")
MONITORS_OWN: Final = (
    "id", "created", "creator", "modified", "multi", "overall_state", "restricted_roles", "draft_status", "url",
)  # fmt: skip
"""Of what the API adds to a monitor, that which the provider leaves out again (monitorComputedFields)."""
_LIMIT: Final = re.compile(r" (?:<|<=|>|>=|==|!=) (-?[0-9.]+)$")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _document(props: Props, key: str) -> Document:
    try:
        found = json.loads(props[key])
    except (KeyError, TypeError, ValueError):  # that it is no JSON is said elsewhere
        return {}
    return found if isinstance(found, dict) else {}


def monitor_is_taken(props: Props) -> Findings:
    """What the Monitors API answers 400 to."""
    monitor = _document(props, "monitor")
    if not monitor:
        return []
    options, query = monitor.get("options") or {}, str(monitor.get("query", ""))
    found: Findings = [(f"monitor.{key}", "is required") for key in ("type", "query") if not monitor.get(key)]
    if "\n" in query:
        found.append(("monitor.query", "a query must be on one line: Datadog answers 400 to a line end in it"))
    limit, critical = _LIMIT.search(query), (options.get("thresholds") or {}).get("critical")
    if limit and critical is not None and float(limit[1]) != float(critical):
        found.append(("monitor.options.thresholds.critical", f"{critical} does not match the query's {limit[1]}"))
    if (missing := options.get("on_missing_data")) is not None and missing not in MISSING:
        found.append(("monitor.options.on_missing_data", f"{missing!r} is not allowed; allowed: {', '.join(MISSING)}"))
    if options.get("notify_no_data") and missing is not None:
        found.append(("monitor.options.notify_no_data", "conflicts with on_missing_data"))
    priority = monitor.get("priority")
    if priority is not None and not 1 <= priority <= 5:
        found.append(("monitor.priority", f"{priority} is out of range: 1 to 5"))
    return found


def dashboard_is_taken(props: Props) -> Findings:
    """What the Dashboards API answers 400 to."""
    dashboard = _document(props, "dashboard")
    found: Findings = [
        (f"dashboard.{key}", "is required")
        for key in ("title", "layout_type", "widgets")
        if dashboard and key not in dashboard
    ]
    return found + [
        (path, "a query must be on one line: Datadog answers 400 to a line end in it")
        for path, text in _queries(dashboard, "dashboard")
        if "\n" in text
    ]


def detection_is_taken(props: Props) -> Findings:
    """What the Security Monitoring API answers 400 to."""
    rule = _document(props, "json")
    options, cases = rule.get("options") or {}, rule.get("cases") or []
    found: Findings = []
    for key in ("evaluationWindow", "keepAlive", "maxSignalDuration"):
        if key in options and options[key] not in SIGNAL_TIMES:
            found.append((f"json.options.{key}", f"{options[key]} is not one of {', '.join(map(str, SIGNAL_TIMES))}"))
    if options.get("maxSignalDuration", 0) < options.get("keepAlive", 0):
        found.append(("json.options.maxSignalDuration", "must be greater than or equal to keep alive"))
    names = {str(query.get("name")) for query in rule.get("queries") or []}
    for at, case in enumerate(cases):
        if case.get("status") not in SEVERITIES:
            found.append((f"json.cases[{at}].status", f"not one of {', '.join(SEVERITIES)}"))
        unknown = set(_NAME.findall(str(case.get("condition", "")))) - names
        if unknown:
            found.append((f"json.cases[{at}].condition", f"names no query: {', '.join(sorted(unknown))}"))
    return found + [
        (path, "a query must be on one line: Datadog answers 400 to a line end in it")
        for path, text in _queries(rule, "json")
        if "\n" in text
    ]


def _queries(node: Any, path: str) -> list[tuple[str, str]]:
    if isinstance(node, dict):
        own = [(f"{path}.query", node["query"])] if isinstance(node.get("query"), str) else []
        return own + [found for key, item in node.items() for found in _queries(item, f"{path}.{key}")]
    if isinstance(node, list):
        return [found for at, item in enumerate(node) for found in _queries(item, f"{path}[{at}]")]
    return []


def monitor_as_stored(monitor: Document) -> Document:
    """Return a monitor as it is read back: trimmed, and with what the API fills in where it was left out."""
    options = {"notify_audit": False, **(monitor.get("options") or {})}
    if monitor.get("type") in ("log alert", "rum alert"):
        options.setdefault("groupby_simple_monitor", False)
    stored = {"priority": None, "tags": [], **_trimmed(monitor, "name", "message"), "options": options}
    return {key: value for key, value in stored.items() if key not in MONITORS_OWN}


def dashboard_as_stored(dashboard: Document) -> Document:
    """Return a dashboard as it is read back: numbered widgets lose their numbers again, the rest stays as it is."""
    stored = {"is_read_only": False, **_trimmed(dashboard, "title", "description")}
    stored["notify_list"] = sorted(stored.get("notify_list") or [])
    return stored


def detection_as_stored(rule: Document) -> Document:
    """Return a rule as it is read back, of which the provider keeps what was written: tags come in no order."""
    stored = _trimmed(rule, "name", "message")
    if "tags" in stored:
        stored["tags"] = list(reversed(stored["tags"]))
    return stored


def _trimmed(document: Mapping[str, Any], *keys: str) -> Document:
    return {key: value.strip() if key in keys and isinstance(value, str) else value for key, value in document.items()}


def answering(key: str, stored: Callable[[Document], Document], compared: Callable[[Document], Document]) -> Any:
    """Return the function from inputs to what is read back of them.

    `compared` is what the provider makes of the written document before it compares. Where both are the same, the text
    stays as it was written; where they differ, so does the text, for ever.
    """

    def answers(props: Props) -> Props:
        written = _document(props, key)
        if not written or compared(written) == stored(written):
            return props
        return {**props, key: json.dumps(stored(written), sort_keys=True)}

    return answers


def monitor_as_compared(monitor: Document) -> Document:
    """Return a written monitor as the provider compares it."""
    trimmed = _trimmed(monitor, "name", "message")
    return {key: value for key, value in trimmed.items() if key not in MONITORS_OWN}


def dashboard_as_compared(dashboard: Document) -> Document:
    """Return a written dashboard as the provider compares it."""
    compared = {"is_read_only": False, **dashboard}
    if "notify_list" in compared:
        compared["notify_list"] = sorted(compared["notify_list"])
    return compared


MONITOR: Final = answering("monitor", monitor_as_stored, monitor_as_compared)
DASHBOARD: Final = answering("dashboard", dashboard_as_stored, dashboard_as_compared)
DETECTION: Final = answering("json", detection_as_stored, dict)
