"""Whether the budgets keep to the data classes, and the rate limits to the budgets. Pure."""

import math
from collections.abc import Iterator

from infra.model import Environment
from infra.policy.budgets import SECONDS_A_DAY, Budgets
from infra.policy.data_classes import DataClasses
from infra.policy.severity import Severity
from infra.problems import Problem

FILE = "policy/budgets.yaml"
Found = Iterator[tuple[str, str, str]]


def problems_with(budgets: Budgets, classes: DataClasses) -> list[Problem]:
    """Return everything in `budgets` that `classes` do not allow, and every rate limit that protects nothing."""
    found = [*_same_classes(budgets, classes), *_kept_whole(budgets, classes), *_rules(budgets, classes)]
    # Sums over classes mean nothing while a class is missing or sampled that may not be.
    return [Problem(FILE, *item) for item in found or _rate_limits(budgets)]


def _same_classes(budgets: Budgets, classes: DataClasses) -> Found:
    for name in budgets.classes:
        if name not in classes.classes:
            yield f"classes.{name}", f"unknown class {name}", ", ".join(classes.classes)
    for name in classes.classes:
        if name not in budgets.classes:
            yield f"classes.{name}", "the class has no budget", "a budget for each class of data_classes.yaml"


def _kept_whole(budgets: Budgets, classes: DataClasses) -> Found:
    """Yield what would keep a record of a never-sampled class from its readers."""
    for name in classes.never_sampled:
        budget = budgets.classes.get(name)
        if budget and budget.over_budget:
            yield f"classes.{name}.over_budget", f"{name} records are never sampled, over budget either", "none"
        if budget and budget.datadog_daily_events:
            yield (
                f"classes.{name}.datadog_daily_events",
                f"Datadog would stop indexing {name} records in the middle of a day",
                "none",
            )


def _rules(budgets: Budgets, classes: DataClasses) -> Found:
    for name, rule in budgets.limited.items():
        if rule.below.number > Severity.ERROR.number:
            yield f"classes.{name}.over_budget.below", "ERROR and above are never sampled", "ERROR or lower"
        if name not in classes.classes:
            continue
        for own in classes.classes[name].sampling:
            for environment in Environment:
                usual, over = own.keep_percent.at(environment), rule.keep_percent.at(environment)
                if over >= usual:
                    yield (
                        f"classes.{name}.over_budget.keep_percent.{environment}",
                        f"would thin out nothing of what {own.name} keeps at any time",
                        f"below {usual:g}",
                    )


def _rate_limits(budgets: Budgets) -> Found:
    for service, limit in budgets.rate_limits.items():
        for environment in Environment:
            key = f"rate_limits.{service}.records_per_second.{environment}"
            own = {
                name: size
                for name, size in budgets.service_daily_bytes(service, environment).items()
                if name in budgets.limited
            }
            if not own:
                yield (
                    f"rate_limits.{service}",
                    "no class that may be thinned out has a budget for this service",
                    ", ".join(
                        sorted({item for name in budgets.limited for item in budgets.classes[name].services}),
                    )
                    or "a class with over_budget",
                )
                break
            usual = sum(size / budgets.classes[name].record_bytes for name, size in own.items()) / SECONDS_A_DAY
            most = sum(
                budgets.classes[name].daily_bytes.at(environment) / budgets.classes[name].record_bytes
                for name in budgets.limited
            )
            rate = limit.records_per_second.at(environment)
            if rate < usual:
                yield (
                    key,
                    "below the service's own budget, so that a usual day is thinned out",
                    f"at least {math.ceil(usual)}",
                )
            if rate * SECONDS_A_DAY > most:
                yield (
                    key,
                    "a day of it is more than all classes share, so that it protects nothing",
                    f"at most {math.floor(most / SECONDS_A_DAY)}",
                )
