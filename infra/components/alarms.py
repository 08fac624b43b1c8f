"""The stack's alarms in CloudWatch, and which of them speaks when many would."""

import typing
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.documents.alarm_plan import Composed, Measured, Service, description, plan
from infra.documents.audiences import Audience, audiences
from infra.policy.alerts import Alert


@typing.final
class Alarms(pulumi.ComponentResource):
    """Creates a metric alarm for each alert of the policy that CloudWatch can evaluate in this stack, once for each class
    where the metric is a class's; a composite alarm for each alert that others are held back by, and one over each
    alert that is held back; and, in stacks without PromQL alarms, the metric filters over the collector's own log.

    Grants nothing. Each alarm that fires tells the topics of the teams that its alert names, and tells them again when
    it is over; an alarm that a composite speaks for tells nobody itself.
    """

    unwatched: tuple[str, ...]
    """Alerts that nothing in CloudWatch evaluates in this stack."""

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        topic_arns: Mapping[Audience, str],
        cluster_name: pulumi.Input[str],
        service_name: pulumi.Input[str],
        own_log_group: pulumi.Input[str],
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build them; they wait for `after`, the policies of the topics that they tell."""
        super().__init__("tinybeans:logging:Alarms", name, {}, opts)
        self._name, self._context, self._topic_arns = name, context, topic_arns
        self._child = pulumi.ResourceOptions(parent=self, depends_on=list(after))
        self._alerts = context.policy.alerts.every()
        planned = plan(context, Service(cluster_name, service_name))
        for source in planned.filters:
            aws.cloudwatch.LogMetricFilter(
                f"{name}-{source.metric}-filter",
                name=context.name(source.metric),
                log_group_name=own_log_group,
                pattern=source.pattern,
                metric_transformation=aws.cloudwatch.LogMetricFilterMetricTransformationArgs(
                    name=source.metric, namespace=source.namespace, value=source.value
                ),
                opts=self._child,
            )
        measured = {item.id: self._measured(item, tells=item.id not in planned.silent) for item in planned.measured}
        composed: dict[str, aws.cloudwatch.CompositeAlarm] = {}
        for item in planned.composed:
            composed[item.alert] = self._composed(item, measured, composed)
        self.unwatched = planned.unwatched
        self.register_outputs({"unwatched": list(self.unwatched)})

    def _measured(self, item: Measured, *, tells: bool) -> aws.cloudwatch.MetricAlarm:
        alert = self._alerts[item.alert]
        return aws.cloudwatch.MetricAlarm(
            f"{self._name}-{item.id}",
            # A composite alarm may bear the alert's own name.
            name=self._context.name(item.id if tells else f"{item.id}-measured"),
            tags=self._context.tags(self._name),
            **_said(alert, self._runbook(item.alert), self._tells(alert) if tells else None),
            **item.body,
            opts=self._child,
        )

    def _composed(
        self,
        item: Composed,
        measured: Mapping[str, aws.cloudwatch.MetricAlarm],
        composed: Mapping[str, aws.cloudwatch.CompositeAlarm],
    ) -> aws.cloudwatch.CompositeAlarm:
        alert = self._alerts[item.alert]
        rule = pulumi.Output.all(*(measured[id_].name for id_ in item.of)).apply(
            lambda names: " OR ".join(f'ALARM("{each}")' for each in names)
        )
        suppressor = None
        if item.suppressed_by is not None:
            suppressor = aws.cloudwatch.CompositeAlarmActionsSuppressorArgs(
                alarm=composed[item.suppressed_by].arn,
                wait_period=item.wait_seconds,
                extension_period=item.extension_seconds,
            )
        return aws.cloudwatch.CompositeAlarm(
            f"{self._name}-{item.alert}-composite",
            alarm_name=self._context.name(item.alert),
            alarm_rule=rule,
            actions_suppressor=suppressor,
            tags=self._context.tags(self._name),
            **_said(alert, self._runbook(item.alert), self._tells(alert)),
            opts=self._child,
        )

    def _runbook(self, alert: str) -> str:
        return self._context.settings.alerting.runbook(self._context.policy.alerts.runbook(alert))

    def _tells(self, alert: Alert) -> list[str]:
        return [self._topic_arns[audience] for audience in audiences(alert)]


def _said(alert: Alert, runbook: str, topics: list[str] | None) -> dict[str, Any]:
    """Return the arguments that say what an alarm is about and whom it tells: when it begins and when it is over."""
    tells = {"alarm_actions": topics, "ok_actions": topics} if topics else {}
    return {"alarm_description": description(alert, runbook), "actions_enabled": True, **tells}
