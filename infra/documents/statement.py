"""Statements of IAM policies and of key policies, from what differs between them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

Statement = dict[str, Any]


def allow(
    sid: str, actions: Sequence[str], resources: Sequence[str], equals: Mapping[str, Any] | None = None
) -> Statement:
    """Return the permission of a role's own policy, where all of `equals` (condition key to value) hold."""
    statement: Statement = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return _where(statement, equals)


def deny(sid: str, actions: Sequence[str], resources: Sequence[str]) -> Statement:
    """Return the refusal in a role's own policy."""
    return {"Sid": sid, "Effect": "Deny", "Action": list(actions), "Resource": list(resources)}


def on_this_key(
    sid: str, principal: Mapping[str, Any], actions: Sequence[str], equals: Mapping[str, Any] | None = None
) -> Statement:
    """Return the permission of a key policy, in which `*` is this key."""
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": dict(principal),
        "Action": list(actions),
        "Resource": "*",
    }
    return _where(statement, equals)


def _where(statement: Statement, equals: Mapping[str, Any] | None) -> Statement:
    return {**statement, "Condition": {"StringEquals": dict(equals)}} if equals else statement
