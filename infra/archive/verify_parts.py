"""Records of one archive as the comparison needs them: a few bytes each, in parts on disk by their uids."""

import struct
from collections.abc import Iterator
from enum import IntFlag
from pathlib import Path
from typing import BinaryIO

from infra.archive import verify_content
from infra.archive.records import ArchivedRecord

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
        uid = verify_content.key(record)
        row = ROW.pack(uid, verify_content.content(record), record.time_ns // DAY_NS, traits)
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
