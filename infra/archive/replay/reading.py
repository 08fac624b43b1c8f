"""The records of a replay, in the order in which they are sent, and why others are left out."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.archive.errors import ArchiveError
from infra.archive.objects import ArchiveObject, Form, collected, exported
from infra.archive.records import ArchivedRecord, records
from infra.archive.replay.request import Replay

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OUTSIDE, OTHER_CLASS, NOT_ARCHIVED = "outside the window", "of another class", "not from a collector"
"""Why a record is left out: by its time; by its class, which no bucket should hold; for want of uid and class."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a replay has come: a form, an object of it, and how many of that object's records are done."""

    form: Form
    key: str
    done: int


@dataclass
class Reading:
    """How far the reading is, and what it met besides what is sent."""

    place: Place | None = None
    left_out: Counter[str] = field(default_factory=Counter)
    unreadable: list[ArchiveError] = field(default_factory=list)
    """Objects of which only what was whole was read."""


def listed(s3: "S3Client", replay: Replay, place: Place | None = None) -> Iterator[ArchiveObject]:
    """Yield the objects that may hold records of the replay, form by form, from that of `place` on."""
    for form in replay.forms:
        if place is not None and replay.forms.index(place.form) > replay.forms.index(form):
            continue
        here = place.key if place is not None and place.form is form else ""
        # A listing goes on after a key; the object itself, which may be half done, comes after all but its last letter.
        after = here[:-1]
        if form is Form.COLLECTED:
            found = collected(s3, replay.bucket, replay.window, late=replay.late, after=after)
        else:
            found = exported(s3, replay.bucket, replay.window, after=after)
        yield from (item for item in found if item.key >= here)


def wanted(
    s3: "S3Client",
    replay: Replay,
    reading: Reading,
    finished: Callable[[ArchiveObject], None],
    *,
    past_unreadable: bool,
) -> Iterator[ArchivedRecord]:
    """Yield each record to be sent, from `reading.place` on, which keeps up with what was yielded.

    `finished` is told of each object that was read. Raises ArchiveError for an object that cannot be read to its end,
    unless `past_unreadable`; it is then noted.
    """
    begin = reading.place
    for item in listed(s3, replay, begin):
        start = begin.done if begin is not None and (begin.form, begin.key) == (item.form, item.key) else 0
        try:
            for record in records(s3, item, start):
                reading.place = Place(item.form, item.key, record.number + 1)
                if reason := why_not(replay, record):
                    reading.left_out[reason] += 1
                else:
                    yield record
        except ArchiveError as error:
            if not past_unreadable:
                raise
            reading.unreadable.append(error)
        finished(item)


def why_not(replay: Replay, record: ArchivedRecord) -> str:
    """Return why `record` is not replayed; empty where it is."""
    if record.time_ns not in replay.window:
        return OUTSIDE
    if not record.uid or not record.cls:
        return NOT_ARCHIVED
    return "" if record.cls == replay.cls else OTHER_CLASS
