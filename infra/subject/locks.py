"""Until when an archived object can be altered by nobody."""

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from infra.archive.errors import ArchiveError
from infra.archive.objects import ArchiveObject
from infra.policy.archive import ArchiveRetention, LockMode

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Lock:
    """Why an object stays as it is."""

    mode: str
    until: datetime.datetime | None
    """None: until somebody lifts a legal hold."""


def lock(
    s3: "S3Client", item: ArchiveObject, policy: ArchiveRetention, now: datetime.datetime
) -> tuple[str, Lock | None]:
    """Return the current version of `item` and its lock, if it has one now. Raises ArchiveError where it cannot be seen.

    S3 leaves a lock out of its answer for callers who may not see it (HeadObject, API reference): where the policy
    locks the class, an answer without one is taken as locked for the policy's days.
    """
    try:
        head = s3.head_object(Bucket=item.bucket, Key=item.key)
    except ClientError as error:
        raise ArchiveError(
            item.bucket, item.key, f"its lock cannot be seen ({error.response['Error']['Code']})"
        ) from None
    except BotoCoreError as error:
        raise ArchiveError(item.bucket, item.key, f"its lock cannot be seen ({type(error).__name__})") from None
    version = head.get("VersionId", "null")
    if head.get("ObjectLockLegalHoldStatus") == "ON":
        return version, Lock("LEGAL_HOLD", None)
    mode: str | None = head.get("ObjectLockMode")
    until: datetime.datetime | None = head.get("ObjectLockRetainUntilDate")
    if mode is None and policy.object_lock.mode is not LockMode.NONE:
        mode = policy.object_lock.mode.value
        until = item.written + datetime.timedelta(days=policy.object_lock.days or 0)
    if mode is None or until is None or until <= now:
        return version, None
    return version, Lock(mode, until)
