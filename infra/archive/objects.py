"""The objects of one class's archive bucket that can hold records of a window, and their bytes, piece by piece.

The collector writes `otlp/year=/month=/day=/hour=/logs_<uuid>.json.gz`, by the hour (UTC) of the upload: keys are in
the order of time, and a record lies in the hour in which it came or in a later one. CloudWatch's export lies under
`export/`, below the day (UTC) of its events, a directory a log stream.
"""

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.archive.errors import ArchiveError, with_next_step
from infra.archive.text_stream import PIECE_BYTES, unpacked
from infra.archive.window import Window

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COLLECTED_PREFIX = "otlp/year="
"""What the collector archives of a class. Records in quarantine lie under otlp/quarantine/ and are not listed here."""
EXPORTED_PREFIX = "export/"
QUARANTINE_STREAM = "quarantine"
"""Log stream of withheld records; its export holds nothing that could be read."""
LATE = datetime.timedelta(days=2)
"""How long after its event a record's upload is looked for, unless told otherwise: prod's queues and spills hold 15
hours of an outage, and a client holds on to what was refused meanwhile."""
EARLY = datetime.timedelta(hours=2)
"""How far a record's clock may run ahead of its upload: what CloudWatch takes (PutLogEvents, API reference)."""
_HOUR = re.compile(r"/?year=(\d{4})/month=(\d{2})/day=(\d{2})/hour=(\d{2})/")
_DAY = re.compile(r"/(\d{4})[-/](\d{2})[-/](\d{2})/")
_MISSING = ("NoSuchKey", "404")


class Form(StrEnum):
    """Who wrote an object, and so how its records are written."""

    COLLECTED = "collected"
    EXPORTED = "exported"


@dataclass(frozen=True, slots=True)
class ArchiveObject:
    """One object, as a listing shows it."""

    bucket: str
    key: str
    form: Form
    size_bytes: int
    """As stored, packed."""
    written: datetime.datetime
    storage_class: str

    @property
    def day(self) -> datetime.date:
        """Return the day (UTC) in its key: of the upload, or of the exported events; else the day it was written."""
        found = _DAY.search(self.key) if self.form is Form.EXPORTED else _HOUR.search(self.key)
        return datetime.date(*map(int, found.groups()[:3])) if found else self.written.date()


def collected(
    s3: "S3Client", bucket: str, window: Window, *, late: datetime.timedelta = LATE, after: str = ""
) -> Iterator[ArchiveObject]:
    """Yield what the collector uploaded from EARLY before `window` to `late` after it, in order of upload.

    `after` leaves out what was listed before, up to and including that key. Raises ArchiveError where the bucket
    cannot be listed.
    """
    first, last = window.start - EARLY, window.end + late
    begin = f"otlp/year={first:%Y}/month={first:%m}/day={first:%d}/hour={first:%H}/"
    end = f"otlp/year={last:%Y}/month={last:%m}/day={last:%d}/hour={last:%H}/\x7f"
    for item in _listed(s3, bucket, COLLECTED_PREFIX, max(begin, after)):
        if item["Key"] > end:
            return
        yield _object(bucket, item, Form.COLLECTED)


def exported(s3: "S3Client", bucket: str, window: Window, *, after: str = "") -> Iterator[ArchiveObject]:
    """Yield what CloudWatch exported of the days that `window` touches, in order of key, withheld records left out.

    `after` leaves out what was listed before, up to and including that key. Raises ArchiveError where the bucket
    cannot be listed.
    """
    first, last = window.start.date(), (window.end - datetime.timedelta(microseconds=1)).date()
    for item in _listed(s3, bucket, EXPORTED_PREFIX, after):
        found = _object(bucket, item, Form.EXPORTED)
        stream = found.key.rsplit("/", 2)[-2]
        if found.key.endswith(".gz") and stream != QUARANTINE_STREAM and first <= found.day <= last:
            yield found


def pieces(s3: "S3Client", item: ArchiveObject) -> Iterator[bytes]:
    """Yield the object's bytes, unpacked, without ever holding more than a piece of it.

    Raises ArchiveError where it cannot be read, is cut short, or is in a storage class that is not readable at once.
    """
    try:
        body = s3.get_object(Bucket=item.bucket, Key=item.key)["Body"]
        yield from unpacked(body.iter_chunks(PIECE_BYTES), item.bucket, item.key)
    except ClientError as error:
        raise ArchiveError(item.bucket, item.key, _refusal(error, item)) from None
    except BotoCoreError as error:
        raise ArchiveError(item.bucket, item.key, f"reading it broke off ({type(error).__name__})") from None


def _listed(s3: "S3Client", bucket: str, prefix: str, after: str) -> Iterator[Any]:
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, StartAfter=after)
        for page in pages:
            yield from page.get("Contents", [])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise ArchiveError(bucket, prefix, with_next_step("cannot be listed", code)) from None
    except BotoCoreError as error:
        raise ArchiveError(bucket, prefix, with_next_step("cannot be listed", type(error).__name__)) from None


def _object(bucket: str, item: Any, form: Form) -> ArchiveObject:
    return ArchiveObject(
        bucket, item["Key"], form, item["Size"], item["LastModified"], item.get("StorageClass", "STANDARD")
    )


def _refusal(error: ClientError, item: ArchiveObject) -> str:
    code = error.response["Error"]["Code"]
    if code == "InvalidObjectState":
        return f"it is in {item.storage_class} and has to be restored first (aws s3api restore-object)"
    if code in _MISSING:
        return "it is gone since it was listed"
    return with_next_step("cannot be read", code)
