"""Alerts on calls that should have stayed uncalled: rules on what CloudTrail records."""

import functools
import json
import typing
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.documents.alarm_plan import undelivered_queue
from infra.documents.audiences import Audience, audiences
from infra.documents.event_patterns import event_pattern, rule_description, rule_state, told
from infra.documents.notification_policy import undelivered_queue_policy
from infra.policy.alerts import Kind
from infra.policy.alerts.elsewhere import EventCondition

UNDELIVERED_KEPT_SECONDS = 14 * 86_400
"""The longest that SQS keeps a message (SetQueueAttributes, MessageRetentionPeriod)."""


@typing.final
class AlertEvents(pulumi.ComponentResource):
    """Creates an EventBridge rule for each event alert of the policy, with a target for each team that it tells, and one
    encrypted queue that keeps what could not be delivered.

    Grants these rules, and nobody else, the right to write to the queue; the topics' own policies let EventBridge
    publish. The rules see what the account's trail of management events records, and nothing without one.
    """

    queue_arn: str

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        topic_arns: Mapping[Audience, str],
        key: aws.kms.Key,
        key_arns: Sequence[pulumi.Input[str]],
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build them: `key` encrypts the queue, `key_arns` are the keys whose end the stack is told of."""
        super().__init__("tinybeans:logging:AlertEvents", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        alerts = {
            alert_id: (alert, alert.condition)
            for alert_id, alert in context.policy.alerts.alerts.items()
            if alert.kind is Kind.EVENT and isinstance(alert.condition, EventCondition)
        }
        rule_names = {alert_id: context.name(alert_id) for alert_id in alerts}
        queue_name = undelivered_queue(context)
        self.queue_arn = context.arn("sqs", queue_name)
        queue = aws.sqs.Queue(
            f"{name}-undelivered",
            name=queue_name,
            kms_master_key_id=key.arn,
            message_retention_seconds=UNDELIVERED_KEPT_SECONDS,
            tags=context.tags(name),
            opts=child,
        )
        may_write = aws.sqs.QueuePolicy(
            f"{name}-undelivered-policy",
            queue_url=queue.url,
            policy=json.dumps(
                undelivered_queue_policy(
                    self.queue_arn, [context.arn("events", f"rule/{rule}") for rule in rule_names.values()]
                )
            ),
            opts=child,
        )
        settings = context.settings.alerting
        for alert_id, (alert, condition) in alerts.items():
            rule = aws.cloudwatch.EventRule(
                f"{name}-{alert_id}-rule",
                name=rule_names[alert_id],
                description=rule_description(alert.summary, condition.needs, settings.management_trail_arn),
                event_pattern=pulumi.Output.all(*key_arns).apply(functools.partial(_pattern, condition)),
                state=rule_state(condition),
                tags=context.tags(name),
                opts=child,
            )
            runbook = settings.runbook(context.policy.alerts.runbook(alert_id))
            paths, template = told(alert_id, alert.summary, runbook)
            for audience in audiences(alert):
                aws.cloudwatch.EventTarget(
                    f"{name}-{alert_id}-{audience}-target",
                    rule=rule.name,
                    target_id=str(audience),
                    # Without a role: EventBridge publishes to topics by their own policies (User Guide).
                    arn=topic_arns[audience],
                    dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=queue.arn),
                    input_transformer=aws.cloudwatch.EventTargetInputTransformerArgs(
                        input_paths=paths, input_template=template
                    ),
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[may_write, *after]),
                )
        self.register_outputs({"queue_arn": self.queue_arn})


def _pattern(condition: EventCondition, key_arns: Sequence[str]) -> str:
    return json.dumps(event_pattern(condition, key_arns))
