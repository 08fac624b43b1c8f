"""Where an archive lies while it is verified: in its bucket, or copied to a directory, where no AWS is needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from infra.archive.errors import ArchiveError, with_next_step
from infra.export.growth import chunks_of
from infra.export.measure import CHUNK


class Place(Protocol):
    """The objects of one archive."""

    bucket: str

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below `prefix` in order."""

    def stream(self, key: str) -> Iterator[bytes]:
        """Yield an object's stored bytes. Raises ArchiveError where it is not there or cannot be read."""


class BucketPlace:
    """An archive in its bucket."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3, self.bucket = s3, bucket

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below `prefix` in order."""
        try:
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                yield from (item["Key"] for item in page.get("Contents", ()))
        except (ClientError, BotoCoreError) as error:
            raise ArchiveError(self.bucket, prefix, with_next_step("cannot be listed", _code(error))) from None

    def stream(self, key: str) -> Iterator[bytes]:
        """Yield an object's stored bytes."""
        try:
            yield from chunks_of(self._s3.get_object(Bucket=self.bucket, Key=key)["Body"])
        except (ClientError, BotoCoreError) as error:
            raise ArchiveError(self.bucket, key, with_next_step("cannot be read", _code(error))) from None


class DirectoryPlace:
    """An archive copied with `aws s3 sync`, keys being paths below the directory."""

    def __init__(self, directory: Path, bucket: str) -> None:
        self._directory, self.bucket = directory, bucket

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below `prefix` in order."""
        below = self._directory / prefix.rpartition("/")[0]
        paths = (path.relative_to(self._directory).as_posix() for path in below.rglob("*") if path.is_file())
        yield from sorted(key for key in paths if key.startswith(prefix))

    def stream(self, key: str) -> Iterator[bytes]:
        """Yield an object's stored bytes."""
        try:
            with (self._directory / key).open("rb") as file:
                while piece := file.read(CHUNK):
                    yield piece
        except OSError as error:
            raise ArchiveError(self.bucket, key, f"cannot be read ({error.strerror})") from None


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__
