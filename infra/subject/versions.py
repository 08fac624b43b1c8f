"""Every version of an archive's objects that can hold records of a window, with those that readers no longer see."""

import datetime
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from infra.archive.errors import ArchiveError
from infra.archive.objects import COLLECTED_PREFIX, EARLY, EXPORTED_PREFIX, QUARANTINE_STREAM, ArchiveObject, Form
from infra.archive.window import Window

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object, as a listing shows it."""

    id: str
    current: bool
    """Whether a reader who names no version gets it."""
    size_bytes: int
    written: datetime.datetime
    storage_class: str


@dataclass(frozen=True, slots=True)
class Stored:
    """One key with its versions, the newest first; delete markers are none."""

    bucket: str
    key: str
    form: Form
    versions: tuple[Version, ...]

    @property
    def where(self) -> str:
        """Return its address."""
        return f"s3://{self.bucket}/{self.key}"

    def at(self, version: Version) -> ArchiveObject:
        """Return one version as what readers of records read; see AtVersion."""
        return ArchiveObject(
            self.bucket, self.key, self.form, version.size_bytes, version.written, version.storage_class
        )


class AtVersion:
    """S3 as who reads one version of one object sees it."""

    def __init__(self, s3: "S3Client", version: str) -> None:
        self._s3, self._version = s3, version

    def get_object(self, **asked: str) -> Any:
        """Return the version's bytes."""
        return self._s3.get_object(Bucket=asked["Bucket"], Key=asked["Key"], VersionId=self._version)

    @property
    def client(self) -> "S3Client":
        """Return this as what asks for a client and only gets objects."""
        return cast("S3Client", self)


def stored(s3: "S3Client", bucket: str, window: Window, *, late: datetime.timedelta) -> Iterator[Stored]:
    """Yield the keys of both forms that can hold records of `window`, in order of form and key.

    Raises ArchiveError where the bucket cannot be listed.
    """
    first, last = window.start - EARLY, window.end + late
    begin = f"otlp/year={first:%Y}/month={first:%m}/day={first:%d}/hour={first:%H}/"
    end = f"otlp/year={last:%Y}/month={last:%m}/day={last:%d}/hour={last:%H}/\x7f"
    for number in range((last.date() - first.date()).days + 1):
        day = first.date() + datetime.timedelta(days=number)
        for found in _grouped(s3, bucket, f"{COLLECTED_PREFIX}{day:%Y}/month={day:%m}/day={day:%d}/", Form.COLLECTED):
            if begin <= found.key <= end:
                yield found
    days = window.start.date(), (window.end - datetime.timedelta(microseconds=1)).date()
    for found in _grouped(s3, bucket, EXPORTED_PREFIX, Form.EXPORTED):
        withheld = found.key.rsplit("/", 2)[-2] == QUARANTINE_STREAM
        if found.key.endswith(".gz") and not withheld and days[0] <= found.at(found.versions[0]).day <= days[1]:
            yield found


def versions_of(s3: "S3Client", bucket: str, key: str, form: Form) -> Stored:
    """Return one key with its versions, none where there is none. Raises ArchiveError as `stored` does."""
    for found in _grouped(s3, bucket, key, form):
        if found.key == key:
            return found
    return Stored(bucket, key, form, ())


def _grouped(s3: "S3Client", bucket: str, prefix: str, form: Form) -> Iterator[Stored]:
    for key, group in itertools.groupby(_listed(s3, bucket, prefix), lambda item: str(item["Key"])):
        versions = tuple(
            Version(
                item["VersionId"],
                item["IsLatest"],
                item["Size"],
                item["LastModified"],
                item.get("StorageClass", "STANDARD"),
            )
            for item in group
        )
        yield Stored(bucket, key, form, versions)


def _listed(s3: Any, bucket: str, prefix: str) -> Iterator[Any]:
    try:
        behind: dict[str, str] = {}
        while True:
            page = s3.list_object_versions(Bucket=bucket, Prefix=prefix, **behind)
            yield from page.get("Versions", [])
            if not page.get("IsTruncated"):
                return
            behind = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page.get("NextVersionIdMarker", "")}
            behind = {name: marker for name, marker in behind.items() if marker}
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise ArchiveError(bucket, prefix, f"its versions cannot be listed ({code})") from None
    except BotoCoreError as error:
        raise ArchiveError(bucket, prefix, f"its versions cannot be listed ({type(error).__name__})") from None
