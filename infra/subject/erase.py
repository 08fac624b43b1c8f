"""Erasure of one person's records: archived objects without a lock are written again without them.

Before an object is replaced, `erasures/` beside it says which bytes take the place of which, so that a verification can
tell an erasure from an alteration; it names the request and no person. What was replaced is removed at once where the
bucket's policy lets it, else by the lifecycle after replaced_versions_keep_days.
"""

import datetime
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.archive.errors import ArchiveError
from infra.archive.objects import ArchiveObject
from infra.archive.records import records
from infra.context import Context
from infra.subject.audit import Request
from infra.subject.errors import SubjectError
from infra.subject.gather import Sources, refused
from infra.subject.hot import hot
from infra.subject.identity import Matcher
from infra.subject.locks import lock
from infra.subject.rewrite import Rewritten, stored_sha256, without

PREFIX = "erasures/"
GONE_AFTER_DAYS = 3
"""CloudWatch Logs typically takes up to 72 hours to remove an expired event (PutRetentionPolicy, API reference)."""


@dataclass
class Outcome:
    """What became of the records of one class. Dates are days (UTC)."""

    cls: str
    hot_records: int = 0
    hot_until: datetime.date | None = None
    """When the last of them expires."""
    erased: list[dict[str, Any]] = field(default_factory=list)
    """Objects that were, or in a dry run would be, written again, and what became of the version before."""
    retained: list[dict[str, Any]] = field(default_factory=list)
    """Objects that stay, why, and until when."""


def erase(
    sources: Sources,
    matcher: Matcher,
    request: Request,
    outcomes: list[Outcome],
    *,
    execute: bool,
    tick: Callable[[str], None] = lambda _: None,
) -> None:
    """Erase what can be erased, or with `execute` off only find it, and add to `outcomes` what became of each class.

    Raises SubjectError where it cannot be carried out to its end: `outcomes` then says what was done until there, and
    each object is either as it was or whole without the records.
    """
    for cls in sources.context.policy.data_classes.classes:
        outcome = Outcome(cls)
        outcomes.append(outcome)
        try:
            tick(f"{cls}: CloudWatch")
            _hot(sources, matcher, outcome)
            for item in list(sources.objects(cls)):
                tick(f"{cls}: s3://{item.bucket}/{item.key}")
                _object(sources, matcher, request, item, outcome, execute=execute)
        except ArchiveError as error:
            refused(error)
            raise SubjectError(f"{error}: the erasure is not complete; run it again once that can be read") from None


def _hot(sources: Sources, matcher: Matcher, outcome: Outcome) -> None:
    last = 0
    for record in hot(sources.logs, sources.context.log_group(outcome.cls), sources.window):
        if matcher.why(record):
            outcome.hot_records += 1
            last = max(last, record.time_ns)
    if outcome.hot_records:
        context = sources.context
        days = context.policy.data_classes.classes[outcome.cls].hot_retention_days.at(context.settings.environment)
        newest = datetime.datetime.fromtimestamp(last / 1e9, datetime.UTC)
        outcome.hot_until = newest.date() + datetime.timedelta(days=days + GONE_AFTER_DAYS)


def _object(
    sources: Sources, matcher: Matcher, request: Request, item: ArchiveObject, outcome: Outcome, *, execute: bool
) -> None:
    archive = _archive(sources.context, outcome.cls)
    expires = item.written.date() + datetime.timedelta(days=archive.keep_days + 1)
    entry: dict[str, Any] = {"object": f"s3://{item.bucket}/{item.key}"}
    try:
        numbers = frozenset(
            found.number
            for found in records(sources.s3, item)
            if found.time_ns in sources.window and matcher.why(found)
        )
        if not numbers:
            return
        entry["records"] = len(numbers)
        version, locked = lock(sources.s3, item, archive, request.asked)
        if locked is not None:
            until = locked.until.date().isoformat() if locked.until else "the hold is lifted"
            entry |= {"why": f"Object Lock {locked.mode}", "locked_until": until, "expires": expires.isoformat()}
            outcome.retained.append(entry)
            return
        entry["replaced_version"] = ""
        if execute:
            entry |= _replace(sources, request, item, version, numbers, archive.replaced_versions_keep_days)
        outcome.erased.append(entry)
    except ArchiveError as error:
        refused(error)
        outcome.retained.append({**entry, "why": error.wrong, "expires": expires.isoformat()})


def _replace(
    sources: Sources, request: Request, item: ArchiveObject, version: str, numbers: frozenset[int], keep_days: int
) -> dict[str, Any]:
    """Write `item` again without these records, remove what was replaced, and return what is said about it."""
    made = without(sources.s3, item, numbers)
    with made.body:
        try:
            _announce(sources, request, item, version, made, len(numbers))
            put = sources.s3.put_object(
                Bucket=item.bucket, Key=item.key, Body=made.body, Metadata={"erasure": request.id}
            )
        except (ClientError, BotoCoreError) as error:
            raise SubjectError(
                f"s3://{item.bucket}/{item.key} could not be written again ({_code(error)}), and is as it was; it takes "
                "s3:PutObject there and in the bucket's policy (docs/adr/0026-subject-requests.md)"
            ) from None
    if stored_sha256(sources.s3, item) != made.sha256:
        raise SubjectError(f"s3://{item.bucket}/{item.key} is not what was written; its earlier version is {version}")
    said: dict[str, Any] = {"sha256": made.sha256, "was_sha256": made.was_sha256}
    if put.get("VersionId", "null") == "null":
        return {**said, "replaced_version": "gone"}
    try:
        sources.s3.delete_object(Bucket=item.bucket, Key=item.key, VersionId=version)
    except (ClientError, BotoCoreError) as error:
        gone = request.asked.date() + datetime.timedelta(days=keep_days + 1)
        return {**said, "replaced_version": f"removed by the lifecycle on {gone.isoformat()} ({_code(error)})"}
    return {**said, "replaced_version": "gone"}


def _announce(
    sources: Sources, request: Request, item: ArchiveObject, version: str, made: Rewritten, count: int
) -> None:
    name = hashlib.sha256(item.key.encode()).hexdigest()[:32]
    document = {
        "version": 1,
        "request": request.id,
        "key": item.key,
        "was_version": version,
        "was_sha256": made.was_sha256,
        "sha256": made.sha256,
        "records_removed": count,
        "asked_at": request.asked.isoformat(timespec="seconds"),
    }
    sources.s3.put_object(
        Bucket=item.bucket,
        Key=f"{PREFIX}{request.id}/{name}.json",
        Body=json.dumps(document, indent=1, sort_keys=True).encode(),
    )


def _archive(context: Context, cls: str) -> Any:
    return context.policy.data_classes.classes[cls].archive.at(context.settings.environment)


def _code(error: ClientError | BotoCoreError) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
