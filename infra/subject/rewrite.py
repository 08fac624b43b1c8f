"""An archived object without some of its records: its text made again, in the form it was written in, a piece at a time.

What is made lies in a file that has no name, which the kernel removes with the process, however it ends.
"""

import gzip
import hashlib
import json
import tempfile
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

from infra.archive import json_stream
from infra.archive.errors import ArchiveError
from infra.archive.objects import ArchiveObject, Form, pieces
from infra.archive.records import events, records
from infra.archive.text_stream import Text
from infra.archive.verify_content import uid_key
from infra.archive.window import Window
from infra.subject.identity import Matcher

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MOST = 1_000_000
"""Of one person's records in one object: their uids are signed as one text, at some hundred bytes of memory each."""


@dataclass
class Hits:
    """Which records of an object are the person's, in eight bytes each and sixteen for a uid."""

    numbers: "array[int]" = field(default_factory=lambda: array("Q"))
    """ArchivedRecord.number, rising."""
    uids: bytearray = field(default_factory=bytearray)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.numbers)


@dataclass(frozen=True)
class Rewritten:
    """An object's new bytes, and SHA-256 in hex of what was stored and of what will be."""

    body: IO[bytes]
    was_sha256: str
    sha256: str


def hits(s3: "S3Client", item: ArchiveObject, matcher: Matcher, window: Window) -> Hits:
    """Return which records of `item` in `window` are the person's.

    Raises ArchiveError where it cannot be read whole, or more than MOST of them are.
    """
    found = Hits()
    for record in records(s3, item):
        if record.time_ns in window and matcher.why(record):
            if len(found) == MOST:
                raise ArchiveError(
                    item.bucket,
                    item.key,
                    f"it holds more than {MOST:,} records of the person: run it for parts of the window, FROM and TO "
                    "being instants",
                )
            found.numbers.append(record.number)
            if record.uid:
                found.uids += uid_key(record.uid)
    return found


def without(s3: "S3Client", item: ArchiveObject, found: Hits) -> Rewritten:
    """Return `item` without the records in `found`; close its body when done. The same bytes come of the same object.

    Raises ArchiveError where it cannot be read.
    """
    body = tempfile.TemporaryFile()  # noqa: SIM115 - the caller sends it and closes it
    try:
        _write(s3, item, _dropped(found.numbers), body)
        body.seek(0)
        return Rewritten(body, stored_sha256(s3, item), _sha256(body))
    except BaseException:
        body.close()
        raise


def _write(s3: "S3Client", item: ArchiveObject, dropped: Callable[[], bool], body: IO[bytes]) -> None:
    text = Text(pieces(s3, item), item.bucket, item.key)
    with gzip.GzipFile(fileobj=body, mode="wb", mtime=0) as packed:
        if item.form is Form.EXPORTED:
            for time, message in events(text):
                if not dropped():
                    packed.write(f"{time} {message}\n".encode())
        else:
            for piece in _collected(text, dropped):
                packed.write(piece.encode())


def stored_sha256(s3: "S3Client", item: ArchiveObject) -> str:
    """Return the SHA-256 of the bytes that are stored."""
    total = hashlib.sha256()
    for piece in s3.get_object(Bucket=item.bucket, Key=item.key)["Body"].iter_chunks(1 << 20):
        total.update(piece)
    return total.hexdigest()


def _dropped(numbers: "array[int]") -> Callable[[], bool]:
    """Return what says of each record, in their order, whether it goes."""
    waiting, number = iter(numbers), -1
    following = next(waiting, None)

    def this_one() -> bool:
        nonlocal number, following
        number += 1
        if number != following:
            return False
        following = next(waiting, None)
        return True

    return this_one


Item = Callable[[Text], Iterator[str]]


def _collected(text: Text, dropped: Callable[[], bool]) -> Iterator[str]:
    """Yield an OTLP request again, without what is dropped and what is empty then."""

    def record(at: Text) -> Iterator[str]:
        value = json_stream.value(at)
        if not dropped():
            yield _dumps(value)

    def scope(at: Text) -> Iterator[str]:
        return _with_array(at, "logRecords", record)

    def resource(at: Text) -> Iterator[str]:
        return _with_array(at, "scopeLogs", scope)

    nothing = True
    for piece in _with_array(text, "resourceLogs", resource):
        nothing = False
        yield piece
    json_stream.end(text)
    if nothing:
        yield '{"resourceLogs":[]}'


def _with_array(text: Text, name: str, item: Item) -> Iterator[str]:
    """Yield the object that begins here, its array `name` made of what `item` yields of each of its items.

    Yields nothing where nothing is left of that array.
    """
    before: list[str] = []
    begun = False
    for member in json_stream.members(text):
        if member != name:
            written = f"{_dumps(member)}:{_dumps(json_stream.value(text))}"
            if begun:
                yield f",{written}"
            else:
                before.append(f"{written},")
            continue
        for _ in json_stream.items(text):
            first = True
            for piece in item(text):
                if first:
                    yield "," if begun else f'{{{"".join(before)}"{name}":['
                    first, begun = False, True
                yield piece
        if begun:
            yield "]"
    if begun:
        yield "}"


def _dumps(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _sha256(body: IO[bytes]) -> str:
    total = hashlib.sha256()
    while piece := body.read(1 << 20):
        total.update(piece)
    body.seek(0)
    return total.hexdigest()
