"""One run of a replay: into a collector that is started here, or into one that runs elsewhere in replay mode."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.archive.replay.carry import Options, Progress, arrived, carry
from infra.archive.replay.door import Door
from infra.archive.replay.meters import read
from infra.archive.replay.own_collector import own_collector
from infra.archive.replay.request import Replay
from infra.archive.replay.state import State

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Here:
    """A collector that the run starts beside its checkpoint."""

    executable: Path
    variables: Mapping[str, str]
    """Its environment, with the sink's key."""
    root: Path
    directory: Path


def into_own(s3: "S3Client", replay: Replay, state: State, here: Here, options: Options, progress: Progress) -> None:
    """Carry everything into a collector of the run's own and return once the sink has taken it.

    Raises ArchiveError, ReplayStoppedError; the collector is ended in either case, with what it holds on disk.
    """
    with own_collector(
        here.executable, replay.context, replay.sink, here.root, here.directory, here.variables, replay.name
    ) as collector:
        door = Door(collector.url, options.patience, collector.ended)
        state.begin()
        try:
            state.counts.unreadable += map(str, carry(s3, replay, state, door, options, progress))
            arrived(lambda: read(collector.metrics), collector.ended, options.patience, progress)
        finally:
            door.close()
            # Where its word cannot be had any more, the run counts as killed.
            with contextlib.suppress(OSError):
                state.counts.refused.update(read(collector.metrics).refused)
                state.end()


def into_running(s3: "S3Client", replay: Replay, state: State, url: str, options: Options, progress: Progress) -> None:
    """Carry everything into the collector at `url`, which keeps it on its own disk and sends it on by itself."""
    door = Door(url, options.patience)
    try:
        state.counts.unreadable += map(str, carry(s3, replay, state, door, options, progress))
    finally:
        door.close()
