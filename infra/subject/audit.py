"""Who asked about whom, and why, as audit records: the first is written before anything is read.

They are written by PutLogEvents in the shape of the collector's own records, as the announcements of exports are
(infra/export/audit.py). They pass no redaction, so a reason in which a rule of the policy finds something is refused.
"""

import datetime
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from infra.context import Context
from infra.documents.export_assignment import announcing_class
from infra.documents.subject_policy import STREAM
from infra.export import audit
from infra.policy.redaction import Redaction, compiled
from infra.problems import InputError, Problem
from infra.subject.errors import SubjectError

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sts import STSClient

SERVICE = "tinybeans-logging-subject-requests"
SHORTEST_REASON = 10


@dataclass(frozen=True)
class Request:
    """One request about one person."""

    id: str
    kind: str
    """export, erase or erase_dry_run."""
    user: str
    reason: str
    caller: str
    """ARN of who asks, as AWS knows them."""
    window: str
    asked: datetime.datetime


def checked_reason(reason: str, policy: Redaction) -> str:
    """Return `reason`. Raises InputError where it is none, or a rule of the policy would have to redact it."""
    problems = []
    if len(reason.strip()) < SHORTEST_REASON:
        problems.append(
            Problem(
                "command line", "REASON", "says too little", "the case and its legal ground, such as 'DSR-114, GDPR 15'"
            )
        )
    found = [rule.name for rule in policy.rules if rule.pattern and compiled(rule.pattern).search(reason)]
    if found:
        problems.append(
            Problem(
                "command line", "REASON", f"holds what {', '.join(found)} redacts", "a case number, no personal data"
            )
        )
    if problems:
        raise InputError(problems)
    return reason.strip()


def caller(sts: "STSClient") -> str:
    """Return the ARN of who asks. Raises SubjectError where AWS does not know them."""
    try:
        return sts.get_caller_identity()["Arn"]
    except (ClientError, BotoCoreError) as error:
        raise SubjectError(f"nobody is signed in at AWS ({type(error).__name__}): set AWS_PROFILE or sign in") from None


def write(
    logs: "CloudWatchLogsClient", context: Context, request: Request, event: str, said: Mapping[str, str]
) -> None:
    """Write the audit record `audit.subject.<event>` of `request`. Raises SubjectError where it is not taken."""
    group = context.log_group(announcing_class(context))
    now = datetime.datetime.now(datetime.UTC)
    try:
        answer = logs.put_log_events(
            logGroupName=group,
            logStreamName=STREAM,
            logEvents=[
                {"timestamp": int(now.timestamp() * 1000), "message": record(context, request, event, said, now)}
            ],
        )
    except (ClientError, BotoCoreError) as error:
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        raise SubjectError(
            f"the audit record could not be written to {group}, stream {STREAM} ({code}); without it nothing is read. "
            f"It takes logs:PutLogEvents, as the role {context.name('subject-requests')} has it"
        ) from None
    if answer.get("rejectedLogEventsInfo"):
        raise SubjectError(f"{group} rejected the audit record; without it nothing is read")


def record(context: Context, request: Request, event: str, said: Mapping[str, str], now: datetime.datetime) -> str:
    """Return the audit record as one JSON line."""
    return audit.line(
        service=SERVICE,
        environment=context.environment,
        cls=announcing_class(context),
        event=f"audit.subject.{event}",
        uid=str(uuid.uuid4()),
        body=f"{request.kind} about user {request.user}: {event}",
        said={
            "user_id": request.user,
            "subject.request": request.id,
            "subject.kind": request.kind,
            "subject.reason": request.reason,
            "subject.caller": request.caller,
            "subject.window": request.window,
            **said,
        },
        now=now,
    )
