"""The nightly export and the collector's archive, compared record by record, whatever their size.

Both are read once; of each record a few bytes go to one of PARTS files by its uid, and a part at a time is compared.
"""

import datetime
import functools
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from infra.archive.records import ArchivedRecord
from infra.archive.verify_parts import DAY_NS, PARTS, Side, Trait, Uids
from infra.documents import export_assignment, keeper_policy, subject_policy
from infra.documents.collector.sink_window import ORIGINAL
from infra.export.days import Day, Moment

MASK = "**"
"""What CloudWatch's data protection leaves of a value (User Guide, "Help protect sensitive log data with masking")."""
OWN_STREAMS = ([export_assignment.STREAM], [subject_policy.STREAM], [keeper_policy.STREAM])
"""Streams that no collector writes to, and only the role of the export, of requests, and of keepers may; CloudWatch puts
each in a folder of its own."""
EPOCH = datetime.date(1970, 1, 1)


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
    ERASED = "only in one of them: erased from the other by a request"
    OWN = "only exported: audit records of the export and of commands on archives"
    FOREIGN = "only exported: never went through the collector"
    MOVED = "only exported: moved here from a day that CloudWatch Logs no longer took"
    MISSING_COLLECTED = "only exported: missing from what the collector archived"


BAD = frozenset({Outcome.ALTERED, Outcome.MISSING_EXPORT, Outcome.MISSING_COLLECTED})


@dataclass(frozen=True)
class ExportedDay:
    """What the newest manifest says of a day."""

    begun: Moment
    whole: bool

    @functools.cached_property
    def begun_ns(self) -> int:
        """Return when the export was begun (ns since 1970), to the millisecond."""
        return int(self.begun.timestamp() * 1000) * 1_000_000


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
    if record.observed_ns >= day.begun_ns:
        traits |= Trait.AFTER
    return traits if day.whole else traits | Trait.PARTIAL


def exported_traits(record: ArchivedRecord) -> Trait:
    """Return the traits of a record that CloudWatch exported."""
    traits = Trait.NONE
    if not record.uid:
        traits |= Trait.FOREIGN
    if record.object_key.rsplit("/", 2)[-2:-1] in OWN_STREAMS:
        traits |= Trait.OWN
    if ORIGINAL in record.attributes:
        traits |= Trait.MOVED
    if _masked(record.body) or _masked(record.attributes):
        traits |= Trait.MASKED
    return traits


def _masked(value: Any) -> bool:
    """Return whether anything in `value` is masked."""
    if type(value) is str:
        return MASK in value
    if isinstance(value, dict):
        for name, item in value.items():
            if MASK in name or (MASK in item if type(item) is str else _masked(item)):
                return True
        return False
    return isinstance(value, list) and any(map(_masked, value))


def compared(
    collected: Side, exported: Side, erased: Uids | None = None, tick: Callable[[], None] = lambda: None
) -> Iterator[tuple[Outcome, int, bytes]]:
    """Yield the outcome, event day (since 1970) and uid of every record of both sides, duplicates once more.

    `erased` are the uids of what signed erasures took out of one side or both. `tick` is called for each part.
    """
    for number in range(PARTS):
        tick()
        gone = erased.part(number) if erased else frozenset()
        rows: dict[bytes, tuple[bytes, int, int]] = {}
        seen: set[bytes] = set()
        for uid, content, day, traits in collected.part(number):
            if uid in rows:
                yield Outcome.DUPLICATE, day, uid
            rows[uid] = (content, day, traits)
        for uid, content, day, traits in exported.part(number):
            if uid in seen:
                yield Outcome.DUPLICATE, day, uid
                continue
            seen.add(uid)
            mine = rows.pop(uid, None)
            alone = Outcome.ERASED if uid in gone else _only_exported(traits)
            yield _both(mine, content, traits) if mine else alone, day, uid
        for uid, (_, day, traits) in rows.items():
            yield Outcome.ERASED if uid in gone else _only_collected(traits), day, uid


def summed(
    outcomes: Iterator[tuple[Outcome, int, bytes]], examples: int = 3
) -> tuple[Counter[str], dict[str, list[str]]]:
    """Return how many records had each outcome, and for the bad ones, by day, up to `examples` uids."""
    counts: Counter[Outcome] = Counter()
    bad: dict[str, list[str]] = defaultdict(list)
    for outcome, day, uid in outcomes:
        counts[outcome] += 1
        if outcome in BAD:
            uids = bad[f"{EPOCH + datetime.timedelta(days=day)}: {outcome.value}"]
            if len(uids) < examples:
                uids.append(str(uuid.UUID(bytes=uid)))
    return Counter({outcome.value: count for outcome, count in counts.items()}), bad


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


def window_of(first: Day, last: Day) -> tuple[int, int]:
    """Return the window's first nanosecond and the first after it."""
    return (first - EPOCH).days * DAY_NS, ((last - EPOCH).days + 1) * DAY_NS


def exported_days(bodies: Mapping[Day, Mapping[str, Any]]) -> dict[Day, ExportedDay]:
    """Return what the newest manifests, day to body, say of their days."""
    begun = datetime.datetime.fromisoformat
    return {day: ExportedDay(begun(body["task"]["created"]), bool(body["whole"])) for day, body in bodies.items()}
