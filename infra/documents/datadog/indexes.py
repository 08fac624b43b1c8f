"""One index for each class: what is searchable, for how long, and how many events a day."""

from typing import Any

from infra.context import Context
from infra.documents.datadog.scope import classes, of_class
from infra.policy.budgets import Budgets
from infra.policy.datadog import DatadogClass, Exclusion

FAULTS = "status:(error OR critical OR alert OR emergency)"
"""Records of ERROR and above at Datadog (Datadog docs, "Log status remapper")."""


def index_name(context: Context, cls: str) -> str:
    """Return the name of a class's index: lower-case letters, digits and hyphens (Datadog docs, "Indexes")."""
    return context.name(cls) + context.settings.datadog.index_suffix


def indexes(context: Context) -> dict[str, dict[str, Any]]:
    """Return each class with its index, as the Logs Indexes API (v1) takes it."""
    return {name: _index(context, name, cls.datadog) for name, cls in classes(context).items() if cls.datadog}


def _index(context: Context, cls: str, at_datadog: DatadogClass) -> dict[str, Any]:
    environment = context.settings.environment
    return {
        "name": index_name(context, cls),
        "filter": {"query": of_class(context, cls)},
        "num_retention_days": at_datadog.retention_days.at(environment),
        "exclusion_filters": [
            _exclusion(item, item.exclude_percent.at(environment))
            for item in at_datadog.exclusions
            if item.exclude_percent.at(environment) > 0
        ],
        "tags": [f"env:{context.environment}", f"data_class:{cls}", "managed_by:pulumi"],
        **_limit(context.policy.budgets, cls, context),
    }


def _exclusion(exclusion: Exclusion, percent: float) -> dict[str, Any]:
    return {
        "name": exclusion.name,
        "is_enabled": True,
        # The share that is left out, not the share that is kept (LogsExclusionFilter, sample_rate).
        "filter": {"query": f"({exclusion.query}) -{FAULTS}", "sample_rate": percent / 100},
    }


def _limit(budgets: Budgets, cls: str, context: Context) -> dict[str, Any]:
    limit = budgets.classes[cls].datadog_daily_events if cls in budgets.classes else None
    if limit is None:
        return {}
    return {
        "daily_limit": limit.at(context.settings.environment),
        "daily_limit_reset": {"reset_time": budgets.datadog.resets_at, "reset_utc_offset": budgets.datadog.utc_offset},
        "daily_limit_warning_threshold_percentage": budgets.datadog.warning_percent,
    }
