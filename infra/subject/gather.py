"""Every record about one person, each once, from CloudWatch Logs and both forms of the archives."""

import contextlib
import datetime
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from infra.archive.errors import ArchiveError
from infra.archive.objects import ArchiveObject, collected, exported
from infra.archive.records import ArchivedRecord, records
from infra.archive.window import Window
from infra.context import Context
from infra.subject.errors import SubjectError
from infra.subject.hot import hot
from infra.subject.identity import Matcher
from infra.subject.met import Met

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

REFUSED = ("AccessDenied", "KMS", "Forbidden", "403")
"""What stands in S3's and CloudWatch's codes when a permission is missing, which somebody has to mend first."""
HOT = "cloudwatch"


@dataclass
class Seen:
    """What was looked at."""

    looked_at: Counter[str] = field(default_factory=Counter)
    """Records by class and place."""
    objects: int = 0
    bytes: int = 0
    """Of archived objects, as stored."""
    found: Counter[str] = field(default_factory=Counter)
    """Records of the subject by `class/day/event`."""
    by_place: Counter[str] = field(default_factory=Counter)
    doubles: int = 0
    """Records of the subject that were met again in another place."""
    by_reason: Counter[str] = field(default_factory=Counter)
    unreadable: list[dict[str, str]] = field(default_factory=list)
    """What could not be read, and why."""


@dataclass(frozen=True)
class Found:
    """One record of the subject and why it is one."""

    cls: str
    place: str
    record: ArchivedRecord
    why: frozenset[str]

    def document(self) -> dict[str, Any]:
        """Return the record as it is handed over."""
        record = self.record
        instant = datetime.datetime.fromtimestamp(record.time_ns // 1_000_000_000, datetime.UTC)
        return {
            "time": f"{instant:%Y-%m-%dT%H:%M:%S}.{record.time_ns % 1_000_000_000:09d}Z",
            "class": self.cls,
            "uid": record.uid,
            "event": record.event_name or str(record.attributes.get("event", "")),
            "severity": record.severity_text,
            "body": record.body,
            "attributes": record.attributes,
            "resource": record.resource,
            "trace_id": record.trace_id,
            "span_id": record.span_id,
            "found_by": sorted(self.why),
            "found_in": self.place,
        }


@dataclass(frozen=True)
class Sources:
    """Where records are read."""

    logs: "CloudWatchLogsClient"
    s3: "S3Client"
    context: Context
    window: Window

    def objects(self, cls: str) -> Iterator[ArchiveObject]:
        """Yield the objects of a class that can hold records of the window."""
        bucket = self.context.archive_bucket(cls)
        late = datetime.timedelta(hours=self.context.policy.data_classes.search.late_hours)
        yield from collected(self.s3, bucket, self.window, late=late)
        yield from exported(self.s3, bucket, self.window)


def gather(
    sources: Sources, matcher: Matcher, seen: Seen, tick: Callable[[str], None] = lambda _: None
) -> Iterator[Found]:
    """Yield each record about the subject once; `seen` says afterwards what was looked at and what was not.

    Holds a record at a time; which were found is kept in a file without a name. Raises SubjectError where a permission
    is missing; what else cannot be read is written down in `seen`.
    """
    with contextlib.closing(Met()) as met:
        yield from _gathered(sources, matcher, seen, met, tick)


def _gathered(sources: Sources, matcher: Matcher, seen: Seen, met: Met, tick: Callable[[str], None]) -> Iterator[Found]:
    for cls in sources.context.policy.data_classes.classes:
        group = sources.context.log_group(cls)
        for place, batch in _batches(sources, cls, group):
            tick(f"{cls}: {place}")
            try:
                for record in batch:
                    seen.looked_at[f"{cls}/{_kind(place)}"] += 1
                    if record.time_ns not in sources.window or not (why := matcher.why(record)):
                        continue
                    if not met.new(_identity(record)):
                        seen.doubles += 1
                        continue
                    found = Found(cls, place, record, why)
                    _count(seen, found)
                    yield found
            except ArchiveError as error:
                refused(error)
                seen.unreadable.append({"class": cls, "where": place, "why": str(error)})
            else:
                if place != HOT:
                    seen.objects += 1


def _batches(sources: Sources, cls: str, group: str) -> Iterator[tuple[str, Iterator[ArchivedRecord]]]:
    yield HOT, hot(sources.logs, group, sources.window)
    try:
        for item in sources.objects(cls):
            yield f"s3://{item.bucket}/{item.key}", records(sources.s3, item)
    except ArchiveError as error:
        raise SubjectError(f"{error}: nothing was handed over, for it would not be whole") from None


def refused(error: ArchiveError) -> None:
    """Raise SubjectError where `error` says that a permission is missing."""
    if any(code in error.wrong for code in REFUSED):
        raise SubjectError(f"{error}: a permission is missing, and nothing is left half done") from None


def _identity(record: ArchivedRecord) -> bytes:
    if record.uid:
        return hashlib.blake2b(record.uid.encode(), digest_size=16).digest()
    text = json.dumps([record.time_ns // 1_000_000, record.body, record.attributes], sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _kind(place: str) -> str:
    return HOT if place == HOT else "exported" if "/export/" in place else "collected"


def _count(seen: Seen, found: Found) -> None:
    document = found.document()
    seen.found[f"{found.cls}\t{document['time'][:10]}\t{document['event'] or '-'}"] += 1
    seen.by_place[_kind(found.place)] += 1
    seen.by_reason.update(found.why)
