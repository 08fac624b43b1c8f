"""Monitors of what each service sends to Datadog, in bytes a day, against policy/budgets.yaml.

Datadog counts them itself, by service and by the index whose filter a record matches, whether or not it is indexed
(Datadog docs, "Generate Metrics from Ingested Logs", usage metrics). An index belongs to one class of one stack, so a
budget is compared with what it speaks of, and stacks that share an organisation stay apart. The budgets are of bytes as
the collector sends them; Datadog counts a record as JSON, within a tenth or two of its bill.
"""

from typing import Any

from infra.context import Context
from infra.documents.datadog.indexes import index_name
from infra.documents.datadog.message import Told, common
from infra.documents.datadog.scope import classes
from infra.policy.alerts import Alert
from infra.policy.alerts.elsewhere import BudgetCondition

METRIC = "datadog.estimated_usage.logs.ingested_bytes"


def usage_monitors(context: Context, told: Told) -> dict[str, dict[str, Any]]:
    """Return a name for each service with a budget in a class that goes to Datadog, and its monitor.

    None where no alert of policy/alerts.yaml is on volume. Nothing is stopped by them: a budget only tells.
    """
    return {
        f"{name}-{service}": _monitor(context, told, name, service, daily_bytes)
        for name in usage_alerts(context)
        for service, daily_bytes in budgeted(context).items()
    }


def usage_alerts(context: Context) -> dict[str, Alert]:
    """Return the alerts on daily volume, by id: their teams and severity are the usage monitors'."""
    return {
        name: alert
        for name, alert in context.policy.alerts.alerts.items()
        if isinstance(alert.condition, BudgetCondition) and "volume" in alert.condition.budgets
    }


def budgeted(context: Context) -> dict[str, int]:
    """Return each service with the bytes a day that it may send, over the classes that go to Datadog."""
    found: dict[str, int] = {}
    budgets, environment = context.policy.budgets, context.settings.environment
    for cls in classes(context):
        for service, daily in budgets.classes[cls].services.items():
            found[service] = found.get(service, 0) + daily.at(environment)
    return found


def of_indexes(context: Context) -> str:
    """Return the filter of what Datadog counts of this stack's records."""
    return f"datadog_index IN ({', '.join(index_name(context, cls) for cls in classes(context))})"


def _monitor(context: Context, told: Told, name: str, service: str, daily_bytes: int) -> dict[str, Any]:
    alert, percent = context.policy.alerts.alerts[name], context.policy.budgets.datadog.warning_percent
    scope = f"service:{service} AND {of_indexes(context)}"
    return common(
        context,
        told,
        name,
        alert,
        title=f"{service} sends more to Datadog in a day than its budget",
        text=(
            f"The budget of {service} is {daily_bytes:,} bytes a day over all classes (policy/budgets.yaml). "
            "A warning means that most of it is used; nothing is stopped or thinned out by this monitor."
        ),
        type="query alert",
        query=f"sum(last_1d):sum:{METRIC}{{{scope}}}.as_count() > {daily_bytes}",
        thresholds={"critical": float(daily_bytes), "warning": float(int(daily_bytes * percent / 100))},
        on_missing_data="resolve",
        tags=[f"budget:{service}"],
    )
