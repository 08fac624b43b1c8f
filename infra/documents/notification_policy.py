"""Who may publish to the topics that alerts go to, and who may use the key that encrypts them. Pure.

Sources: Amazon SNS Developer Guide, "Managing encryption keys and costs"; AWS Cost Management User Guide, "Creating an
Amazon SNS topic for budget notifications" and "... for anomaly notifications"; Amazon EventBridge User Guide, "Using
resource-based policies". A condition on a key that a service does not send refuses every message, and nobody is told:
so each publisher has the narrowest condition that its service documents, and no other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Statement = dict[str, Any]


class Publisher(StrEnum):
    """What sends messages, by the name of its service principal."""

    ALARMS = "cloudwatch.amazonaws.com"
    EVENTS = "events.amazonaws.com"
    BUDGETS = "budgets.amazonaws.com"
    COST_ANOMALIES = "costalerts.amazonaws.com"


@dataclass(frozen=True)
class Sources:
    """In whose name the services may publish."""

    account_id: str
    alarms: str
    """Pattern of the ARNs of the stack's alarms."""
    budgets: str
    """Pattern of the ARNs of the account's budgets; the service documents no narrower one."""


def key_use(publishers: Iterable[Publisher], sources: Sources) -> list[Statement]:
    """Return what lets `publishers` encrypt their messages with the key whose policy holds these statements."""
    return [
        _with_condition(
            {
                "Sid": f"{publisher.name.title().replace('_', '')}Encrypt",
                "Effect": "Allow",
                "Principal": {"Service": publisher.value},
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",  # in a key policy: this key
            },
            # SNS encrypts in the publisher's name. EventBridge sends KMS neither aws:SourceArn nor aws:SourceAccount
            # (SNS Developer Guide; awslabs/landing-zone-accelerator-on-aws issue 407: such a condition drops them all).
            _condition(publisher, sources),
        )
        for publisher in sorted(publishers)
    ]


def topic_policy(topic_arn: str, publishers: Iterable[Publisher], sources: Sources) -> dict[str, Any]:
    """Return the policy of one topic: these publishers and nobody else by it, and nothing without TLS.

    People of the account who look after topics do so by their own IAM policies.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            *(
                _with_condition(
                    {
                        "Sid": f"{publisher.name.title().replace('_', '')}Publish",
                        "Effect": "Allow",
                        "Principal": {"Service": publisher.value},
                        "Action": "sns:Publish",
                        "Resource": topic_arn,
                    },
                    _condition(publisher, sources),
                )
                for publisher in sorted(publishers)
            ),
            {
                "Sid": "DenyPlainHttp",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "sns:Publish",
                "Resource": topic_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def undelivered_queue_policy(queue_arn: str, rule_arns: Iterable[str]) -> dict[str, Any]:
    """Return the policy of the queue for events that reached no topic: these rules may write to it, over TLS."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "RulesKeepWhatTheyCannotDeliver",
                "Effect": "Allow",
                "Principal": {"Service": Publisher.EVENTS.value},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": sorted(rule_arns)}},
            },
            {
                "Sid": "DenyPlainHttp",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "sqs:*",
                "Resource": queue_arn,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def _condition(publisher: Publisher, sources: Sources) -> Mapping[str, Any]:
    account = {"StringEquals": {"aws:SourceAccount": sources.account_id}}
    match publisher:
        case Publisher.ALARMS:
            return {**account, "ArnLike": {"aws:SourceArn": sources.alarms}}
        case Publisher.BUDGETS:
            return {**account, "ArnLike": {"aws:SourceArn": sources.budgets}}
        case Publisher.COST_ANOMALIES:
            return account
        case Publisher.EVENTS:
            # No source documents a key that EventBridge sends to SNS; a topic has this statement only where an event
            # alert goes to it.
            return {}


def _with_condition(statement: Statement, condition: Mapping[str, Any]) -> Statement:
    return {**statement, "Condition": dict(condition)} if condition else statement
