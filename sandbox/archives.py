"""Archives of any size, written in seconds, for measuring what reads them: the collector's objects, made up.

An object is what the awss3 exporter writes (marshaler otlp_json, gzip): one OTLP document without a line end, below
`otlp/`, in the partition of the hour (UTC) of its upload, named by UUIDv7. Records are those of
sandbox/archive_records.py. Nothing is kept: any object can be made again, by itself, in any order.
"""

from __future__ import annotations

import datetime
import functools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.archive_records import BLOCK, HIGH, SECOND, SERVICE, collected_records
from sandbox.stitched import Stitched

RECORDS_AN_OBJECT = BLOCK
"""About 9.5 MB of JSON: the archive's exporter closes a batch at 4 MiB of OTLP or after policy's wait."""

_HEAD = (
    f'{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{SERVICE}"}}}}]}},'
    '"scopeLogs":[{"scope":{},"logRecords":['
).encode()
_TAIL = b"]}]}]}"


@dataclass(frozen=True, slots=True)
class ArchivedObject:
    """One object of a made-up archive: its key, its gzipped bytes, and how many records are in it."""

    key: str
    content: bytes
    records: int


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A made-up archive: `records` records of class `cls`, spread evenly over `hours` hours from `start` (UTC).

    `an_object` divides BLOCK. The records of an object are of one second, that of its upload.
    """

    cls: str
    start: datetime.datetime
    records: int
    hours: int
    an_object: int = RECORDS_AN_OBJECT
    prefix: str = "otlp"

    @property
    def count(self) -> int:
        """Return how many objects there are."""
        return -(-self.records // self.an_object)

    def keys(self) -> list[str]:
        """Return the keys of all objects, in order."""
        return [self._key(at) for at in range(self.count)]

    def records_in(self, at: int) -> int:
        """Return how many records the object number `at` holds."""
        return min(self.an_object, self.records - at * self.an_object)

    def second(self, at: int) -> int:
        """Return the second (Unix) of the records of the object number `at`."""
        return int(self.start.timestamp()) + at * self.hours * 3600 // self.count

    def size(self, at: int) -> int:
        """Return the bytes of the object number `at`, as stored."""
        return self._packed(at).size

    def object(self, at: int) -> ArchivedObject:
        """Return the object number `at`."""
        high = at * self.an_object // BLOCK
        content = self._packed(at).filled({HIGH: b"%08d" % high, SECOND: b"%010d" % self.second(at)})
        return ArchivedObject(self._key(at), content, self.records_in(at))

    def _packed(self, at: int) -> Stitched:
        return _template(self.cls, at * self.an_object % BLOCK, self.records_in(at), self.an_object)

    def _key(self, at: int) -> str:
        uploaded = datetime.datetime.fromtimestamp(self.second(at), datetime.UTC)
        unique = uuid.UUID(int=(self.second(at) * 1000 << 80) | (0x7 << 76) | (0x2 << 62) | at)
        return f"{self.prefix}/{uploaded:year=%Y/month=%m/day=%d/hour=%H}/logs_{unique}.json.gz"


def objects(
    *, cls: str, start: datetime.datetime, records: int, hours: int, an_object: int = RECORDS_AN_OBJECT
) -> Iterator[ArchivedObject]:
    """Yield every object of such an archive, in order."""
    archive = Archive(cls=cls, start=start, records=records, hours=hours, an_object=an_object)
    yield from (archive.object(at) for at in range(archive.count))


@functools.lru_cache(maxsize=4)
def _template(cls: str, low: int, count: int, an_object: int) -> Stitched:
    body = b",".join(collected_records(cls, range(low, low + count), an_object))
    return Stitched(_HEAD + body + _TAIL, (HIGH, SECOND))
