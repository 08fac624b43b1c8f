"""Until when a version of an archived object can be removed by nobody."""

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from infra.archive.errors import ArchiveError
from infra.policy.archive import ArchiveRetention, LockMode
from infra.subject.versions import Stored, Version

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Lock:
    """Why a version stays as it is."""

    mode: str
    until: datetime.datetime | None
    """None: until somebody lifts a legal hold."""

    @property
    def why(self) -> str:
        """Return it as a statement says it."""
        return f"Object Lock {self.mode}"

    @property
    def end(self) -> str:
        """Return the day on which it ends."""
        return self.until.date().isoformat() if self.until else "the hold is lifted"


@dataclass(frozen=True)
class Seen:
    """One version as S3 describes it."""

    etag: str
    lock: Lock | None
    """What holds it now."""


def look(s3: "S3Client", item: Stored, version: Version, policy: ArchiveRetention, now: datetime.datetime) -> Seen:
    """Return what S3 says of a version. Raises ArchiveError where it cannot be seen.

    S3 leaves a lock out of its answer for callers who may not see it (HeadObject, API reference): where the policy
    locks the class, an answer without one is taken as locked for the policy's days.
    """
    try:
        head = s3.head_object(Bucket=item.bucket, Key=item.key, VersionId=version.id)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise ArchiveError(item.bucket, item.key, f"its lock cannot be seen ({code})") from None
    except BotoCoreError as error:
        raise ArchiveError(item.bucket, item.key, f"its lock cannot be seen ({type(error).__name__})") from None
    etag = head.get("ETag", "")
    if head.get("ObjectLockLegalHoldStatus") == "ON":
        return Seen(etag, Lock("LEGAL_HOLD", None))
    mode: str | None = head.get("ObjectLockMode")
    until: datetime.datetime | None = head.get("ObjectLockRetainUntilDate")
    if mode is None and policy.object_lock.mode is not LockMode.NONE:
        mode = policy.object_lock.mode.value
        until = version.written + datetime.timedelta(days=policy.object_lock.days or 0)
    held = mode is not None and until is not None and until > now
    return Seen(etag, Lock(str(mode), until) if held else None)
