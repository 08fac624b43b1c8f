"""Settings of a stack's alerting with something else in them, and the components that follow from them under mocks."""

import functools
import json
from typing import Any

from infra.components.alarms import Alarms
from infra.components.alert_events import AlertEvents
from infra.components.budgets import CostAlerts
from infra.components.dashboard import Dashboards
from infra.components.notifications import Notifications
from infra.context import Context
from infra.documents.audiences import publishers, shared
from tests.engine import Deployment, deploy
from tests.factories import context, in_stack, stack_values

URL = "https://pager.invalid/sentinel-url-91cf"
KEY_ARNS = ("arn:aws:kms:us-east-1:123456789012:key/one", "arn:aws:kms:us-east-1:123456789012:key/two")


def alerting_context(stack: str = "prod", **overrides: Any) -> Context:
    """Return the context of `stack` with other keys in its alerting settings; None removes one."""
    changed = {**json.loads(stack_values(stack)["alerting"]), **overrides}
    return context(stack, alerting={key: value for key, value in changed.items() if value is not None})


def told(here: Context, webhooks: dict[str, str]) -> Notifications:
    """Return every part of a stack that tells people, registered; the collector's names are made up."""
    opts = in_stack()
    notifications = Notifications(
        "notifications", context=here, publishers=publishers(here.policy.alerts), webhooks=webhooks, opts=opts
    )
    service = {"cluster_name": "the-cluster", "service_name": "the-service"}
    Alarms(
        "alarms",
        context=here,
        topic_arns=notifications.topic_arns,
        own_log_group="/tinybeans/prod/collector",
        after=notifications.policies,
        opts=opts,
        **service,
    )
    AlertEvents(
        "alert-events",
        context=here,
        topic_arns=notifications.topic_arns,
        key=notifications.key,
        key_arns=KEY_ARNS,
        after=notifications.policies,
        opts=opts,
    )
    CostAlerts(
        "budget-threatened",
        context=here,
        topic_arn=notifications.topic_arns[shared(here.policy.alerts.alerts["budget-threatened"])],
        after=notifications.policies,
        opts=opts,
    )
    Dashboards("dashboards", context=here, opts=opts, **service)
    return notifications


@functools.cache
def alerting_of(stack: str, *, promql: bool = True) -> Deployment:
    """Return what tells people in `stack`, the webhook's URL known."""
    here = alerting_context(stack, promql_alarms=promql)
    return deploy(lambda: told(here, {"pager": URL}))
