"""What EventBridge looks for among the calls that CloudTrail records, and how it puts them to people. Pure.

Sources: Amazon EventBridge User Guide, "Creating event patterns", "AWS service events delivered via AWS CloudTrail" and
"Input transformation"; CloudTrail User Guide, "CloudTrail record contents".
"""

import json
from collections.abc import Sequence
from typing import Any

from infra.policy.alerts.elsewhere import ApiCalls, EventCondition

CLOUDTRAIL = "AWS API Call via CloudTrail"
ALL_EVENTS, EVENTS = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", "ENABLED"
"""States of a rule: only the first gets calls that read (PutRule, State)."""
MAX_DESCRIPTION = 512
"""Characters of a rule's description (PutRule)."""
KMS = "kms"


def event_pattern(condition: EventCondition, key_arns: Sequence[str]) -> dict[str, Any]:
    """Return the pattern of the calls that `condition` names, where they succeeded.

    Calls of KMS count where they concern one of `key_arns`; what happens to other keys of the account is others' to
    watch. Calls of every other service count account-wide.
    """
    return {
        "source": sorted({f"aws.{calls.service}" for calls in condition.any_of}),
        "detail-type": [CLOUDTRAIL],
        "detail": {
            # Refused calls changed and showed nothing.
            "errorCode": [{"exists": False}],
            "$or": [_calls(calls, key_arns) for calls in condition.any_of],
        },
    }


def rule_state(condition: EventCondition) -> str:
    """Return the state in which a rule gets the calls that `condition` names."""
    return ALL_EVENTS if any(calls.read_only for calls in condition.any_of) else EVENTS


def rule_description(summary: str, needs: str, trail_arn: str | None) -> str:
    """Return what a rule is for and what it cannot do without, cut to what AWS takes."""
    trail = f"Recorded by {trail_arn}." if trail_arn else "No trail is named in the settings: nothing may be recorded."
    return f"{summary} {needs} {trail}"[:MAX_DESCRIPTION]


def told(alert: str, summary: str, runbook: str) -> tuple[dict[str, str], str]:
    """Return the paths and the template that turn an event into a message: who called what from where, and the runbook.

    Nothing of the request itself is told: a query's text may hold what it looked for.
    """
    paths = {
        "who": "$.detail.userIdentity.arn",
        "call": "$.detail.eventName",
        "service": "$.detail.eventSource",
        "address": "$.detail.sourceIPAddress",
        "time": "$.time",
        "event": "$.detail.eventID",
        "account": "$.account",
        "region": "$.region",
    }
    lines = [
        f"{alert}: {summary}",
        "<who> called <call> of <service> from <address> at <time> (account <account>, <region>).",
        "CloudTrail event <event>.",
        f"What to do: {runbook}",
    ]
    return paths, "\n".join(json.dumps(line) for line in lines)


def _calls(calls: ApiCalls, key_arns: Sequence[str]) -> dict[str, Any]:
    parameters = {
        **({calls.without_parameter: [{"exists": False}]} if calls.without_parameter else {}),
        **{name: _values(value) for name, value in calls.with_parameter.items()},
    }
    return {
        "eventSource": [f"{calls.service}.amazonaws.com"],
        "eventName": sorted(calls.calls),
        **({"requestParameters": parameters} if parameters else {}),
        **({"resources": {"ARN": sorted(key_arns)}} if calls.service == KMS else {}),
    }


def _values(value: str) -> list[Any]:
    """Return what a request parameter may be to be `value`: CloudTrail writes booleans as such, or as text."""
    if value in ("true", "false"):
        return [value == "true", value]
    return [{"wildcard": value}] if "*" in value else [value]
