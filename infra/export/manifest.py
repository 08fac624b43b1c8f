"""What a manifest says about one export of one day."""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from infra.export import days
from infra.export.chain import Link
from infra.export.days import Day, Moment, Phase
from infra.export.measure import Measured
from infra.export.state import Entry, State
from infra.export.targets import Assignment, Target
from infra.export.tasks import Task

VERSION = 1


class Kind(StrEnum):
    """What a link of the chain records."""

    EXPORT = "export"
    """A day was exported; no objects mean that the day was empty."""
    CONFIRMED = "confirmed"
    """The newest export of the day stays the last: nothing came after it, or nothing is left to export."""
    GAP = "gap"
    """The day can no longer be exported."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to be written down about a day."""

    kind: Kind
    day: Day
    entry: Entry
    reason: str = ""
    task: Task | None = None
    measured: tuple[Measured, ...] = ()


def exported(
    target: Target, day: Day, attempt: int, task: Task, measured: tuple[Measured, ...], collected: int | None
) -> Finding:
    """Return the finding that `task` exported `day`, as the objects in `measured`."""
    records = sum(item.records for item in measured)
    entry = Entry(attempt, days.phase(day, target.hot_days, task.created), records, collected, task.created)
    return Finding(Kind.EXPORT, day, entry, task=task, measured=measured)


def body(
    assignment: Assignment, target: Target, head: Link | None, state: State, finding: Finding, now: Moment
) -> dict[str, Any]:
    """Return the body of the link that follows `head` and records `finding`."""
    entry, task = finding.entry, finding.task
    times = [item for it in finding.measured for item in (it.first_event, it.last_event) if item]
    return {
        "version": VERSION,
        "group": target.log_group,
        "class": target.cls,
        "bucket": target.bucket,
        "sequence": head.sequence + 1 if head else 1,
        "previous": head.digest if head else None,
        # When the one before it goes, by policy: a chain whose beginning expired can be told from one that was cut.
        "previous_written": head.body["written"] if head else None,
        "kind": finding.kind.value,
        "reason": finding.reason,
        "day": finding.day.isoformat(),
        "attempt": entry.attempts,
        "phase": entry.phase.name.lower(),
        # Retention removes records of a day from this moment on; an export begun later is what was left.
        "whole": finding.kind is Kind.EXPORT and entry.begun <= days.whole_until(finding.day, target.hot_days),
        "task": {"id": task.id, "name": task.name, "created": _iso(task.created)} if task else None,
        "objects": [asdict(item) for item in finding.measured],
        "bytes": sum(item.size for item in finding.measured),
        "records": entry.records,
        "first_event": min(times, default=None),
        "last_event": max(times, default=None),
        "collected": entry.collected,
        "policy": assignment.policy_digest,
        "code": assignment.code_version,
        "written": _iso(now),
        "state": state.after(finding.day, entry).document(),
    }


def confirmed(day: Day, entry: Entry, reason: str) -> Finding:
    """Return the finding that the export which `entry` describes stays the last one of `day`."""
    return Finding(
        Kind.CONFIRMED,
        day,
        Entry(entry.attempts, Phase.FINAL, entry.records, entry.collected, entry.begun),
        reason=reason,
    )


def gap(day: Day, reason: str, now: Moment) -> Finding:
    """Return the finding that `day` can no longer be exported."""
    return Finding(Kind.GAP, day, Entry(0, Phase.FINAL, 0, None, now), reason=reason)


def _iso(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds")
