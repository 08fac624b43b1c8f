"""Days in UTC: when one is closed, when nothing can come late any more, and when CloudWatch takes it away."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from enum import IntEnum

Day = datetime.date
Moment = datetime.datetime

ONE_DAY = datetime.timedelta(days=1)
SETTLES = datetime.timedelta(hours=12)
"""CloudWatch Logs User Guide, "Exporting log data to Amazon S3": it can take up to 12 hours until a record can be
exported."""
LATE = datetime.timedelta(days=14)
"""CloudWatch Logs API reference, PutLogEvents: nothing older than 14 days is taken."""
BEFORE_REMOVAL = ONE_DAY
"""How long before retention begins to remove a day its last export starts: one task at a time, and some may fail."""


class Phase(IntEnum):
    """What an export of a day can be, by when it was begun."""

    OPEN = 0
    """The day had not ended, or records of it could not be exported yet."""
    PROVISIONAL = 1
    """Everything that was there in time; late records may follow."""
    FINAL = 2
    """Nothing that CloudWatch would still take can be missing."""


def start(day: Day) -> Moment:
    """Return the first moment of `day`."""
    return datetime.datetime.combine(day, datetime.time(), datetime.UTC)


def end(day: Day) -> Moment:
    """Return the first moment after `day`."""
    return start(day) + ONE_DAY


def of(moment: Moment) -> Day:
    """Return the day of `moment`."""
    return moment.astimezone(datetime.UTC).date()


def closed(day: Day) -> Moment:
    """Return when everything that came in time can be exported."""
    return end(day) + SETTLES


def whole_until(day: Day, hot_days: int) -> Moment:
    """Return when retention may begin to remove records of `day`."""
    return start(day) + hot_days * ONE_DAY


def gone(day: Day, hot_days: int) -> Moment:
    """Return when retention has removed the last record of `day`."""
    return end(day) + hot_days * ONE_DAY


def last(day: Day, hot_days: int) -> Moment:
    """Return from when on an export of `day` is the last one.

    That is when nothing can come late any more; or, where the group keeps records for less, shortly before
    retention begins to remove what is there, but never before the day is closed.
    """
    return max(closed(day), min(end(day) + LATE + SETTLES, whole_until(day, hot_days) - BEFORE_REMOVAL))


def phase(day: Day, hot_days: int, begun: Moment) -> Phase:
    """Return what an export of `day` is that was begun at `begun`."""
    if begun < closed(day):
        return Phase.OPEN
    return Phase.FINAL if begun >= last(day, hot_days) else Phase.PROVISIONAL


def last_closed(now: Moment) -> Day:
    """Return the newest day that is closed."""
    return of(now - SETTLES - ONE_DAY)


def days(first: Day, until: Day) -> Iterator[Day]:
    """Yield each day from `first` to `until`, both included."""
    for number in range((until - first).days + 1):
        yield first + number * ONE_DAY


def oldest_kept(hot_days: int, now: Moment) -> Day:
    """Return the oldest day of which retention has not removed everything."""
    return of(now - (hot_days + 1) * ONE_DAY) + ONE_DAY
