"""S3 in memory, for tests of what reads archives: listings in small pages, bodies as botocore hands them over."""

from __future__ import annotations

import datetime
import gzip
import io
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from infra.archive.objects import ArchiveObject
from infra.archive.replay.meters import Meters
from tests.collector_run import batch, record, with_uid

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "an-archive"
PAGE = 2
WRITTEN = datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)


class FakeS3:
    """One bucket."""

    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self.objects = objects or {}
        self.asked: list[str] = []
        """Keys that were read, in order."""
        self.refused: dict[str, str] = {}
        """Key to the error code that reading it is answered with."""

    @property
    def client(self) -> S3Client:
        return cast("S3Client", self)

    def get_object(self, **asked: str) -> dict[str, Any]:
        key = asked["Key"]
        self.asked.append(key)
        if code := self.refused.get(key) or ("" if key in self.objects else "NoSuchKey"):
            raise ClientError({"Error": {"Code": code, "Message": "made up"}}, "GetObject")
        raw = self.objects[key]
        return {"Body": StreamingBody(io.BytesIO(raw), len(raw))}

    def get_paginator(self, operation: str) -> FakeS3:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, **asked: str) -> Iterator[dict[str, Any]]:
        if asked["Bucket"] != BUCKET:
            raise ClientError({"Error": {"Code": "NoSuchBucket", "Message": "made up"}}, "ListObjectsV2")
        after = asked.get("StartAfter", "")
        keys = sorted(key for key in self.objects if key.startswith(asked["Prefix"]) and key > after)
        for at in range(0, len(keys), PAGE) if keys else [0]:
            page = [
                {"Key": key, "Size": len(self.objects[key]), "LastModified": WRITTEN, "StorageClass": "STANDARD"}
                for key in keys[at : at + PAGE]
            ]
            yield {"Contents": page} if page else {}


class Quiet:
    """Progress that nobody looks at."""

    def object_done(self, item: ArchiveObject) -> None: ...
    def sent(self, records: int) -> None: ...
    def waiting(self, meters: Meters) -> None: ...


def collected_key(hour: str, name: str = "a") -> str:
    """Return the key of an object that the collector uploaded in `hour` (2026-11-24T08)."""
    day, _, clock = hour.partition("T")
    year, month, date = day.split("-")
    return f"otlp/year={year}/month={month}/day={date}/hour={clock}/logs_{name}.json.gz"


def collected(rows: Iterable[dict[str, Any]], **shared: dict[str, Any]) -> bytes:
    """Return the object of the records `rows` (OTLP JSON) as the collector writes it."""
    return gzip.compress(json.dumps({"resourceLogs": [batch(list(rows), **shared)]}).encode())


def uid(number: int) -> str:
    """Return a uid that says its number."""
    return f"00000000-0000-7000-8000-{number:012d}"


def row(number: int, time: str, *, cls: str = "audit", body: str = "", **more: Any) -> dict[str, Any]:
    """Return an archived record of OTLP JSON with the uid of `number` and an ISO time."""
    instant = datetime.datetime.fromisoformat(time).replace(tzinfo=datetime.UTC)
    written = record(body or f"record {number}", {"tinybeans.log.class": cls, **more}, 9)
    nanoseconds = f"{int(instant.timestamp())}000000000"
    return with_uid({**written, "timeUnixNano": nanoseconds, "severityText": "INFO"}, uid(number))
