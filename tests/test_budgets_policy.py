"""The budgets say what is wrong with them, and never thin out what must be whole."""

from pathlib import Path
from typing import Any

import pytest

from infra.model import Environment
from infra.policy.budgets import SECONDS_A_DAY
from tests.factories import policy
from tests.policy_edits import refusal

OVER = {
    "below": "ERROR",
    "keep_percent": {"sandbox": 1, "dev": 1, "staging": 1, "prod": 1},
    "reason": "to save a little money",
}
EVENTS = {"sandbox": 1, "dev": 1, "staging": 1, "prod": 1}
REFUSED: dict[str, tuple[str, Any, str]] = {
    "a class without budget": ("classes.access", KeyError, "classes.access: the class has no budget. Allowed: a budget"),
    "an unknown class": ("classes.auditt", policy().budgets.classes["audit"].model_dump(mode="json"), "classes.auditt: unknown class auditt. Allowed: audit, security"),
    "sampling audit over budget": ("classes.audit.over_budget", OVER, "classes.audit.over_budget: audit records are never sampled, over budget either. Allowed: none"),
    "sampling security over budget": ("classes.security.over_budget", OVER, "classes.security.over_budget: security records are never sampled"),
    "a Datadog limit that blinds": ("classes.audit.datadog_daily_events", EVENTS, "classes.audit.datadog_daily_events: Datadog would stop indexing audit records"),
    "sampling of errors": ("classes.access.over_budget.below", "FATAL", "classes.access.over_budget.below: ERROR and above are never sampled. Allowed: ERROR or lower"),
    "an over_budget that thins out nothing": ("classes.access.over_budget.keep_percent.prod", 20, "classes.access.over_budget.keep_percent.prod: would thin out nothing of what access_successes keeps at any time. Allowed: below 20"),
    "services above their class": ("classes.application.services.tinybeans-worker.prod", 4_000_000_000, "classes.application.services: the services of prod may send 9000000000 bytes a day, more than their class. Allowed: a sum of at most daily_bytes.prod (8000000000)"),
    "a Datadog limit above the budget": ("classes.application.datadog_daily_events.prod", 8_888_889, "classes.application.datadog_daily_events.prod: Datadog would index more than the class's budget. Allowed: at most 8888888 (daily_bytes.prod / record_bytes)"),
    "a warning that Datadog refuses": ("datadog.warning_percent", 49, "datadog.warning_percent: Input should be greater than or equal to 50"),
    "a limit for a service without budget": ("rate_limits.tinybeans-cron", {"records_per_second": EVENTS, "burst_seconds": 1, "reason": "one that nobody knows"}, "rate_limits.tinybeans-cron: no class that may be thinned out has a budget for this service. Allowed: tinybeans-frontend, tinybeans-web, tinybeans-worker"),
    "a limit below a usual day": ("rate_limits.tinybeans-worker.records_per_second.prod", 38, "rate_limits.tinybeans-worker.records_per_second.prod: below the service's own budget, so that a usual day is thinned out. Allowed: at least 39"),
    "a limit that protects nothing": ("rate_limits.tinybeans-worker.records_per_second.prod", 300, "rate_limits.tinybeans-worker.records_per_second.prod: a day of it is more than all classes share, so that it protects nothing. Allowed: at most 281"),
    "less for all sinks than for AWS": ("money.all_monthly.prod", 100, "money.all_monthly.prod: all sinks together may cost less than AWS alone. Allowed: at least aws_monthly.prod (900)"),
    "a notification that stands twice": ("money.notify", [{"of": "ACTUAL", "at_percent": 50}] * 2, "money.notify: one notification stands twice"),
    "more notifications than AWS takes": ("money.notify", [{"of": "ACTUAL", "at_percent": n} for n in range(1, 12)], "money.notify: Tuple should have at most 10"),
    "an environment left out": ("classes.audit.daily_bytes.prod", KeyError, "classes.audit.daily_bytes.prod: required key is missing"),
    "a volume of nothing": ("classes.audit.daily_bytes.prod", 0, "classes.audit.daily_bytes.prod: Input should be greater than or equal to 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_budgets_refuse(case: str, tmp_path: Path) -> None:
    path, value, said = REFUSED[case]
    message = refusal(tmp_path, "budgets.yaml", path, value)
    assert f"policy/budgets.yaml: {said}" in message


def test_what_is_never_sampled_has_no_limit_of_any_kind() -> None:
    found, classes = policy(), policy().data_classes
    assert set(classes.never_sampled) == {"audit", "security"}
    assert not set(found.budgets.limited) & set(classes.never_sampled)
    for name in classes.never_sampled:
        assert found.budgets.classes[name].datadog_daily_events is None


@pytest.mark.parametrize("environment", Environment)
def test_a_day_at_every_limit_is_no_more_than_twice_what_the_classes_share(environment: Environment) -> None:
    budgets = policy().budgets
    shared = sum(
        budgets.classes[name].daily_bytes.at(environment) / budgets.classes[name].record_bytes
        for name in budgets.limited
    )
    together = sum(item.records_per_second.at(environment) for item in budgets.rate_limits.values()) * SECONDS_A_DAY
    assert 0 < together <= 2 * shared


def test_the_budget_of_a_service_is_told_by_class() -> None:
    assert policy().budgets.service_daily_bytes("tinybeans-worker", Environment.PROD) == {
        "audit": 100_000_000,
        "security": 100_000_000,
        "application": 3_000_000_000,
    }
