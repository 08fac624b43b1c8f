"""The audit of one case: what was acknowledged against what each sink holds, and how long it took to get there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sandbox.demo.counters import counted, parsed
from sandbox.loss.trial import Trial

AFFECTED_SECONDS = 2.0
"""By how much a healthy sink's p99 may grow while another is down: retries and the machine's own noise."""
RETRYABLE = ("429", "502", "503", "504")


@dataclass(frozen=True)
class Delay:
    """Seconds from a record's first attempt to its arrival; None where there was none to measure."""

    p50: float | None
    p99: float | None


@dataclass(frozen=True)
class SinkResult:
    """One sink after the case."""

    expected: int
    delivered: int
    duplicates: int
    recovered: int
    """Of those delivered: by replay from the archive."""
    lost: int
    spilled: int
    before: Delay
    during: Delay


@dataclass(frozen=True)
class Result:
    """One case after it ran."""

    name: str
    acknowledged: int
    refused: int
    """Requests that the collector refused so that the client sends again."""
    seconds: float
    sinks: dict[str, SinkResult]
    dropped: dict[str, int]
    """Reason to records, from the collector's own counters."""
    notes: tuple[str, ...]
    problems: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Return whether nothing was lost and everything else was as the case demands."""
        return not self.problems


def audit(trial: Trial, name: str, seconds: float, healthy: Iterable[str], *, spill_holds: bool) -> Result:
    """Return the result of a case that took `seconds`.

    `healthy` are the sinks that had no fault. `spill_holds` says that no spill was full, so that nobody else may
    have noticed anything.
    """
    ledger = trial.ledger
    sinks = {sink: _sink(trial, sink) for sink in trial.rig.sinks}
    problems = list(trial.problems)
    problems += [f"{item.lost:,} acknowledged records lost at {sink}" for sink, item in sinks.items() if item.lost]
    problems += [] if ledger.acknowledged else ["nothing was acknowledged: the case proves nothing"]
    answers = set(ledger.answers) - {"200", *RETRYABLE}
    if any(answer.isdigit() for answer in answers):
        problems.append(f"the collector answered {', '.join(sorted(answers))}: a client would give the batch up")
    if spill_holds and trial.window is not None:
        start, end = trial.window
        early = sum(start <= at <= end for at in ledger.refused_at)
        problems += [f"{early} requests refused although no spill was full"] if early else []
        problems += [text for sink in healthy if (text := _affected(sink, sinks[sink]))]
    for sink, found in trial.rig.sinks.items():
        problems += [f"{found.arrivals.marks_left} records at {sink} bear the spill's mark"] * (
            found.arrivals.marks_left > 0
        )
    if not any("/quarantine/" in path for path in trial.rig.archive.objects):
        problems.append("nothing was withheld: the case proves nothing about quarantine")
    strangers = {uid for found in trial.rig.sinks.values() for uid in found.arrivals.first} - set(ledger.sent_at)
    problems += [f"{len(strangers)} records arrived that were never sent"] if strangers else []
    return Result(
        name=name,
        acknowledged=len(ledger.acknowledged),
        refused=sum(ledger.answers[answer] for answer in RETRYABLE),
        seconds=seconds,
        sinks=sinks,
        dropped=dropped(trial),
        notes=tuple(trial.notes),
        problems=tuple(problems),
    )


def dropped(trial: Trial) -> dict[str, int]:
    """Return the records that the collector counts as dropped, by reason; nothing else may be missing anywhere."""
    found: dict[str, int] = {}
    for page in [*trial.rig.pages, trial.rig.metrics()]:
        did = counted(parsed(page))
        for (cls, rule), count in did.dropped.items():
            found[f"{cls}: {rule}"] = found.get(f"{cls}: {rule}", 0) + count
        for rule, count in did.dropped_unclassified.items():
            found[rule] = found.get(rule, 0) + count
    for exporter in trial.rig.config["exporters"]:
        if count := refused_for_good(trial, exporter):
            found[f"refused by {exporter.partition('/')[2]}"] = count
    return {reason: count for reason, count in found.items() if count}


def refused_for_good(trial: Trial, exporter: str) -> int:
    """Return the records of batches that a sink's answer told the exporter to give up; 0 where a hop sends them again."""
    if f"otlp_http/hop-{exporter.partition('/')[2]}" in trial.rig.config["exporters"]:
        return 0
    return trial.total("otelcol_exporter_send_failed_log_records", exporter=exporter, error_permanent="true")


def _sink(trial: Trial, sink: str) -> SinkResult:
    arrivals, ledger = trial.rig.sinks[sink].arrivals, trial.ledger
    expected = {kind for kind, names in trial.rig.expected().items() if sink in names}
    owed = {uid for uid in ledger.acknowledged if ledger.kinds[uid] in expected}
    delays = {
        uid: at - ledger.sent_at[uid] for uid, at in arrivals.first.items() if uid in owed and uid in ledger.sent_at
    }
    start, end = trial.window or (float("inf"), float("inf"))
    lost = owed - set(arrivals.first)
    return SinkResult(
        expected=len(owed),
        delivered=len(owed) - len(lost),
        duplicates=arrivals.duplicates,
        recovered=trial.recovered.get(sink, 0),
        lost=len(lost),
        spilled=trial.spilled(sink),
        before=_delay(delay for uid, delay in delays.items() if ledger.sent_at[uid] < start),
        during=_delay(delay for uid, delay in delays.items() if start <= ledger.sent_at[uid] <= end),
    )


def _affected(sink: str, result: SinkResult) -> str:
    before, during = result.before.p99, result.during.p99
    if before is None or during is None:
        return f"no delay of {sink} could be measured: the case proves nothing"
    if during > before + AFFECTED_SECONDS:
        return f"{sink} was affected: p99 rose from {before:.2f} s to {during:.2f} s"
    return ""


def _delay(values: Iterable[float]) -> Delay:
    ordered = sorted(values)
    if not ordered:
        return Delay(None, None)
    return Delay(ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))])
