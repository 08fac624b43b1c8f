"""What tells people about money: a monthly budget and unusual costs. Neither can stop anything."""

import typing
from collections.abc import Sequence
from typing import cast

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.documents.cost_alerts import METRIC, costs_of, monitored, notifications, unusual


@typing.final
class CostAlerts(pulumi.ComponentResource):
    """Creates the stack's monthly cost budget with its notifications, and an anomaly monitor of the project's costs with
    its subscription, all of which publish to one topic. No budget action exists: nothing here stops a log.

    Grants nothing; the topic's policy lets AWS Budgets and Cost Anomaly Detection publish.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        topic_arn: str,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build it; both services try the topic when they are told of it, so they wait for `after`, its policy."""
        super().__init__("tinybeans:logging:CostAlerts", name, {}, opts)
        waiting = pulumi.ResourceOptions(parent=self, depends_on=list(after))
        money, environment = context.policy.budgets.money, context.settings.environment
        tags = context.tags(name)
        aws.budgets.Budget(
            f"{name}-monthly",
            name=context.name(name, "monthly"),
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=f"{money.aws_monthly.at(environment):g}",
            limit_unit=money.currency,
            filter_expression=cast(aws.budgets.BudgetFilterExpressionArgsDict, costs_of(tags)),
            metrics=METRIC,
            notifications=cast(list[aws.budgets.BudgetNotificationArgsDict], notifications(money, topic_arn)),
            tags=tags,
            opts=waiting,
        )
        monitor = aws.costexplorer.AnomalyMonitor(
            f"{name}-monitor",
            name=context.name(name),
            monitor_type="CUSTOM",
            monitor_specification=monitored(tags),
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.costexplorer.AnomalySubscription(
            f"{name}-subscription",
            name=context.name(name),
            # The only frequency that takes a topic (Cost Explorer API, AnomalySubscription).
            frequency="IMMEDIATE",
            monitor_arn_lists=[monitor.arn],
            subscribers=[{"type": "SNS", "address": topic_arn}],
            threshold_expression=cast(
                aws.costexplorer.AnomalySubscriptionThresholdExpressionArgsDict,
                unusual(money.anomaly, environment),
            ),
            tags=tags,
            opts=waiting,
        )
        self.register_outputs({})
