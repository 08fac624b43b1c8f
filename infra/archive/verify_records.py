"""The nightly export and the collector's archive, compared record by record, whatever their size.

Both are read once; of each record a few bytes go to one of PARTS files by its uid, and a part at a time is compared.
"""

import datetime
import hashlib
import json
import re
import struct
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntFlag, StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from infra.archive.records import ArchivedRecord
from infra.documents.collector.sink_window import ORIGINAL
from infra.export import audit
from infra.export.days import Day, Moment

PARTS = 256
"""50 million records are 200,000 a part: some 60 MB while it is compared."""
ROW = struct.Struct("<16s12siB")
"""Uid, the beginning of the content's hash, event day as days since 1970, Trait."""
MASK = re.compile(r"\*{2,}")
"""What CloudWatch's data protection leaves of a value (User Guide, "Help protect sensitive log data with masking")."""
EPOCH = datetime.date(1970, 1, 1)
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


class Outcome(StrEnum):
    """What became of a record."""

    SAME = "in both, alike"
    MASKED = "in both, masked in the export by data protection"
    ALTERED = "in both, and not alike"
    DUPLICATE = "twice in one of them (at-least-once delivery)"
    TOO_OLD = "only collected: too old or too new for CloudWatch Logs under its own time"
    AFTER = "only collected: came after the export was begun"
    RETENTION = "only collected: retention removed it before the export"
    NOT_EXPORTED = "only collected: its day has no export"
    MISSING_EXPORT = "only collected: missing from the export"
    OWN = "only exported: the export's own audit records"
    FOREIGN = "only exported: never went through the collector"
    MOVED = "only exported: moved here from a day that CloudWatch Logs no longer took"
    MISSING_COLLECTED = "only exported: missing from what the collector archived"


BAD = frozenset({Outcome.ALTERED, Outcome.MISSING_EXPORT, Outcome.MISSING_COLLECTED})


@dataclass(frozen=True)
class ExportedDay:
    """What the newest manifest says of a day."""

    begun: Moment
    whole: bool


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


def collected_traits(record: ArchivedRecord, exported: dict[Day, ExportedDay], hot_days: int) -> Trait:
    """Return the traits of a record that the collector archived."""
    traits = Trait.NONE
    age = record.observed_ns - record.time_ns
    # The collector moves a time that would leave CloudWatch's window while it waits, up to an outage, in the queue.
    if age > (min(14, hot_days) - 1) * DAY_NS or age < -DAY_NS // 12:
        traits |= Trait.LATE
    day = exported.get(EPOCH + datetime.timedelta(days=record.time_ns // DAY_NS))
    if day is None:
        return traits | Trait.NOT_EXPORTED
    if record.observed_ns >= int(day.begun.timestamp() * 1000) * 1_000_000:
        traits |= Trait.AFTER
    return traits if day.whole else traits | Trait.PARTIAL


def exported_traits(record: ArchivedRecord) -> Trait:
    """Return the traits of a record that CloudWatch exported."""
    traits = Trait.NONE
    if not record.uid:
        traits |= Trait.FOREIGN
    if record.event_name == audit.EVENT:
        traits |= Trait.OWN
    if ORIGINAL in record.attributes:
        traits |= Trait.MOVED
    if MASK.search(json.dumps([record.body, record.attributes])):
        traits |= Trait.MASKED
    return traits


def compared(collected: Side, exported: Side) -> Iterator[tuple[Outcome, Day, str]]:
    """Yield the outcome, event day and uid of every record of both sides, duplicates once more."""
    for number in range(PARTS):
        rows: dict[bytes, tuple[bytes, int, int]] = {}
        seen: set[bytes] = set()
        for uid, content, day, traits in collected.part(number):
            if uid in rows:
                yield Outcome.DUPLICATE, _day(day), _uid(uid)
            rows[uid] = (content, day, traits)
        for uid, content, day, traits in exported.part(number):
            if uid in seen:
                yield Outcome.DUPLICATE, _day(day), _uid(uid)
                continue
            seen.add(uid)
            mine = rows.pop(uid, None)
            yield _both(mine, content, traits) if mine else _only_exported(traits), _day(day), _uid(uid)
        for uid, (_, day, traits) in rows.items():
            yield _only_collected(traits), _day(day), _uid(uid)


def summed(
    outcomes: Iterator[tuple[Outcome, Day, str]], examples: int = 3
) -> tuple[Counter[str], dict[str, list[str]]]:
    """Return how many records had each outcome, and for the bad ones, by day, up to `examples` uids."""
    counts: Counter[str] = Counter()
    bad: dict[str, list[str]] = defaultdict(list)
    for outcome, day, uid in outcomes:
        counts[outcome.value] += 1
        if outcome in BAD and len(bad[f"{day}: {outcome.value}"]) < examples:
            bad[f"{day}: {outcome.value}"].append(uid)
    return counts, bad


def _both(mine: tuple[bytes, int, int], content: bytes, traits: int) -> Outcome:
    if mine[0] == content:
        return Outcome.SAME
    return Outcome.MASKED if traits & Trait.MASKED else Outcome.ALTERED


def _only_exported(traits: int) -> Outcome:
    if traits & Trait.OWN:
        return Outcome.OWN
    if traits & Trait.FOREIGN:
        return Outcome.FOREIGN
    return Outcome.MOVED if traits & Trait.MOVED else Outcome.MISSING_COLLECTED


def _only_collected(traits: int) -> Outcome:
    for trait, outcome in (
        (Trait.NOT_EXPORTED, Outcome.NOT_EXPORTED),
        (Trait.LATE, Outcome.TOO_OLD),
        (Trait.AFTER, Outcome.AFTER),
        (Trait.PARTIAL, Outcome.RETENTION),
    ):
        if traits & trait:
            return outcome
    return Outcome.MISSING_EXPORT


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


def _uid(key: bytes) -> str:
    return str(uuid.UUID(bytes=key))


def _day(number: int) -> Day:
    return EPOCH + datetime.timedelta(days=number)


def window_of(first: Day, last: Day) -> tuple[int, int]:
    """Return the window's first nanosecond and the first after it."""
    return (first - EPOCH).days * DAY_NS, ((last - EPOCH).days + 1) * DAY_NS


def exported_days(bodies: Mapping[Day, Mapping[str, Any]]) -> dict[Day, ExportedDay]:
    """Return what the newest manifests, day to body, say of their days."""
    begun = datetime.datetime.fromisoformat
    return {day: ExportedDay(begun(body["task"]["created"]), bool(body["whole"])) for day, body in bodies.items()}
