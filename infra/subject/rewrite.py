"""An archived object without some of its records: its text made again, in the form it was written in.

What is made lies in memory or in a file that has no name, which the kernel removes with the process, however it ends.
"""

import gzip
import hashlib
import json
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from infra.archive.errors import ArchiveError
from infra.archive.objects import ArchiveObject, Form, pieces
from infra.archive.records import events
from infra.archive.text_stream import Text

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LARGEST_COLLECTED_BYTES = 64 * 1024**2
"""Text of an object of the collector that is rewritten: its batches end far below (collector_configs)."""


@dataclass(frozen=True)
class Rewritten:
    """An object's new bytes, and SHA-256 in hex of what was stored and of what will be."""

    body: IO[bytes]
    was_sha256: str
    sha256: str


def without(s3: "S3Client", item: ArchiveObject, numbers: frozenset[int]) -> Rewritten:
    """Return `item` without the records of these numbers (ArchivedRecord.number); close its body when done.

    Raises ArchiveError where it cannot be read, or is larger than what is rewritten.
    """
    body = tempfile.TemporaryFile()  # noqa: SIM115 - the caller sends it and closes it
    with gzip.GzipFile(fileobj=body, mode="wb", mtime=0) as packed:
        if item.form is Form.EXPORTED:
            for number, (time, message) in enumerate(events(Text(pieces(s3, item), item.bucket, item.key))):
                if number not in numbers:
                    packed.write(f"{time} {message}\n".encode())
        else:
            packed.write(json.dumps(_collected(_whole(s3, item), numbers), separators=(",", ":")).encode())
    body.seek(0)
    return Rewritten(body, stored_sha256(s3, item), _sha256(body))


def stored_sha256(s3: "S3Client", item: ArchiveObject) -> str:
    """Return the SHA-256 of the bytes that are stored under the object's key."""
    total = hashlib.sha256()
    for piece in s3.get_object(Bucket=item.bucket, Key=item.key)["Body"].iter_chunks(1 << 20):
        total.update(piece)
    return total.hexdigest()


def _whole(s3: "S3Client", item: ArchiveObject) -> dict[str, Any]:
    text = bytearray()
    for piece in pieces(s3, item):
        text += piece
        if len(text) > LARGEST_COLLECTED_BYTES:
            raise ArchiveError(
                item.bucket, item.key, f"larger than {LARGEST_COLLECTED_BYTES:,} bytes, is not rewritten"
            )
    found: dict[str, Any] = json.loads(text)
    return found


def _collected(request: dict[str, Any], numbers: frozenset[int]) -> dict[str, Any]:
    number = 0
    for resource in request.get("resourceLogs", ()):
        for scope in resource.get("scopeLogs", ()):
            kept = []
            for record in scope.get("logRecords", ()):
                if number not in numbers:
                    kept.append(record)
                number += 1
            scope["logRecords"] = kept
        resource["scopeLogs"] = [scope for scope in resource.get("scopeLogs", ()) if scope["logRecords"]]
    return {**request, "resourceLogs": [item for item in request.get("resourceLogs", ()) if item["scopeLogs"]]}


def _sha256(body: IO[bytes]) -> str:
    total = hashlib.sha256()
    while piece := body.read(1 << 20):
        total.update(piece)
    body.seek(0)
    return total.hexdigest()
