"""The disk under all queues is full: every sink pushes back.

The settings' own check keeps a stack from getting there, and for a reason: a queue is read by writing to it, and the
collector gives up the record whose write fails (exporterhelper v0.158, persistent_queue.go, getNextItem). What that
costs is counted here, and comes back from the archive.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.loss.case import Case
from sandbox.loss.cases_sink import AFTER_SECONDS, BEFORE_SECONDS
from sandbox.loss.replay import replay
from sandbox.loss.scale import MIB, Scale, scaled
from sandbox.loss.trial import Trial

DISK_MIB = 3
STORE_BYTES = 2 * MIB


def _full(trial: Trial) -> None:
    with _small_disk(trial.rig.directory) as disk:
        trial.rig.kill()
        if disk:
            trial.rig.volume = disk
        else:
            trial.rig.config = scaled(trial.rig.config, Scale(store_bytes=STORE_BYTES))
        trial.rig.start()
        trial.notes.append(f"a disk of {DISK_MIB} MiB" if disk else "no right to mount: each queue's file limited")
        with trial.load(rate=trial.rate):
            trial.quiet(BEFORE_SECONDS, "every sink is up")
            with trial.fault("New Relic is down until the disk is full"):
                trial.rig.newrelic.stop()
                trial.until(lambda: bool(trial.ledger.refused_at), "New Relic is down until the disk is full")
                trial.quiet(trial.seconds, "New Relic is down and the disk is full")
            trial.rig.newrelic.start()
            trial.quiet(AFTER_SECONDS, "New Relic is back")
        trial.settle("cloudwatch", "archive")
        trial.drain("newrelic")
        lost = len(trial.missing("newrelic"))
        trial.say("replaying what is missing from the archive")
        replay(trial, "newrelic")
        trial.notes.append(f"{lost:,} lost from the full store, {trial.recovered['newrelic']:,} brought back by replay")
        trial.require(bool(trial.ledger.refused_at), "nobody was refused: the disk never was full")
        trial.rig.kill()


@contextmanager
def _small_disk(directory: Path) -> Iterator[Path | None]:
    """Yield a file system of its own in memory, or None where this user may not mount one."""
    path = directory / "disk"
    path.mkdir()
    mounted = os.geteuid() == 0 and (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(path)],
            capture_output=True,
            check=False,
        ).returncode
        == 0
    )
    try:
        yield path if mounted else None
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(path)], check=True)


CASES = (
    Case(
        "disk-full",
        "a sink is down until the disk under every queue is full; all push back together",
        _full,
        spill_holds=False,
        seconds=3,
        rate=1200,
    ),
)
