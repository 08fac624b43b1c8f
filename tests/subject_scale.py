"""Requests about one person over a generated archive: `python -m tests.subject_scale export|erase RECORDS` measures one.

Half of the records are in objects as the collector writes them, half in one export; every second one is the person's.
The archive is on disk, so that what is measured is the code and not the archive.
"""

from __future__ import annotations

import datetime
import gzip
import io
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pyrage
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from infra.archive.window import Window
from infra.context import Context
from infra.subject.audit import Request
from infra.subject.erase import erase
from infra.subject.erase_key import Erasing
from infra.subject.facts import facts
from infra.subject.gather import Sources
from infra.subject.handover import hand_over
from infra.subject.identity import Subject, matcher
from infra.subject.ledger import Ledger
from infra.subject.packet import recipient
from sandbox.peak import peak_bytes
from tests.archive_fake import collected_key
from tests.export_memory import MemoryKms
from tests.factories import context

PERSON, OTHER = "4711", "815"
DAY = datetime.date(2026, 11, 20)
START = datetime.datetime.combine(DAY, datetime.time(), datetime.UTC)
NANOSECONDS = (int(START.timestamp()) + 8 * 3600) * 10**9
PER_OBJECT = 5_000
"""Records of one object of the collector's."""
FEW = 5_000
"""Records of the archive that memory is compared with."""
CLASS = "application"


class DiskS3:
    """Versioned buckets on disk, as far as requests use them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._keys: dict[tuple[str, str], list[tuple[str, Path]]] = {}
        self._number = 0

    def put_object(self, *, Bucket: str, Key: str, Body: Any, IfNoneMatch: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        """Store a version."""
        versions = self._keys.setdefault((Bucket, Key), [])
        if IfNoneMatch and versions:
            raise ClientError({"Error": {"Code": "PreconditionFailed", "Message": ""}}, "PutObject")
        self._number += 1
        path = self._directory / f"{self._number}"
        with path.open("wb") as file:
            source = io.BytesIO(Body) if isinstance(Body, bytes) else Body
            while piece := source.read(1 << 20):
                file.write(piece)
        versions.insert(0, (str(self._number), path))
        return {"VersionId": str(self._number)}

    def add(self, bucket: str, key: str, path: Path) -> None:
        """Take a file in as an object."""
        self._number += 1
        self._keys[bucket, key] = [(str(self._number), path)]

    def get_object(self, *, Bucket: str, Key: str, VersionId: str = "") -> dict[str, Any]:  # noqa: N803
        """Return a version, to be read in pieces."""
        path = next(path for version, path in self._keys[Bucket, Key] if VersionId in ("", version))
        return {"Body": StreamingBody(cast(Any, path.open("rb")), path.stat().st_size)}

    def head_object(self, **_: str) -> dict[str, Any]:
        """Return what is known of an unlocked version."""
        return {"ETag": "etag"}

    def delete_object(self, *, Bucket: str, Key: str, VersionId: str) -> dict[str, Any]:  # noqa: N803
        """Remove a version."""
        kept = [item for item in self._keys[Bucket, Key] if item[0] != VersionId]
        self._keys[Bucket, Key] = kept
        return {}

    def list_object_versions(self, *, Bucket: str, Prefix: str) -> dict[str, Any]:  # noqa: N803
        """List versions."""
        return {
            "Versions": [
                {**self._item(key, path), "VersionId": version, "IsLatest": at == 0}
                for (bucket, key), versions in sorted(self._keys.items())
                for at, (version, path) in enumerate(versions)
                if bucket == Bucket and key.startswith(Prefix)
            ]
        }

    def get_paginator(self, operation: str) -> DiskS3:
        """Return what lists objects."""
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str, StartAfter: str = "") -> Iterator[dict[str, Any]]:  # noqa: N803
        """List current versions."""
        yield {
            "Contents": [
                self._item(key, versions[0][1])
                for (bucket, key), versions in sorted(self._keys.items())
                if bucket == Bucket and key.startswith(Prefix) and key > StartAfter and versions
            ]
        }

    def _item(self, key: str, path: Path) -> dict[str, Any]:
        return {"Key": key, "Size": path.stat().st_size, "LastModified": START}


class NoLogs:
    """CloudWatch Logs without an event."""

    def get_paginator(self, _: str) -> NoLogs:
        """Return what lists events."""
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        """List none."""
        yield {"events": []}


def archive(directory: Path, bucket: str, records: int) -> DiskS3:
    """Return an archive of this many records, written a record at a time."""
    s3 = DiskS3(directory)
    half = records // 2
    for first in range(0, half, PER_OBJECT):
        path = directory / f"collected-{first}"
        with gzip.open(path, "wt", compresslevel=1) as file:
            file.write('{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":[')
            for number in range(first, min(first + PER_OBJECT, half)):
                file.write(("," if number > first else "") + json.dumps(_collected(number)))
            file.write("]}]}]}")
        s3.add(bucket, collected_key(f"{DAY}T08", f"{first:09d}"), path)
    path = directory / "exported"
    with gzip.open(path, "wt", compresslevel=1) as file:
        for number in range(half, records):
            event = {"timeUnixNano": NANOSECONDS, "body": "text", "attributes": _attributes(number)}
            file.write(f"{DAY}T08:00:00.000Z {json.dumps(event)}\n")
    s3.add(bucket, f"export/app/{DAY}/1/task/collector/0.gz", path)
    return s3


def _attributes(number: int) -> dict[str, str]:
    uid = f"00000000-0000-7000-8000-{number:012d}"
    return {"log.record.uid": uid, "user_id": PERSON if number % 2 else OTHER, "url.path": "/photos/" + "x" * 200}


def _collected(number: int) -> dict[str, Any]:
    attributes = [{"key": key, "value": {"stringValue": text}} for key, text in _attributes(number).items()]
    return {"timeUnixNano": str(NANOSECONDS), "body": {"stringValue": "text"}, "attributes": attributes}


def main(what: str, records: int) -> dict[str, Any]:
    """Carry out a request over that many records; return its seconds, bytes of memory, and records found."""
    stack: Context = context("sandbox")
    kms = MemoryKms()
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    now = START + datetime.timedelta(days=3)
    window = Window(START, START + datetime.timedelta(days=1))
    request = Request("r-1", what, PERSON, "DSR-114, GDPR", "arn:aws:iam::1:user/me", str(window), now)
    who = Subject(PERSON, (("email", "grandma@example.com"),))
    found = matcher(who, {"current": "made-up-pepper"})
    with tempfile.TemporaryDirectory() as directory:
        s3 = archive(Path(directory), stack.archive_bucket(CLASS), records)
        sources = Sources(cast(Any, NoLogs()), cast(Any, s3), stack, window)
        out, began = Path(directory) / "out", time.process_time()
        if what == "export":
            to = recipient(str(pyrage.x25519.Identity.generate().to_public()))
            seen, _ = hand_over(sources, who, request, found, epochs=["current"], out=out, key=to)
            count = sum(seen.found.values())
        else:
            with facts(out) as kept:
                ledger = Ledger(cast(Any, s3), cast(Any, kms), key)
                erase(Erasing(sources, found, request, ledger, kept, None, execute=True))
                count = kept.gone()
        return {"seconds": time.process_time() - began, "peak_bytes": peak_bytes(), "found": count}


if __name__ == "__main__":
    few = main(sys.argv[1], FEW)
    many = main(sys.argv[1], int(sys.argv[2]))
    print(json.dumps({**many, "grown_bytes": many["peak_bytes"] - few["peak_bytes"]}))
