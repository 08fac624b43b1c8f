"""What is to be done next, from what exists: pure, so that every situation can be tried."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from infra.export import days, tasks
from infra.export.days import Day, Moment, Phase
from infra.export.growth import Collected, due
from infra.export.state import Entry, State
from infra.export.targets import Target
from infra.export.tasks import Task

COUNT_EVERY = datetime.timedelta(hours=6)
"""How many hours of upload are counted together, unless a day waits for them."""
GROWS_AT_MOST_EVERY = days.ONE_DAY
"""How often a day that grows is exported again before its last export, which comes anyway."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One log group as it was found."""

    target: Target
    created: Moment | None
    """When the group was created; None when it does not exist."""
    state: State
    collected: Collected | None = None
    """Where the collector's archive holds what this group holds, what was counted there."""
    counted: bool = False
    """Whether it does."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asked for by hand; the schedule asks for every closed day."""

    first: Day
    last: Day
    asked: Moment
    """When. What was exported of an open day before is not what was asked for."""


@dataclass(frozen=True, slots=True)
class Export:
    """Create an export task."""

    target: Target
    day: Day
    attempt: int
    failed: int = 0
    """Tasks of this attempt that ended badly."""


@dataclass(frozen=True, slots=True)
class Record:
    """Write the manifest of what a task exported."""

    target: Target
    day: Day
    attempt: int
    task: Task


@dataclass(frozen=True, slots=True)
class Confirm:
    """Write down that a day's newest export stays the last."""

    target: Target
    day: Day
    entry: Entry
    reason: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Write down that a day can no longer be exported."""

    target: Target
    day: Day
    reason: str


@dataclass(frozen=True, slots=True)
class Count:
    """Count what the collector archived up to an hour of upload."""

    target: Target
    until: Moment


@dataclass(frozen=True, slots=True)
class Wait:
    """A task runs: nothing can be created before it ends."""

    task: Task


Step = Export | Record | Confirm | Gap | Count | Wait


@dataclass
class Plan:
    """Steps in the order in which they are worth trying, and what there is to say about groups."""

    steps: list[Step] = field(default_factory=list)
    missing: dict[str, list[Day]] = field(default_factory=dict)
    """Closed days without any manifest, by log group, oldest first."""
    said: dict[str, str] = field(default_factory=dict)
    """Why nothing is done for a group, by log group."""


def plan(groups: Sequence[Seen], known: Sequence[Task], now: Moment, wanted: Wanted | None = None) -> Plan:
    """Return what is to be done: manifests of what is there first, then the oldest day, then counting.

    A day whose tasks keep failing lets the others pass. With `wanted` only those days count, open ones included.
    """
    by_name: dict[str, list[Task]] = defaultdict(list)
    for task in known:
        by_name[task.name].append(task)
    result = Plan()
    manifests: list[Record | Confirm | Gap] = []
    exports: list[Export] = []
    counts: list[Count] = []
    for seen in groups:
        name, waits = seen.target.log_group, False
        unknown = [day for day in _due(seen, now, wanted) if not _known(seen, day) and day <= days.last_closed(now)]
        if unknown and seen.target.bucket and (seen.created or seen.state.first):
            result.missing[name] = unknown
        if reason := _nothing_to_do(seen):
            result.said[name] = reason
            continue
        if wanted is not None and seen.created and wanted.first < (young := days.of(seen.created)):
            result.said[name] = f"the log group was made on {young}: CloudWatch Logs exports nothing of days before it"
        for day in _due(seen, now, wanted):
            match _next(seen, day, by_name, now, wanted):
                case Export() as step:
                    exports.append(step)
                case "counts":
                    waits = True
                case None:
                    pass
                case step:
                    manifests.append(step)
        if (behind := _behind(seen, now)) >= COUNT_EVERY or (waits and behind > datetime.timedelta()):
            counts.append(Count(seen.target, due(now)))
    active = [task for task in known if task.active]
    manifests.sort(key=lambda step: (step.day, step.target.log_group))
    exports.sort(key=lambda step: (step.failed, step.day, step.target.log_group))
    counts.sort(key=lambda step: step.target.log_group)
    waiting = [Wait(min(active, key=lambda task: task.created))] if active else []
    result.steps = [*manifests, *([] if active else exports), *counts, *waiting]
    return result


def _nothing_to_do(seen: Seen) -> str:
    if seen.target.bucket is None:
        return f"the class {seen.target.cls} has no archive: nothing is exported"
    if seen.created is None:
        return "the log group does not exist: it was deleted, or is not made yet; what was exported before stays"
    return ""


def _known(seen: Seen, day: Day) -> bool:
    return day in seen.state.days or seen.state.done(day)


def _due(seen: Seen, now: Moment, wanted: Wanted | None) -> Iterator[Day]:
    """Yield each day that something might have to be done for, oldest first."""
    kept_from = days.oldest_kept(seen.target.hot_days, now)
    there_from = max(kept_from, days.of(seen.created)) if seen.created else datetime.date.max
    # Days before the group, and before what retention has left, are holes only in a chain that had begun by then.
    first = min(there_from, seen.state.first or datetime.date.max)
    until = days.last_closed(now)
    if wanted is not None:
        first, until = max(wanted.first, first), min(wanted.last, days.of(now))
    for day in days.days(first, until):
        if not seen.state.done(day):
            yield day


def _next(
    seen: Seen, day: Day, by_name: Mapping[str, Collection[Task]], now: Moment, wanted: Wanted | None
) -> Record | Export | Confirm | Gap | Literal["counts"] | None:
    """Return the next step for `day`; "counts" where what the collector archived has to be counted first."""
    target, attempt = seen.target, seen.state.attempt(day)
    mine = by_name.get(tasks.name(target, day, attempt), ())
    if any(task.active for task in mine):
        return None
    if whole := [task for task in mine if task.state == "COMPLETED"]:
        # Of two, made because the first was not listed yet, the first counts and the other is ignored.
        return Record(target, day, attempt, min(whole, key=lambda task: (task.created, task.id)))
    again = Export(target, day, attempt, sum(task.state in tasks.ENDED_BADLY for task in mine))
    entry, lost = seen.state.days.get(day), _lost(seen, day, now)
    if entry is None:
        return Gap(target, day, lost) if lost else again
    phase = days.phase(day, target.hot_days, now)
    if lost and phase is Phase.FINAL:
        return Confirm(target, day, entry, f"{lost} before it could be exported once more")
    if entry.phase is Phase.OPEN:
        asked_again = wanted is not None and entry.begun < wanted.asked
        return again if phase > Phase.OPEN or asked_again else None
    counted = seen.collected.of(day) if seen.collected else None
    if phase is Phase.FINAL:
        if seen.counted and (seen.collected is None or seen.collected.until < _complete(day, target, now)):
            return "counts"
        if counted == entry.collected == entry.records:
            return Confirm(target, day, entry, "the collector has archived as many records of this day as it holds")
        return again
    grew = counted is not None and entry.collected is not None and counted > entry.collected
    return again if grew and now - entry.begun >= GROWS_AT_MOST_EVERY else None


def _complete(day: Day, target: Target, now: Moment) -> Moment:
    """Return up to which hour of upload must be counted before the last word on `day`."""
    return min(days.end(day) + days.LATE, due(now), days.last(day, target.hot_days))


def _lost(seen: Seen, day: Day, now: Moment) -> str:
    if days.gone(day, seen.target.hot_days) <= now:
        return "retention removed it from the log group"
    if seen.created and days.end(day) <= seen.created:
        return "the log group was created after it"
    return ""


def _behind(seen: Seen, now: Moment) -> datetime.timedelta:
    """Return how much of what the collector uploaded is not counted yet."""
    if not seen.counted:
        return datetime.timedelta()
    return due(now) - seen.collected.until if seen.collected else COUNT_EVERY
