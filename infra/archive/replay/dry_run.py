"""What a replay would send, counted by day and by object, with nothing sent and nothing noted."""

import datetime
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.archive.errors import ArchiveError
from infra.archive.objects import ArchiveObject
from infra.archive.records import records
from infra.archive.replay.reading import listed, why_not
from infra.archive.replay.request import Replay

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DAY_NS = 86_400 * 10**9
MOST_OBJECTS = 50
"""Lines of a table that somebody still reads."""


@dataclass(frozen=True)
class OfObject:
    """What one object holds of the replay."""

    item: ArchiveObject
    records: int
    left_out: int


@dataclass
class Found:
    """What a dry run found."""

    by_day: Counter[tuple[datetime.date, str]] = field(default_factory=Counter)
    """Day (UTC) of the event and form, to records that would be sent, before those of one uid are made one."""
    left_out: Counter[str] = field(default_factory=Counter)
    objects: int = 0
    """Those that hold any."""
    first: list[OfObject] = field(default_factory=list)
    """The first of them, up to MOST_OBJECTS, in the order in which they are read: a year has millions."""
    read: int = 0
    """Objects that were read."""
    bytes_read: int = 0
    """As stored."""
    unreadable: list[ArchiveError] = field(default_factory=list)

    @property
    def records(self) -> int:
        """Return how many records would be sent."""
        return sum(self.by_day.values())


def look(s3: "S3Client", replay: Replay, finished: Callable[[ArchiveObject], None]) -> Found:
    """Return what `replay` would send; `finished` is told of each object. Objects that cannot be read are noted."""
    found = Found()
    for item in listed(s3, replay):
        _count(s3, replay, item, found)
        found.read += 1
        found.bytes_read += item.size_bytes
        finished(item)
    return found


def _count(s3: "S3Client", replay: Replay, item: ArchiveObject, found: Found) -> None:
    days: Counter[int] = Counter()
    left_out: Counter[str] = Counter()
    try:
        for record in records(s3, item):
            if reason := why_not(replay, record):
                left_out[reason] += 1
            else:
                days[record.time_ns // DAY_NS] += 1
    except ArchiveError as error:
        found.unreadable.append(error)
    found.by_day.update({(_day(number), item.form.value): count for number, count in days.items()})
    found.left_out.update(left_out)
    if days:
        found.objects += 1
        if found.objects <= MOST_OBJECTS:
            found.first.append(OfObject(item, days.total(), left_out.total()))


def _day(number: int) -> datetime.date:
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=number)
