"""The sandbox's Datadog: it refuses the monitors, rules and dashboards that the API would, and alters what the API does."""

import json
from typing import Any

import pytest

from infra.documents.datadog.dashboards import dashboards
from infra.documents.datadog.monitors import monitors
from infra.documents.datadog.security_rules import security_rules
from infra.documents.datadog.told import told
from infra.documents.datadog.usage import usage_monitors
from sandbox.providers.cloud import datadog_cloud
from sandbox.providers.datadog_types import DATADOG
from sandbox.providers.lifecycle import Lifecycle
from sandbox.providers.wire import Props
from tests.factories import context

MONITOR, KEY_OF_MONITOR = "datadog:index/monitorJson:MonitorJson", "monitor"
DASHBOARD, KEY_OF_DASHBOARD = "datadog:index/dashboardJson:DashboardJson", "dashboard"
RULE, KEY_OF_RULE = "datadog:index/securityMonitoringRuleJson:SecurityMonitoringRuleJson", "json"
OBJECTIVE = "datadog:index/serviceLevelObjective:ServiceLevelObjective"
Document = dict[str, Any]


def written(token: str, document: Document) -> Props:
    key = {MONITOR: KEY_OF_MONITOR, DASHBOARD: KEY_OF_DASHBOARD, RULE: KEY_OF_RULE}[token]
    return {key: json.dumps(document, sort_keys=True)}


def life() -> Lifecycle:
    return Lifecycle(DATADOG, datadog_cloud({}))


def refused(token: str, document: Document) -> list[tuple[str, str]]:
    _, problems = life().check(token, "it", {}, written(token, document), b"seed")
    return [(problem.path, problem.reason) for problem in problems]


def differs_for_ever(token: str, document: Document) -> bool:
    """Return whether a second update of the same document finds something to change."""
    cloud = life()
    inputs, problems = cloud.check(token, "it", {}, written(token, document), b"seed")
    assert problems == []
    _, state = cloud.create(token, inputs, preview=False)
    return bool(cloud.diff(token, inputs, state, inputs).changed)


def monitor(**changed: Any) -> Document:
    here = context("prod")
    return {**monitors(here, told(here))["records-lost"], **changed}


def rule(**changed: Any) -> Document:
    here = context("prod")
    return {**security_rules(here, told(here))["two-factor-guessing"], **changed}


def dashboard(**changed: Any) -> Document:
    return {**dashboards(context("prod"))["pipeline-owners"], **changed}


def options(**changed: Any) -> Document:
    return {**monitor()["options"], **changed}


def test_what_this_program_writes_is_taken_and_comes_back_as_it_was_written() -> None:
    here = context("prod")
    found = [
        *((MONITOR, item) for item in {**monitors(here, told(here)), **usage_monitors(here, told(here))}.values()),
        *((RULE, item) for item in security_rules(here, told(here)).values()),
        *((DASHBOARD, item) for item in dashboards(here).values()),
    ]
    assert len(found) > 20
    for token, document in found:
        assert refused(token, document) == []
        assert not differs_for_ever(token, document)


@pytest.mark.parametrize(
    ("token", "document", "path", "part"),
    [
        (MONITOR, monitor(query=monitor()["query"].replace(" by ", "\n by ")), "monitor.query", "on one line"),
        (MONITOR, monitor(options=options(thresholds={"critical": 3})), "monitor.options.thresholds.critical", "match"),
        (MONITOR, monitor(options=options(on_missing_data="shrug")), "monitor.options.on_missing_data", "show_no_data"),
        (MONITOR, monitor(options=options(notify_no_data=True)), "monitor.options.notify_no_data", "conflicts"),
        (MONITOR, monitor(priority=7), "monitor.priority", "1 to 5"),
        (RULE, rule(options={**rule()["options"], "keepAlive": 90}), "json.options.keepAlive", "90 is not one of"),
        (
            RULE,
            rule(options={**rule()["options"], "maxSignalDuration": 60}),
            "json.options.maxSignalDuration",
            "greater than or equal to keep alive",
        ),
        (RULE, rule(cases=[{"status": "dire", "condition": "wrong > 1"}]), "json.cases[0].status", "info, low"),
        (RULE, rule(cases=[{"status": "low", "condition": "guesses > 1"}]), "json.cases[0].condition", "guesses"),
        (DASHBOARD, {"title": "t", "widgets": []}, "dashboard.layout_type", "is required"),
    ],
)
def test_what_the_api_refuses_is_refused_with_its_place(token: str, document: Document, path: str, part: str) -> None:
    found = refused(token, document)
    assert [place for place, _ in found] == [path]
    assert part in found[0][1]


@pytest.mark.parametrize(
    ("token", "document"),
    [
        (MONITOR, monitor(options={key: value for key, value in options().items() if key != "notify_audit"})),
        (MONITOR, {key: value for key, value in monitor().items() if key != "priority"}),
        (RULE, rule(tags=["env:prod", "team:security"])),
        (RULE, rule(name=f"{rule()['name']} ")),
        (DASHBOARD, dashboard(title=" padded")),
        (DASHBOARD, {key: value for key, value in dashboard().items() if key != "notify_list"}),
    ],
    ids=["an option left out", "no priority", "two tags", "a padded name", "a padded title", "no list of the notified"],
)
def test_what_the_api_stores_otherwise_differs_for_ever(token: str, document: Document) -> None:
    assert differs_for_ever(token, document)


def test_a_monitors_name_is_trimmed_on_both_sides() -> None:
    assert not differs_for_ever(MONITOR, monitor(name=f"{monitor()['name']} ", message=f"{monitor()['message']}\n"))


def test_an_objective_of_another_kind_is_another_objective() -> None:
    given = {"name": "n", "type": "metric", "thresholds": [{"timeframe": "30d", "target": 99.0}]}
    inputs, problems = life().check(OBJECTIVE, "it", {}, given, b"seed")
    assert problems == []
    assert life().diff(OBJECTIVE, inputs, inputs, {**inputs, "type": "time_slice"}).replaces == ("type",)
    _, wrong = life().check(OBJECTIVE, "it", {}, {**given, "type": "guess"}, b"seed")
    assert [problem.path for problem in wrong] == ["type"]
