"""Which objects a question has to read, how many it does not, and where a local engine puts what it takes from them."""

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.archive.errors import ArchiveError, with_next_step
from infra.archive.objects import EARLY, ArchiveObject, Form, collected, exported
from infra.archive.window import Window
from infra.documents.search.tables import Source, Table

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COUNTED_AT_MOST = 10_000
"""Objects of a table that are listed only to say how many were left out."""
_COLUMN = re.compile(r"\\\$\\\{(\w+)\\\}")


@dataclass(frozen=True)
class Listed:
    """What a listing said. The objects are listed anew to be read: a year of a class has millions of them."""

    size_bytes: int
    """Of the objects in partitions that can hold records of the window, as stored."""
    left_out: int
    """Objects in other partitions."""
    more: bool
    """Whether there are more of those than were counted."""


def listed(s3: "S3Client", table: Table, source: Source, window: Window, late: datetime.timedelta) -> Listed:
    """Return what `window` needs of `table`. Raises ArchiveError where the bucket cannot be listed."""
    first = list(_first_keys(s3, table))
    partition = partition_pattern(table)
    left_out = {key for key in first if partition.match(key)}
    size = 0
    for item in needed(s3, table, source, window, late):
        size += item.size_bytes
        left_out.discard(item.key)
    return Listed(size, len(left_out), len(first) == COUNTED_AT_MOST)


def partition_of(table: Table, key: str) -> dict[str, str]:
    """Return the values of a key's partition. ValueError where the key lies in none."""
    found = partition_pattern(table).match(key)
    if found is None:
        raise ValueError(f"{key} lies in no partition of {table.name}")
    return found.groupdict()


def partition_pattern(table: Table) -> re.Pattern[str]:
    """Return the expression that keys below a partition of `table` begin with."""
    # As little as possible: a region has hyphens, and a hyphen ends the year in an export's keys.
    return re.compile(_COLUMN.sub(r"(?P<\1>[^/]+?)", re.escape(table.template)))


def needed(
    s3: "S3Client", table: Table, source: Source, window: Window, late: datetime.timedelta
) -> Iterator[ArchiveObject]:
    """Yield the objects of `table` that can hold records of `window`. Raises ArchiveError as `listed` does."""
    match source:
        case Source.COLLECTED:
            yield from collected(s3, table.bucket, window, late=late)
        case Source.EXPORTED:
            folder = table.location
            yield from (item for item in exported(s3, table.bucket, window) if item.key.startswith(folder))
        case Source.READS:
            yield from _reads(s3, table, window, late)


def _reads(s3: "S3Client", table: Table, window: Window, late: datetime.timedelta) -> Iterator[ArchiveObject]:
    for region in table.partitions["region"]["values"].split(","):
        day = (window.start - EARLY).date()
        while day <= (window.end + late).date():
            prefix = f"{table.location}{region}/{day:%Y/%m/%d}/"
            for item in _pages(s3, table.bucket, prefix, None):
                yield ArchiveObject(
                    table.bucket, item["Key"], Form.COLLECTED, item["Size"], item["LastModified"],
                    item.get("StorageClass", "STANDARD"),
                )  # fmt: skip
            day += datetime.timedelta(days=1)


def _first_keys(s3: "S3Client", table: Table) -> Iterator[str]:
    yield from (item["Key"] for item in _pages(s3, table.bucket, table.location, COUNTED_AT_MOST))


def _pages(s3: "S3Client", bucket: str, prefix: str, at_most: int | None) -> Iterator[Any]:
    try:
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, PaginationConfig={} if at_most is None else {"MaxItems": at_most}
        )
        for page in pages:
            yield from page.get("Contents", [])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise ArchiveError(bucket, prefix, with_next_step("cannot be listed", code)) from None
    except BotoCoreError as error:
        raise ArchiveError(bucket, prefix, with_next_step("cannot be listed", type(error).__name__)) from None
