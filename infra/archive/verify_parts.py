"""Records of one archive as the comparison needs them: a few bytes each, in parts on disk by their uids."""

import hashlib
import json
import struct
import uuid
from collections.abc import Iterator
from enum import IntFlag
from pathlib import Path
from typing import Any, BinaryIO

from infra.archive.records import ArchivedRecord
from infra.documents.collector.sink_window import ORIGINAL

PARTS = 256
"""50 million records are 200,000 a part: some 60 MB while it is compared."""
ROW = struct.Struct("<16s12siB")
"""Uid, the beginning of the content's hash, event day as days since 1970, Trait."""
DAY_NS = 86_400_000_000_000


class Trait(IntFlag):
    """What has to be known of a record when it is found on one side only."""

    NONE = 0
    LATE = 1
    """CloudWatch Logs would have refused its time when it came, so that the collector moved it."""
    AFTER = 2
    """It came after the day's newest export was begun."""
    PARTIAL = 4
    """Of its day, retention had removed something before the export."""
    NOT_EXPORTED = 8
    """Its day has no export."""
    OWN = 16
    """The export's own announcement, which goes to CloudWatch Logs alone."""
    FOREIGN = 32
    """It has no uid: it never went through the collector."""
    MOVED = 64
    """Its time was moved into this day."""
    MASKED = 128
    """Something in it is masked."""


class Side:
    """One archive's records, in parts on disk."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._paths = [directory / f"{number:03d}" for number in range(PARTS)]
        self._files: list[BinaryIO] = [path.open("wb", buffering=1 << 14) for path in self._paths]

    def add(self, record: ArchivedRecord, traits: Trait) -> None:
        """Write a record down."""
        uid = _key(record)
        row = ROW.pack(uid, _content(record), record.time_ns // DAY_NS, traits)
        self._files[uid[-1] % PARTS].write(row)

    def part(self, number: int) -> Iterator[tuple[bytes, bytes, int, int]]:
        """Yield the rows of a part, and forget it."""
        self._files[number].close()
        path = self._paths[number]
        yield from ROW.iter_unpack(path.read_bytes())
        path.unlink()

    def close(self) -> None:
        """Close what is open."""
        for file in self._files:
            file.close()


class Uids:
    """Uids of what signed erasures took out, in parts on disk like the records of a Side."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._paths = [directory / f"{number:03d}" for number in range(PARTS)]
        self._files: dict[int, BinaryIO] = {}

    def add(self, uid: bytes) -> None:
        """Write a uid down, as uid_key has it."""
        number = uid[-1] % PARTS
        if number not in self._files:
            self._files[number] = self._paths[number].open("wb", buffering=1 << 14)
        self._files[number].write(uid)

    def part(self, number: int) -> frozenset[bytes]:
        """Return the uids of a part."""
        if number not in self._files:
            return frozenset()
        self._files[number].flush()
        text = self._paths[number].read_bytes()
        return frozenset(text[at : at + 16] for at in range(0, len(text), 16))

    def close(self) -> None:
        """Close what is open."""
        for file in self._files.values():
            file.close()


def _content(record: ArchivedRecord) -> bytes:
    """Return a hash of everything in a record but its time, which the collector may have moved for CloudWatch Logs."""
    attributes = {name: _number(value) for name, value in record.attributes.items() if name != ORIGINAL}
    fields = [
        record.severity_number, record.severity_text, _number(record.body), attributes, record.resource, record.scope,
        record.trace_id, record.span_id, record.event_name, record.observed_ns,
    ]  # fmt: skip
    text = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.blake2b(text, digest_size=12).digest()


def _number(value: Any) -> Any:
    """Return a value with whole numbers written alike: OTLP tells 5.0 from 5, and CloudWatch's text does not."""
    match value:
        case float():
            return int(value) if value.is_integer() else value
        case dict():
            return {name: _number(item) for name, item in value.items()}
        case list():
            return [_number(item) for item in value]
        case _:
            return value


def uid_key(uid: str) -> bytes:
    """Return the sixteen bytes that a uid is compared by: a UUID's own, a hash of any other, such as a ULID."""
    try:
        return uuid.UUID(uid).bytes
    except ValueError:
        return hashlib.blake2b(uid.encode(), digest_size=16).digest()


def _key(record: ArchivedRecord) -> bytes:
    # A record without a uid is told from others by its place.
    return uid_key(record.uid or f"{record.object_key}#{record.number}")
