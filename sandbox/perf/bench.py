"""Every stage measured in turn, and again, so that what else the machine does hits all of them alike."""

import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.perf import load
from sandbox.perf.measure import Measured, measure
from sandbox.perf.stages import Cut
from sandbox.perf.surroundings import variables

Say = Callable[[str], None]
FEWEST_ROUNDS, MOST_ROUNDS = 2, 2000


@dataclass(frozen=True)
class Row:
    """A cut's cost (µs of CPU a record, median of the repeats) and its peak memory (bytes, the highest)."""

    stage: str
    after: str | None
    """The stage that this one is compared with."""
    gogc: int
    microseconds: float
    spread: float
    """Largest less smallest of the repeats (µs)."""
    peak_rss_bytes: int
    records: int
    refusals: int

    @property
    def per_cpu_second(self) -> float:
        """Return records per CPU-second of everything up to here."""
        return 1_000_000 / self.microseconds


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    cpu_seconds: float
    """CPU time (s) that one measurement is meant to use; fewer are coarse."""
    repeats: int
    gogc: tuple[int, ...]


def bench(executable: Path, cuts: Sequence[Cut], lines: Sequence[str], sink: str, plan: Plan, say: Say) -> list[Row]:
    """Return a row for each of `cuts` and each GOGC, in that order, measured with OTLP over HTTP from `lines`."""
    requests = load.payloads([*lines, *lines])
    found: dict[tuple[int, int], list[Measured]] = {}
    rounds: dict[int, int] = {}
    for repeat in range(plan.repeats):
        for gogc in plan.gogc:
            for number, cut in enumerate(cuts):
                say(f"{cut.stage}, GOGC {gogc}, {repeat + 1} of {plan.repeats}")
                if number not in rounds:
                    rounds[number] = _enough(_run(executable, cut.config, requests, FEWEST_ROUNDS, sink, gogc), plan)
                found.setdefault((number, gogc), []).append(
                    _run(executable, cut.config, requests, rounds[number], sink, gogc)
                )
    return [_row(cut, gogc, found[number, gogc]) for gogc in plan.gogc for number, cut in enumerate(cuts)]


def _run(
    executable: Path, config: Mapping[str, Any], requests: Sequence[bytes], rounds: int, sink: str, gogc: int
) -> Measured:
    with tempfile.TemporaryDirectory(prefix="perf-") as data:
        environment = variables(config, sink, Path(data))
        return measure(executable, config, requests, rounds=rounds, environment=environment, gogc=gogc)


def _enough(pilot: Measured, plan: Plan) -> int:
    """Return the rounds that use about the planned CPU time."""
    a_round = max(pilot.cpu_seconds, 0.01) / FEWEST_ROUNDS
    return min(MOST_ROUNDS, max(FEWEST_ROUNDS, round(plan.cpu_seconds / a_round)))


def _row(cut: Cut, gogc: int, runs: Sequence[Measured]) -> Row:
    costs = [run.microseconds_per_record for run in runs]
    return Row(
        cut.stage,
        cut.after,
        gogc,
        statistics.median(costs),
        max(costs) - min(costs),
        max(run.peak_rss_bytes for run in runs),
        sum(run.records for run in runs),
        sum(run.refusals for run in runs),
    )
