"""A case as data: what it is about, what it does, and at which scale."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from infra.context import Context
from sandbox.loss.audit import Result, audit
from sandbox.loss.rig import RigError, rig
from sandbox.loss.scale import KIB, MIB, Scale
from sandbox.loss.trial import Trial

SINKS = ("cloudwatch", "newrelic", "archive")
UNCHANGED = Scale()
OVERFLOWING = Scale(queue_bytes=96 * KIB)
"""A queue that an outage of seconds fills."""


@dataclass(frozen=True)
class Case:
    """One fault."""

    name: str
    what: str
    act: Callable[[Trial], None] = field(repr=False)
    scale: Scale = UNCHANGED
    faulty: tuple[str, ...] = ("newrelic",)
    """Sinks that have the fault; the others must not notice."""
    spill_holds: bool = True
    """Whether the spill is large enough for the fault; if not, clients are refused and everybody notices."""
    seconds: float = 4.0
    """How long the fault lasts in the short form."""
    rate: float = 240.0
    change: Callable[[Context], Context] = lambda context: context


LONG_SECONDS = 600.0
LONG_QUEUE_SHARE = 60
"""In the long form, queues that overflow are this many times larger: a minute's worth, not a second's."""


def lengthened(case: Case) -> Case:
    """Return `case` as the long form runs it: a fault of ten minutes, pauses as rendered, queues in proportion."""
    scale = replace(case.scale, longest_wait="30s", flush="1s")
    if scale.queue_bytes < MIB:
        scale = replace(
            scale,
            queue_bytes=scale.queue_bytes * LONG_QUEUE_SHARE,
            spill_bytes=max(scale.spill_bytes, scale.queue_bytes * LONG_QUEUE_SHARE * 8)
            if case.spill_holds
            else scale.spill_bytes * LONG_QUEUE_SHARE,
        )
    return replace(case, scale=scale, seconds=LONG_SECONDS)


def run(
    case: Case,
    context: Context,
    executable: Path,
    directory: Path,
    say: Callable[[str], None],
    *,
    settles: float = 45.0,
) -> Result:
    """Run `case` in `directory` and return its result; a collector that fails to start or stop is a problem in it."""
    shutil.rmtree(directory, ignore_errors=True)  # an earlier run's volume would bring its records
    directory.mkdir(parents=True)
    started = time.monotonic()
    try:
        with rig(case.change(context), executable, directory, case.scale) as found:
            trial = Trial(found, case.seconds, case.rate, settles, say)
            case.act(trial)
            healthy = [sink for sink in SINKS if sink not in case.faulty]
            return audit(trial, case.name, time.monotonic() - started, healthy, spill_holds=case.spill_holds)
    except RigError as error:
        return Result(case.name, 0, 0, time.monotonic() - started, {}, {}, (), (str(error),))


def by_name(cases: tuple[Case, ...]) -> Mapping[str, Case]:
    """Return the cases by their names."""
    return {case.name: case for case in cases}
