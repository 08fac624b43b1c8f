"""What watches at Datadog: documents that its API knows, queries that can be answered, people who are told."""

import json
import re
from typing import Any

import pytest
import yaml

from infra.context import Context
from infra.documents.datadog import facets
from infra.documents.datadog.dashboards import dashboards
from infra.documents.datadog.indexes import index_name
from infra.documents.datadog.monitors import spoken_for
from infra.documents.datadog.security_rules import security_rules
from infra.documents.datadog.slos import slos
from infra.documents.datadog.told import told, untold
from infra.documents.datadog.usage import budgeted, usage_monitors
from infra.documents.datadog.watched import log_search
from infra.policy.alerts import Target
from infra.policy.alerts.metrics import COLLECTOR_METRICS, Presence
from infra.policy.alerts.used import metrics_of
from tests.datadog_models import faults
from tests.datadog_queries import monitored
from tests.datadog_watching import (
    USAGE,
    WITH_DATADOG,
    alerting,
    all_monitors,
    all_series,
    queries_of,
)
from tests.factories import ROOT, context, stack_values

TAGS = {"env", "service", "host"}
"""What Datadog keeps of the resource of the collector's metrics."""
every = pytest.mark.parametrize("stack", WITH_DATADOG)


def test_staging_and_prod_are_watched_at_datadog() -> None:
    assert WITH_DATADOG == ["staging", "prod"]


@every
def test_datadogs_own_models_know_every_document(stack: str) -> None:
    here = context(stack)
    checked = [
        *(faults(item, "Monitor") for item in all_monitors(here).values()),
        *(faults(item, "ServiceLevelObjectiveRequest") for item in slos(here).values()),
        *(faults(item, "Dashboard") for item in dashboards(here).values()),
        *(
            faults(item, "SecurityMonitoringStandardRuleCreatePayload", "v2")
            for item in security_rules(here, told(here)).values()
        ),
    ]
    assert [found for found in checked if found] == []
    assert len(checked) > 25


@every
def test_every_alert_that_datadog_evaluates_has_a_monitor_and_no_other_has(stack: str) -> None:
    here = context(stack)
    wanted = {name for name, alert in here.policy.alerts.every().items() if Target.DATADOG in alert.targets}
    assert set(alerting(here)) == wanted
    assert len(wanted) > 10


@every
def test_every_monitor_links_a_runbook_that_exists_and_tells_somebody(stack: str) -> None:
    here = context(stack)
    for name, monitor in all_monitors(here).items():
        (link,) = re.findall(r"Runbook: (https://\S+)", monitor["message"])
        assert (ROOT / link.removeprefix(here.settings.alerting.repository + "/")).is_file(), f"{name}: {link}"
        (alert_id,) = [tag.removeprefix("alert:") for tag in monitor["tags"] if tag.startswith("alert:")]
        alert = here.policy.alerts.every()[alert_id]
        handles = here.settings.datadog.handles
        reached = [handle for team in alert.notify for handle in handles[team].at(alert.severity)]
        assert reached
        assert monitor["message"].endswith(" ".join(dict.fromkeys(reached))), name


@every
def test_every_monitor_has_its_alerts_urgency_and_says_what_missing_data_means(stack: str) -> None:
    here = context(stack)
    for name, monitor in all_monitors(here).items():
        (alert_id,) = [tag.removeprefix("alert:") for tag in monitor["tags"] if tag.startswith("alert:")]
        severity = here.policy.alerts.every()[alert_id].severity
        assert monitor["priority"] == {"page": 1, "ticket": 3, "info": 5}[severity], name
        assert monitor["options"]["on_missing_data"] in ("show_no_data", "show_and_notify_no_data", "resolve")
        assert monitor["options"]["notify_no_data"] is False


@every
def test_the_limit_of_a_query_is_its_threshold_and_the_policys(stack: str) -> None:
    here = context(stack)
    for name, monitor in all_monitors(here).items():
        if monitor["type"] == "query alert":
            assert monitored(monitor["query"])[1] == monitor["options"]["thresholds"]["critical"], name
    condition = here.policy.alerts.alerts["queue-nearly-full"].condition
    assert alerting(here)["queue-nearly-full"]["options"]["thresholds"]["critical"] == condition.above  # type: ignore[union-attr]


@every
def test_what_is_missing_from_a_healthy_collector_is_told_by_one_monitor_alone(stack: str) -> None:
    here = context(stack)
    alerts = {name: alert for name, alert in here.policy.alerts.every().items() if Target.DATADOG in alert.targets}
    speakers = spoken_for(alerts)
    assert speakers["otelcol_exporter_queue_size"] == "queue-nearly-full"
    telling = {
        name
        for name, monitor in alerting(here).items()
        if monitor["options"]["on_missing_data"] == "show_and_notify_no_data"
    }
    assert telling == set(speakers.values())
    for name, alert in alerts.items():
        presences = {COLLECTOR_METRICS[metric].presence for metric in metrics_of(alert.condition)}
        missed = bool(presences) and Presence.EVENT not in presences
        if name not in telling:
            said = alerting(here)[name]["options"]["on_missing_data"]
            assert said == ("show_no_data" if missed else "resolve"), name
        else:
            assert missed, name


@every
def test_queries_ask_for_metrics_and_tags_that_there_are_and_for_their_own_stack(stack: str) -> None:
    here = context(stack)
    found = all_series(here)
    assert len(found) > 30
    indexes = {index_name(here, cls) for cls in here.policy.data_classes.classes}
    for series in found:
        named = {tag for tag, _ in series.wanted} | set(series.by)
        if series.metric == USAGE:
            assert named <= {"service", "datadog_index"}
            assert series.values("datadog_index") == indexes
        else:
            assert named <= TAGS | set(COLLECTOR_METRICS[series.metric].labels), series
            assert series.values("env") == {stack}, series


@every
def test_queries_name_jobs_exporters_and_processors_that_the_collector_has(stack: str) -> None:
    text = (ROOT / "collector_configs" / "rendered" / f"{stack}.yaml").read_text(encoding="utf-8")
    config = yaml.load(text, Loader=yaml.CSafeLoader)
    last = {
        pipeline["processors"][-1]
        for name, pipeline in config["service"]["pipelines"].items()
        if name.removeprefix("logs/") in context(stack).policy.data_classes.classes
    }
    (job,) = config["receivers"]["prometheus/own"]["config"]["scrape_configs"]
    exact = 0
    for series in all_series(context(stack)):
        if series.metric != USAGE:
            assert series.values("service") <= {job["job_name"]}
        for exporter in series.values("exporter"):
            assert any(_fits(exporter, name) for name in config["exporters"]), exporter
            exact += "*" not in exporter
        for processor in series.values("processor"):
            assert any(_fits(processor, name) for name in last), processor
    assert exact > 10


def _fits(glob: str, text: str) -> bool:
    return bool(re.fullmatch(re.escape(glob).replace(r"\*", ".*"), text))


@every
def test_queries_over_records_ask_for_facets_that_pipelines_set(stack: str) -> None:
    here = context(stack)
    known = facets.known(here)
    asked: list[str] = []
    for monitor in alerting(here).values():
        if monitor["type"] == "log alert":
            search, by = log_search(monitor["query"])
            asked += [search, *(f"{name}:*" for name in by)]
    for dashboard in dashboards(here).values():
        for query in queries_of(dashboard):
            if query["data_source"] == "logs":
                asked += [query["search"]["query"], *(f"{group['facet']}:*" for group in query["group_by"])]
    assert len(asked) > 10
    assert [fault for query in asked for fault in facets.faults(query, known)] == []


@every
def test_nothing_has_spaces_around_it_or_tags_in_an_order_of_its_own(stack: str) -> None:
    here = context(stack)
    for document in [*all_monitors(here).values(), *slos(here).values(), *dashboards(here).values()]:
        for key in ("name", "message", "title", "description", "query"):
            assert document.get(key, "") == document.get(key, "").strip()
        assert document.get("tags", []) == sorted(document.get("tags", []))
    for rule in security_rules(here, told(here)).values():
        assert len(rule["tags"]) == 1


@every
def test_names_are_unique_and_say_which_stack_they_are_of(stack: str) -> None:
    here = context(stack)
    documents = [
        *all_monitors(here).values(),
        *slos(here).values(),
        *security_rules(here, told(here)).values(),
        *dashboards(here).values(),
    ]
    names = [document.get("name") or document["title"] for document in documents]
    assert len(set(names)) == len(names)
    assert all(name.startswith(f"[tinybeans-{stack}] ") for name in names)


@every
def test_each_service_is_held_to_the_bytes_of_its_budget(stack: str) -> None:
    here = context(stack)
    budgets, environment = here.policy.budgets, here.settings.environment
    found = usage_monitors(here, told(here))
    assert set(found) == {f"budget-threatened-{service}" for service in budgeted(here)}
    for service in ("tinybeans-web", "tinybeans-worker", "tinybeans-frontend"):
        limit = sum(
            cls.services[service].at(environment) for cls in budgets.classes.values() if service in cls.services
        )
        monitor = found[f"budget-threatened-{service}"]
        (series,), critical = monitored(monitor["query"])
        assert (critical, series.values("service")) == (limit, {service})
        assert monitor["options"]["thresholds"]["warning"] == limit * budgets.datadog.warning_percent / 100


def with_handles(**handles: Any) -> Context:
    own = json.loads(stack_values("prod")["datadog"])
    return context("prod", datadog={**own, "handles": {**own["handles"], **handles}})


def test_a_team_that_cannot_be_reached_is_named_with_its_key() -> None:
    assert untold(context("prod")) == []
    problems = [str(item) for item in untold(with_handles(platform={"page": ["@pagerduty-x"]}, nobodys={}))]
    assert len(problems) == 2
    assert problems[0].startswith(
        "Pulumi.prod.yaml: tinybeans-logging:datadog.handles.platform.ticket: nobody is told at Datadog. Allowed: @page"
    )
    assert "handles.nobodys: a team that policy/alerts.yaml does not know. Allowed: platform, security" in problems[1]
