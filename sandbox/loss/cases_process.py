"""The collector itself goes: killed, stopped, replaced on its volume or on a new one; or its clients' clocks jump."""

from __future__ import annotations

import time
from dataclasses import replace

from sandbox.loss.case import OVERFLOWING, Case
from sandbox.loss.cases_sink import BEFORE_SECONDS
from sandbox.loss.replay import replay
from sandbox.loss.trial import Trial

KILLS = 2
STOP_TIMEOUT_SECONDS = 120.0
"""What ECS gives a container between SIGTERM and SIGKILL (infra/documents/container.py)."""
DAY_NS = 24 * 3600 * 10**9


def _killed(trial: Trial) -> None:
    with trial.load():
        for _ in range(KILLS):
            trial.quiet(trial.seconds / KILLS, "under load")
            trial.say("kill -9")
            trial.rig.kill()
            trial.rig.start()
        trial.quiet(1.0, "started again on the same volume")
    trial.settle()


def _stopped(trial: Trial) -> None:
    with trial.load():
        trial.quiet(trial.seconds, "under load")
        took = trial.rig.terminate()
        trial.require(took < STOP_TIMEOUT_SECONDS, f"SIGTERM took {took:.1f} s")
        left = {sink: len(trial.missing(sink)) for sink in trial.rig.sinks}
        trial.rig.start()
        trial.quiet(1.0, "started again on the same volume")
    trial.settle()
    trial.notes.append(f"stopped in {took:.1f} s; on disk until the next start: {_listed(left)}")


def _replaced(trial: Trial) -> None:
    with trial.load():
        trial.quiet(BEFORE_SECONDS, "every sink is up")
        trial.rig.newrelic.stop()
        trial.quiet(trial.seconds, "New Relic is down: its queue and its spill fill")
        trial.until(lambda: trial.queue_overflowed("newrelic"), "New Relic is down until its queue is full")
        trial.quiet(1.0, "New Relic is down, its spill takes the rest")
        trial.rig.kill()
        trial.rig.start()
        trial.quiet(BEFORE_SECONDS, "a new process on the same volume")
        trial.rig.newrelic.start()
    trial.settle()
    trial.require(trial.spilled("newrelic") > 0, "nothing was spilled: the case proves nothing")


def _replaced_on_a_new_volume(trial: Trial) -> None:
    with trial.load():
        trial.quiet(BEFORE_SECONDS, "every sink is up")
        trial.rig.newrelic.stop()
        trial.quiet(trial.seconds, "New Relic is down")
    trial.say("no more traffic: what deregistration gives a task before it is stopped")
    trial.settle("cloudwatch", "archive")
    trial.rig.terminate()
    trial.rig.newrelic.start()
    trial.rig.volume = trial.rig.directory / "new-volume"
    trial.rig.start()
    with trial.load():
        trial.quiet(1.0, "a new task on a new volume")
    trial.settle("cloudwatch", "archive")
    time.sleep(1.0)
    left = len(trial.missing("newrelic"))
    trial.require(left > 0, "nothing was left on the old volume: the case proves nothing")
    trial.say("replaying what is missing from the archive")
    replay(trial, "newrelic")
    trial.notes.append(f"{left:,} were left on the old volume, {trial.recovered['newrelic']:,} brought back by replay")


def _clocks(trial: Trial) -> None:
    now = time.time_ns()
    jumps = {
        "audit": now - 20 * DAY_NS,
        "access": now + DAY_NS,
        "client": 1,
        "application": 2**63 - 1,
    }
    with trial.load(jumps):
        trial.quiet(trial.seconds, "clients' clocks are 20 days behind, a day ahead, at 1970 and at 2262")
    trial.settle()
    trial.notes.append(
        "clients' clocks only: a Go process takes no false clock, and its pauses run by the monotonic one"
    )


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} for {sink}" for sink, count in counts.items() if count) or "nothing"


CASES = (
    Case("killed", "kill -9 twice under load, started again on the same volume", _killed, faulty=()),
    Case("stopped", "SIGTERM under load, started again on the same volume", _stopped, faulty=()),
    Case(
        "replaced",
        "a sink is down, the process is killed, a new one starts on the same volume",
        _replaced,
        replace(OVERFLOWING),
    ),
    Case(
        "replaced-new-volume",
        "a sink is down, the task is replaced on a new volume; what is left behind is replayed",
        _replaced_on_a_new_volume,
    ),
    Case("clock-jump", "records whose clocks jumped by days and decades", _clocks, faulty=(), seconds=2),
)
