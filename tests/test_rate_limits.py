"""A service over its limit is thinned out by the rule of its class, and nobody else is, and nothing that must be whole."""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from infra.context import Context
from infra.documents.collector import collector_config, load_fragments
from infra.documents.collector.limit import meter, services
from infra.forecast.counters import from_page
from infra.model import Environment, PerEnvironment
from tests.collector_run import Arrived, Run, batch, record
from tests.doors import at_least, running, stack, until
from tests.factories import ROOT, STACKS, context, policy

LIMITED, OTHER = "tinybeans-web", "somebody-else"
RATE, WINDOW = 20, 4
REQUESTS, RECORDS = 30, 40
IN, OUT = "otelcol_processor_incoming_items", "otelcol_processor_outgoing_items"
APPLICATION, ACCESS = {"logger.name": "celery.worker"}, {"logger.name": "gunicorn.access"}


@cache
def config(name: str) -> dict[str, Any]:
    return collector_config(context(name), load_fragments(ROOT / "collector_configs"))


@pytest.mark.parametrize("name", STACKS)
def test_no_record_of_a_class_that_is_never_sampled_meets_a_limit(name: str) -> None:
    limited = services(policy())
    assert not set(limited) & set(policy().data_classes.never_sampled)
    assert set(limited) == {"application", "access", "client"}
    named = {part for key in config(name)["service"]["pipelines"] for part in re.split(r"[/-]", key)}
    assert {"limit", "within", "over"} <= named
    for cls in policy().data_classes.never_sampled:
        pipelines = config(name)["service"]["pipelines"]
        assert [key for key in pipelines if cls in key and key.split("-")[0] in ("logs/limit", "logs/over")] == []


@pytest.mark.parametrize("name", STACKS)
def test_a_meter_holds_a_window_of_what_policy_allows_and_each_collector_its_share(name: str) -> None:
    known = context(name).settings
    for service, limit in policy().budgets.rate_limits.items():
        queue = config(name)["exporters"][meter(service)]["sending_queue"]
        whole = limit.records_per_second.at(known.environment) * limit.burst_seconds
        assert queue["queue_size"] * known.collector.tasks.minimum >= whole
        assert (queue["queue_size"] - 1) * known.collector.tasks.minimum < whole
        assert (queue["sizer"], queue["batch"]["flush_timeout"]) == ("items", f"{limit.burst_seconds}s")


@pytest.mark.parametrize("name", STACKS)
def test_over_budget_rules_are_those_of_policy_and_a_record_that_belongs_to_nothing_is_not_spared(name: str) -> None:
    environment = context(name).settings.environment
    found = {
        key.partition("/")[2]: value
        for key, value in config(name)["processors"].items()
        if key.startswith("probabilistic_sampler/") and "-over_budget" in key
    }
    percent = {cls: rule.keep_percent.at(environment) for cls, rule in policy().budgets.limited.items()}
    assert {key: value["sampling_percentage"] for key, value in found.items()} == {
        f"{cls}-over_budget{ending}": kept for cls, kept in percent.items() for ending in ("", "_alone")
    }
    assert "attribute_source" not in found["application-over_budget"]
    assert found["application-over_budget_alone"]["from_attribute"] == "log.record.uid"
    assert found["client-over_budget"]["from_attribute"] == "session_id"


def test_a_policy_without_limits_leaves_the_classes_as_they_are() -> None:
    none = replace(policy(), budgets=policy().budgets.model_copy(update={"rate_limits": {}}))
    found = collector_config(Context(context("prod").settings, none), load_fragments(ROOT / "collector_configs"))
    assert [name for name in found["exporters"] if name.startswith("debug/")] == []
    assert found["service"]["pipelines"]["logs/application"]["receivers"] == ["routing/gate", "routing/class"]


def trace(name: object) -> str:
    return hashlib.md5(str(name).encode(), usedforsecurity=False).hexdigest()


def narrow() -> Context:
    """Return the sandbox's context with a low limit for one service."""
    base = stack({})
    limit = base.policy.budgets.rate_limits[LIMITED].model_copy(
        update={
            "records_per_second": PerEnvironment[int](sandbox=RATE, dev=1, staging=1, prod=1),
            "burst_seconds": WINDOW,
        }
    )
    limits = {**base.policy.budgets.rate_limits, LIMITED: limit}
    budgets = base.policy.budgets.model_copy(update={"rate_limits": limits})
    return Context(base.settings, replace(base.policy, budgets=budgets))


@dataclass(frozen=True)
class Flood:
    """What a service sent that is over its limit, and what came of it."""

    run: Run
    arrived: list[Arrived]
    counters: dict[str, float]

    def of(self, body: str) -> list[Arrived]:
        return [item for item in self.arrived if item.record.body == body]


@pytest.fixture(name="flood", scope="module")
def _flood(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flood]:
    with running(narrow(), tmp_path_factory.mktemp("flood")) as run:
        before = time.monotonic()
        for number in range(REQUESTS):
            traced = [record("traced", APPLICATION, 9, traceId=trace((number, at))) for at in range(RECORDS // 2)]
            alone = [record("alone", {**APPLICATION, "service.name": LIMITED}, 9) for _ in range(RECORDS // 2)]
            whole = [
                record("failed", APPLICATION, 17),
                record("login", {"logger.name": "mysite.audit"}, 9),
                record("denied", {"logger.name": "django.security"}, 9),
            ]
            run.collector.send(
                batch([*traced, *whole], resource={"service.name": LIMITED}),
                batch(alone, resource={"service.name": "made-by-an-agent"}),
                batch([record("other", APPLICATION, 9, traceId=trace(number))], resource={"service.name": OTHER}),
            )
        assert time.monotonic() - before < 10 * WINDOW, "a flood is faster"
        processors = ("application-over_budget", "application-over_budget_alone")
        counters = {
            name: run.collector.metric(IN, processor=f"probabilistic_sampler/{name}")
            - run.collector.metric(OUT, processor=f"probabilistic_sampler/{name}")
            for name in processors
        }
        kept = run.collector.metric(OUT, processor="attributes/application")
        counters["kept"] = kept
        yield Flood(run, until(run, at_least(int(kept) + 2 * REQUESTS)), counters)


@pytest.mark.collector
def test_what_is_over_the_limit_is_thinned_out_traced_or_not(flood: Flood) -> None:
    sent = REQUESTS * RECORDS // 2
    for body in ("traced", "alone"):
        assert 0 < len(flood.of(body)) < sent / 2, body


@pytest.mark.collector
def test_up_to_the_limit_everything_is_kept(flood: Flood) -> None:
    whole = [item for body in ("traced", "alone") for item in flood.of(body)]
    unweighted = [item for item in whole if "sampling.adjusted_count" not in item.record.attributes]
    assert len(unweighted) >= RATE * WINDOW - RECORDS


@pytest.mark.collector
@pytest.mark.parametrize("body", ["failed", "login", "denied", "other"])
def test_errors_audit_security_and_other_services_are_whole_over_the_limit_too(flood: Flood, body: str) -> None:
    different = {item.record.attributes["log.record.uid"] for item in flood.of(body)}
    assert len(different) == REQUESTS


@pytest.mark.collector
def test_what_is_dropped_is_counted_by_class_with_the_reason_over_budget(flood: Flood) -> None:
    dropped = flood.counters["application-over_budget"] + flood.counters["application-over_budget_alone"]
    sent = REQUESTS * (RECORDS + 2)
    # The request on which the meter says no is kept whole and goes to the samplers too: once in a window.
    assert sent <= dropped + flood.counters["kept"] <= sent + RECORDS * 10
    assert flood.counters["application-over_budget"] > 0
    assert flood.counters["application-over_budget_alone"] > 0


@pytest.mark.collector
def test_what_is_kept_says_how_many_it_stands_for(flood: Flood) -> None:
    sent = REQUESTS * RECORDS // 2
    for body in ("traced", "alone"):
        weights = [float(item.record.attributes.get("sampling.adjusted_count", 1)) for item in flood.of(body)]
        assert set(weights) == {1.0, 10.0}
        assert abs(sum(weights) - sent) < 0.4 * sent, body


@pytest.mark.collector
def test_the_meter_asks_again_and_the_service_is_whole_once_its_window_is_over(flood: Flood) -> None:
    def after() -> Counter[bool]:
        name = f"after-{time.monotonic_ns()}"
        sent = batch(
            [record(name, APPLICATION, 9, traceId=trace(name)) for _ in range(5)], resource={"service.name": LIMITED}
        )
        flood.run.collector.send(sent)
        found = until(flood.run, lambda items: sum(item.record.body == name for item in items) >= 5)
        arrived = [item for item in found if item.record.body == name]
        return Counter("sampling.adjusted_count" in item.record.attributes for item in arrived)

    time.sleep(WINDOW + 1)
    assert after() == {False: 5}


@pytest.mark.collector
def test_the_collectors_own_page_is_a_volume_for_the_forecast(flood: Flood) -> None:
    found = from_page(flood.run.collector.metrics_url, policy(), Environment.SANDBOX)
    assert set(found.classes) == {"application", "audit", "security"}
    chosen = {rule.name: rule.keep_percent.sandbox for rule in policy().data_classes.classes["application"].sampling}
    kept = {name: item.kept(chosen) for name, item in found.classes.items()}
    assert kept["audit"] == pytest.approx(kept["security"])
    assert kept["application"] / kept["audit"] == pytest.approx(flood.counters["kept"] / REQUESTS, rel=0.2)
    assert any("over a rate limit" in note for note in found.notes)


@pytest.mark.collector
def test_no_client_was_refused_and_the_meters_say_who_was_over(flood: Flood) -> None:
    assert flood.run.collector.metric("otelcol_receiver_refused_log_records") == 0
    refused = "otelcol_exporter_enqueue_failed_log_records"
    assert flood.run.collector.metric(refused, exporter=meter(LIMITED)) > 0
    assert flood.run.collector.metric(refused, exporter=meter("tinybeans-worker")) == 0
