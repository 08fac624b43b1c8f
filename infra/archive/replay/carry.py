"""The replay itself: read, leave out what was sent before, hand over at the rate, note, and wait until it has arrived."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from infra.archive.errors import ArchiveError
from infra.archive.objects import ArchiveObject
from infra.archive.replay.batch import Batch
from infra.archive.replay.errors import ReplayStoppedError
from infra.archive.replay.meters import Meters
from infra.archive.replay.pace import Pace
from infra.archive.replay.reading import Reading, wanted
from infra.archive.replay.request import Replay
from infra.archive.replay.state import State

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

POLL_SECONDS = 0.25
NO_ANSWER = {"_OTHER": "nothing, or nothing that HTTP knows"}
"""What the collector's metrics call an attempt that had no answer."""


class Progress(Protocol):
    """Whoever is told how far it is."""

    def object_done(self, item: ArchiveObject) -> None:
        """One object was read to its end."""

    def sent(self, records: int) -> None:
        """So many more records were handed over."""

    def waiting(self, meters: Meters) -> None:
        """Everything was handed over, and the sink has not taken all of it."""


class Taker(Protocol):
    """Whoever takes batches; in a replay, infra/archive/replay/door.py."""

    def hand_over(self, body: bytes) -> None:
        """Return once `body` is kept. Raises ReplayStoppedError when it is not."""


@dataclass(frozen=True)
class Options:
    """How a replay goes about it."""

    rate: float
    """Records a second."""
    patience: float
    """Seconds in which something has to move."""
    past_unreadable: bool
    """Whether objects that cannot be read to their end are noted and passed over."""


def carry(
    s3: "S3Client", replay: Replay, state: State, door: Taker, options: Options, progress: Progress
) -> list[ArchiveError]:
    """Hand over every record of `replay` that `state` does not hold yet, and return what could not be read.

    Raises ArchiveError, ReplayStoppedError; `state` then says where to go on.
    """
    pace, batch = Pace(options.rate), Batch()
    reading = Reading(state.place, state.counts.left_out)
    for record in wanted(s3, replay, reading, progress.object_done, past_unreadable=options.past_unreadable):
        if not batch.add(record):
            state.counts.seen_before += 1
        if batch.full:
            _hand_over(batch, state, door, pace, progress, reading)
            batch = Batch()
    _hand_over(batch, state, door, pace, progress, reading)
    return reading.unreadable


def _hand_over(batch: Batch, state: State, door: Taker, pace: Pace, progress: Progress, reading: Reading) -> None:
    before = state.sent_before(batch.uids)
    new = [uid for uid in batch.uids if uid not in before]
    if new:
        pace.wait(len(new))
        door.hand_over(batch.body(without=before))
        progress.sent(len(new))
    state.counts.sent += len(new)
    state.counts.seen_before += len(before)
    state.note(reading.place, new)


def arrived(meters: Callable[[], Meters], ended: Callable[[], str], patience: float, progress: Progress) -> Meters:
    """Return what the collector counted once the sink has taken everything.

    Raises ReplayStoppedError when nothing moves for `patience` seconds, or the collector has ended; what it holds is
    on disk then, and the next run sends it.
    """
    last, moved_at, steady = Meters(), time.monotonic(), 0
    while True:
        if reason := ended():
            raise ReplayStoppedError(reason)
        try:
            now = meters()
        except OSError as error:
            raise ReplayStoppedError(f"the collector's metrics cannot be read ({error})") from None
        # Twice: a batch that is on its way from one queue to the next is in neither for a moment.
        steady = steady + 1 if now.through and now == last else 0
        if steady > 1:
            return now
        if (now.sent, now.passed, now.accepted, now.waiting) != (last.sent, last.passed, last.accepted, last.waiting):
            moved_at = time.monotonic()
        if time.monotonic() - moved_at > patience:
            raise ReplayStoppedError(_stuck(now, patience))
        last = now
        progress.waiting(now)
        time.sleep(POLL_SECONDS)


def _stuck(now: Meters, patience: float) -> str:
    told = ", ".join(NO_ANSWER.get(reason, reason) for reason, _ in now.failures.most_common(3))
    answers = f"; what it answered: {told}" if told else ""
    return f"the sink took nothing for {patience:g} s while {now.waiting:,} bytes wait for it{answers}"
