"""How many records of each day the collector has archived, so that a day that grew after its export is noticed.

The collector's partitions are upload time, so a day's records may lie in the partitions of the fortnight after it.
They are counted hour of upload by hour of upload, each once; a running total by event day is kept beside the
manifests, newest first in S3's order as they are.
"""

from __future__ import annotations

import datetime
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.export import days
from infra.export.chain import LAST
from infra.export.days import Day, Moment
from infra.export.measure import CHUNK, unzipped
from infra.export.problems import CorruptManifestError
from infra.export.targets import COLLECTED, MANIFESTS

COUNTS = f"{MANIFESTS}collected/"
HOUR = datetime.timedelta(hours=1)
SETTLED = datetime.timedelta(minutes=30)
"""How long after an hour of upload its partition is taken to be whole: an upload that began in it has ended."""
REACH = days.LATE + days.SETTLES + 2 * days.ONE_DAY
"""How far back event days are kept in the totals: until every day's last export is begun."""
RECORD_TIME = re.compile(rb'"timeUnixNano":"(\d{1,20})"')
"""The time of an OTLP log record as JSON. It cannot occur inside a string, where the quotes are escaped."""
LONGEST = 40
"""Bytes of such a member."""


@dataclass(frozen=True, slots=True)
class Collected:
    """A running total."""

    since: Moment
    """First hour of upload that was counted."""
    until: Moment
    """First hour of upload that was not."""
    days: Mapping[Day, int]

    def of(self, day: Day) -> int | None:
        """Return the records of `day` uploaded so far; None when counting began later than that day."""
        return self.days.get(day, 0) if self.since <= days.start(day) else None


def hour_of(moment: Moment) -> Moment:
    """Return the beginning of the hour."""
    return moment.astimezone(datetime.UTC).replace(minute=0, second=0, microsecond=0)


def due(now: Moment) -> Moment:
    """Return the first hour of upload that cannot be counted yet."""
    return hour_of(now - SETTLED)


def key(until: Moment) -> str:
    """Return the key of the total of every hour of upload before `until`."""
    return f"{COUNTS}{LAST - int(until.timestamp() // 3600):08d}.json"


def dumps(collected: Collected) -> bytes:
    """Return a total as it is stored."""
    kept = {day.isoformat(): count for day, count in sorted(collected.days.items())}
    return json.dumps(
        {"since": collected.since.isoformat(), "until": collected.until.isoformat(), "days": kept}
    ).encode()


def loads(stored: bytes, where: str) -> Collected:
    """Return the total in `stored`. Raises CorruptManifestError when it is none."""
    try:
        values = json.loads(stored)
        return Collected(
            datetime.datetime.fromisoformat(values["since"]),
            datetime.datetime.fromisoformat(values["until"]),
            {datetime.date.fromisoformat(day): int(count) for day, count in values["days"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptManifestError(f"the count {where} cannot be read: remove it, and counting starts anew") from error


def counted_on(
    before: Collected | None,
    until: Moment,
    now: Moment,
    listed: Callable[[str], Iterable[str]],
    read: Callable[[str], Iterable[bytes]],
    left: Callable[[], float],
) -> Collected | None:
    """Return the total after as many more hours up to `until` as can be counted while `left()` (s) is above 0.

    `listed` yields the keys below a prefix in order, `read` an object's stored bytes. None when nothing was counted.
    """
    first = before.until if before else hour_of(now - REACH)
    totals: Counter[Day] = Counter(before.days if before else {})
    for hour, keys in _hours(first, until, listed):
        if left() <= 0:
            until = hour
            break
        for key in keys:
            totals.update(count_by_day(key, read(key)))
    if until <= first:
        return None
    near = {
        day: count for day, count in totals.items() if days.of(until - REACH) <= day <= days.of(until) + days.ONE_DAY
    }
    return Collected(before.since if before else first, until, near)


def _hours(
    first: Moment, until: Moment, listed: Callable[[str], Iterable[str]]
) -> Iterator[tuple[Moment, Iterable[str]]]:
    """Yield each hour of upload from `first` to before `until` that has objects, with their keys."""
    for day in days.days(days.of(first), days.of(until)):
        prefix = f"{COLLECTED}year={day:%Y}/month={day:%m}/day={day:%d}/"

        def hour(key: str, prefix: str = prefix, day: Day = day) -> Moment:
            return days.start(day) + int(key[len(prefix) + len("hour=") :][:2]) * HOUR

        for at, keys in itertools.groupby(listed(prefix), key=hour):
            if first <= at < until:
                yield at, keys


def count_by_day(name: str, chunks: Iterable[bytes]) -> Counter[Day]:
    """Return how many records of each day are in an object of the collector. Raises ObjectChangedError if damaged."""
    counts: Counter[int] = Counter()
    rest = b""
    for text in unzipped(name, chunks):
        data, end = rest + text, 0
        for found in RECORD_TIME.finditer(data):
            counts[int(found.group(1)) // 86_400_000_000_000] += 1
            end = found.end()
        rest = data[max(end, len(data) - LONGEST) :]
    epoch = datetime.date(1970, 1, 1)
    latest = (datetime.date.max - epoch).days
    by_day: Counter[Day] = Counter()
    for number, count in counts.items():
        by_day[epoch + datetime.timedelta(days=min(number, latest))] += count
    return by_day


def chunks_of(body: Any) -> Iterator[bytes]:
    """Yield the bytes of an S3 object's body and close it."""
    try:
        yield from body.iter_chunks(CHUNK)
    finally:
        body.close()
