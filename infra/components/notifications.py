"""Where alerts go: a topic for each audience, and who hears of it."""

import json
import re
import typing
from collections.abc import Mapping, Set

import pulumi
import pulumi_aws as aws

from infra.components.customer_key import customer_key
from infra.context import Context
from infra.documents.audiences import Audience
from infra.documents.key_policy import duties_of, service_key_policy
from infra.documents.notification_policy import Publisher, Sources, key_use, topic_policy
from infra.settings_alerting import Recipient

SIGNED_WITH_SHA256 = 2
"""Signature version of the messages (SNS Developer Guide, "Verifying the signatures")."""


@typing.final
class Notifications(pulumi.ComponentResource):
    """Creates an SNS topic for each audience of `publishers`, its policy and its subscriptions, and the one KMS key with
    its alias that encrypts all of them.

    Grants each topic's publishers, and nobody else, the right to publish to it and to encrypt with the key, each in the
    name of this account's own alarms, budgets or anomalies where its service says whose. Mailboxes have to confirm
    their subscription; a webhook's URL is in `webhooks` (a secret) or, where it is not, subscribed by an operator.

    Topics are by audience rather than one with filters: neither alarms, EventBridge rules nor budgets can set the
    message attributes that a subscription's filter would look at.
    """

    topic_arns: dict[Audience, str]
    """ARN by audience; names are fixed, so they are known before anything exists."""
    policies: list[pulumi.Resource]
    """What has to exist before anybody publishes."""

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        publishers: Mapping[Audience, Set[Publisher]],
        webhooks: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:Notifications", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        tags = context.tags(name)
        sources = sources_of(context)
        self.topic_arns = {audience: topic_arn(context, audience) for audience in publishers}
        self.policies = []
        self.key = customer_key(
            name,
            context=context,
            lifetime=context.policy.data_classes.service_keys,
            description=f"Alerts on their way to people in {context.environment}",
            policy=pulumi.Output.from_input(
                service_key_policy(duties_of(context), *key_use(frozenset().union(*publishers.values()), sources))
            ),
            alias=name,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
        )
        for audience, allowed in publishers.items():
            topic = aws.sns.Topic(
                f"{name}-{audience}-topic",
                name=topic_name(context, audience),
                display_name=f"{audience} ({context.environment})"[:100],
                kms_master_key_id=self.key.arn,
                signature_version=SIGNED_WITH_SHA256,
                tags=tags,
                opts=child,
            )
            self.policies.append(
                aws.sns.TopicPolicy(
                    f"{name}-{audience}-policy",
                    arn=topic.arn,
                    policy=json.dumps(topic_policy(self.topic_arns[audience], allowed, sources)),
                    opts=child,
                )
            )
            for recipient in recipients(context, audience):
                address = recipient.email or webhooks.get(recipient.webhook or "")
                if address is not None:
                    aws.sns.TopicSubscription(
                        f"{name}-{audience}-{_slug(recipient)}",
                        topic=topic.arn,
                        protocol="email" if recipient.email else "https",
                        endpoint=address,
                        endpoint_auto_confirms=None if recipient.email else True,
                        opts=child,
                    )
        self.outputs = {
            "alert_topics": {str(audience): arn for audience, arn in self.topic_arns.items()},
            "alert_webhooks": _for_operators(context, self.topic_arns, webhooks),
        }
        """What a person needs: the topics, and those that an operator has to subscribe each webhook to."""
        self.register_outputs({"topic_arns": list(self.topic_arns.values())})


def sources_of(context: Context) -> Sources:
    """Return in whose name the stack's topics may be published to."""
    return Sources(
        account_id=context.account_id,
        alarms=context.arn("cloudwatch", f"alarm:{context.name('*')}"),
        budgets=context.global_arn("budgets", "*"),
    )


def topic_name(context: Context, audience: Audience) -> str:
    """Return the name of an audience's topic."""
    return context.name("alerts", str(audience))


def topic_arn(context: Context, audience: Audience) -> str:
    """Return the ARN of an audience's topic."""
    return context.arn("sns", topic_name(context, audience))


def recipients(context: Context, audience: Audience) -> tuple[Recipient, ...]:
    """Return who hears of what goes to an audience, each once."""
    known = context.settings.alerting.recipients
    return tuple(dict.fromkeys(item for team in audience.teams for item in known[team].at(audience.severity)))


def _for_operators(
    context: Context, topics: Mapping[Audience, str], known: Mapping[str, object]
) -> dict[str, list[str]]:
    """Return webhook's name to the topics that it has to be subscribed to by hand, for those whose URL is not known."""
    return {
        name: [
            arn
            for audience, arn in topics.items()
            if any(item.webhook == name for item in recipients(context, audience))
        ]
        for name in context.settings.alerting.webhooks()
        if name not in known
    }


def _slug(recipient: Recipient) -> str:
    """Return the address as part of a resource's name; a webhook's is its name, never its URL."""
    return re.sub(r"[^a-z0-9]+", "-", (recipient.email or recipient.webhook or "").lower())
