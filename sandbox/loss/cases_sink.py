"""A sink that is down, throttles, answers with errors that pass, or is slow."""

from __future__ import annotations

from dataclasses import replace

from sandbox.loss.case import OVERFLOWING, Case
from sandbox.loss.scale import KIB
from sandbox.loss.trial import Trial

BEFORE_SECONDS = 2.0
AFTER_SECONDS = 1.0


def _down(trial: Trial) -> None:
    with trial.load():
        trial.quiet(BEFORE_SECONDS, "every sink is up")
        with trial.fault(f"New Relic is down for {trial.seconds:g} s"):
            trial.rig.newrelic.stop()
            trial.quiet(trial.seconds, f"New Relic is down for {trial.seconds:g} s")
            trial.until(lambda: trial.queue_overflowed("newrelic"), "New Relic is down until its queue is full")
            trial.quiet(BEFORE_SECONDS, "New Relic is down, its spill takes the rest")
        trial.rig.newrelic.start()
        trial.quiet(AFTER_SECONDS, "New Relic is back")
    trial.settle()
    trial.require(trial.spilled("newrelic") > 0, "the outage was too short to reach the spill: the case proves nothing")


def _down_for_too_long(trial: Trial) -> None:
    with trial.load():
        trial.quiet(BEFORE_SECONDS, "every sink is up")
        with trial.fault(f"New Relic is down for {trial.seconds:g} s, longer than its spill lasts"):
            trial.rig.newrelic.stop()
            trial.quiet(trial.seconds, f"New Relic is down for {trial.seconds:g} s, longer than its spill lasts")
            trial.until(lambda: bool(trial.ledger.refused_at), "New Relic is down until its spill is full")
        trial.rig.newrelic.start()
        trial.quiet(AFTER_SECONDS, "New Relic is back")
    trial.settle()
    trial.require(trial.spilled("newrelic") > 0, "nothing was spilled: the case proves nothing")
    trial.require(bool(trial.ledger.refused_at), "nobody was refused: the spill never was full")
    if trial.window and trial.ledger.refused_at:
        trial.notes.append(f"first refusal {trial.ledger.refused_at[0] - trial.window[0]:.1f} s into the outage")


def _status(trial: Trial, *statuses: int, retry_after: int | None = None) -> None:
    with trial.load():
        trial.quiet(BEFORE_SECONDS, "every sink is up")
        for status in statuses:
            with trial.fault(f"New Relic answers {status}"):
                trial.rig.newrelic.faults.fail(status, retry_after)
                trial.quiet(trial.seconds / len(statuses), f"New Relic answers {status}")
            trial.rig.newrelic.faults.clear()
        trial.quiet(AFTER_SECONDS, "New Relic is back")
    trial.settle()
    found = trial.rig.newrelic.stats.statuses
    trial.require(all(found.get(status, 0) for status in statuses), f"New Relic was not asked while it failed: {found}")


def _slow(trial: Trial) -> None:
    with trial.load():
        trial.quiet(BEFORE_SECONDS, "every sink is up")
        with trial.fault("New Relic takes 2 s for each request"):
            trial.rig.newrelic.faults.delay(2.0)
            trial.quiet(trial.seconds, "New Relic takes 2 s for each request")
        trial.rig.newrelic.faults.clear()
        trial.quiet(AFTER_SECONDS, "New Relic is fast again")
    trial.settle()


CASES = (
    Case("sink-down", "a sink is down until its queue is full; the spill takes over", _down, OVERFLOWING),
    Case(
        "sink-down-too-long",
        "a sink is down until queue and spill are full; clients are refused and send again",
        _down_for_too_long,
        replace(OVERFLOWING, spill_bytes=192 * KIB),
        spill_holds=False,
        seconds=6,
    ),
    Case(
        "throttled",
        "a sink answers 429 with Retry-After",
        lambda trial: _status(trial, 429, retry_after=1),
    ),
    Case("unavailable", "a sink answers 502, 503 and 504", lambda trial: _status(trial, 502, 503, 504), seconds=6),
    Case("slow-sink", "a sink takes 2 s for each request", _slow, OVERFLOWING, rate=480),
)
