"""One run: look at what exists, take the one next step, and say what was done and what is left."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from infra.export import days, growth, ledger, manifest, presence, tasks
from infra.export.answers import explained
from infra.export.chain import Link
from infra.export.days import Day, Moment
from infra.export.ledger import World
from infra.export.measure import measure
from infra.export.plan import Confirm, Count, Export, Gap, Plan, Record, Seen, Step, Wait, Wanted, plan
from infra.export.problems import ExportError, LaterError, TakenError
from infra.export.state import State
from infra.export.targets import Target

RESERVE_SECONDS = 120.0
"""What must be left of a run's time to begin with another object or another hour."""


@dataclass
class Report:
    """What one run did and found. Groups are named by their log group."""

    done: str = "nothing to do"
    kind: str = "nothing"
    """export, record, measure, confirm, gap, count, wait, or nothing."""
    cls: str = ""
    group: str = ""
    day: Day | None = None
    steps_left: int = 0
    """Steps that could be seen from here, the one that was taken among them."""
    days_left: int = 0
    """Days that something has to be done for, or waits for a task."""
    closed_missing: dict[str, list[Day]] = field(default_factory=dict)
    """Closed days without a manifest, oldest first."""
    said: dict[str, str] = field(default_factory=dict)
    """Why nothing is done for a group."""
    problems: dict[str, list[str]] = field(default_factory=dict)
    """What a person has to put right."""
    failed_tasks: dict[str, int] = field(default_factory=dict)
    """Export tasks that ended badly and have not been made good, by class."""
    gone: dict[str, int] = field(default_factory=dict)
    """Objects that the manifest looked at in this run names and that are not as it says, by class."""
    exported_bytes: int = 0
    duration_seconds: float = 0.0
    """From the creation of a recorded task to its end."""


def take_step(
    world: World, now: Moment, *, left: Callable[[], float] = lambda: math.inf, wanted: Wanted | None = None
) -> Report:
    """Take the one next step and return what was done. `left` says how much of the run's time is left, in seconds.

    What cannot be done is among the report's problems and keeps no other group from its turn. Raises LaterError when
    AWS asks for patience before anything is known.
    """
    report, heads, groups = Report(), {}, []
    with explained("listing export tasks", "logs:DescribeExportTasks"):
        known = tasks.listed(world.logs)
    for target in world.assignment.targets:
        try:
            created, head = _created(world, target), ledger.head(world.s3, target) if target.bucket else None
            counted = world.assignment.counted(target)
            total = ledger.collected(world.s3, target) if counted else None
            if head is not None:
                lost = presence.missing(world, target, head, now)
                report.gone[target.cls] = report.gone.get(target.cls, 0) + lost
        except ExportError as error:
            report.problems.setdefault(target.log_group, []).append(str(error))
            continue
        heads[target] = head
        groups.append(Seen(target, created, head.state if head else State(), total, counted))
    found = plan(groups, known, now, wanted)
    report.steps_left, report.closed_missing, report.said = len(found.steps), found.missing, found.said
    report.days_left = len(
        {(_of(step), getattr(step, "day", None)) for step in found.steps if not isinstance(step, Count)}
    )
    report.failed_tasks = _failed(found)
    for step in found.steps:
        if not isinstance(step, Wait) and step.target.log_group in report.problems:
            continue
        try:
            _take(world, step, heads, now, left, report)
        except TakenError as other:
            report.kind, report.done = "wait", f"another run was faster ({other})"
        except LaterError as later:
            report.kind, report.done = "wait", str(later)
        except ExportError as error:
            report.problems.setdefault(_of(step), []).append(str(error))
            continue
        break
    return report


def _take(
    world: World,
    step: Step,
    heads: dict[Target, Link | None],
    now: Moment,
    left: Callable[[], float],
    report: Report,
) -> None:
    match step:
        case Wait(task):
            report.kind, report.done = "wait", f"task {task.name} is {task.state}"
            return
        case Count(target, until):
            report.kind, report.done = "count", _count(world, target, until, now, left)
        case Export(target, day, attempt):
            with explained(
                f"exporting {day} of {target.log_group}",
                f"logs:CreateExportTask on it, and that CloudWatch Logs may write to {target.bucket} with its class's key",
            ):
                task_id = tasks.created(world.logs, target, day, attempt, now)
            report.kind, report.done = (
                "export",
                f"task {task_id} exports {day} of {target.log_group}, attempt {attempt}",
            )
        case Record():
            _record(world, step, heads[step.target], now, left, report)
        case Confirm(target, day, entry, reason):
            ledger.append(world, target, heads[target], manifest.confirmed(day, entry, reason), now)
            report.kind, report.done = "confirm", f"{day} of {target.log_group} is final: {reason}"
        case Gap(target, day, reason):
            ledger.append(world, target, heads[target], manifest.gap(day, reason, now), now)
            report.kind, report.done = "gap", f"{day} of {target.log_group} cannot be exported: {reason}"
    report.cls, report.group = step.target.cls, step.target.log_group
    report.day = getattr(step, "day", None)


def _record(
    world: World, step: Record, head: Link | None, now: Moment, left: Callable[[], float], report: Report
) -> None:
    """Write the manifest of a finished task, or, where the time does not suffice, measure a part of its objects."""
    target, task = step.target, step.task
    # Only what this very task wrote: another one of the same name may have left objects beside it.
    below = f"{tasks.prefix(target, step.day, step.attempt)}/{task.id}/"
    keys = [key for key, _ in ledger.objects(world.s3, target, below)]
    done = ledger.measured_so_far(world.s3, target, task) if len(keys) > 1 else {}
    fresh = 0
    for key in keys:
        if key in done:
            continue
        if fresh and left() < RESERVE_SECONDS:
            ledger.save_measured(world.s3, target, task, done)
            report.kind, report.done = "measure", f"measured {len(done)} of {len(keys)} objects of task {task.name}"
            return
        done[key] = measure(key, ledger.stream(world.s3, target, key))
        fresh += 1
    total = ledger.collected(world.s3, target, task.created) if world.assignment.counted(target) else None
    measured = tuple(done[key] for key in sorted(keys))
    collected = total.of(step.day) if total else None
    finding = manifest.exported(target, step.day, step.attempt, task, measured, collected)
    ledger.append(world, target, head, finding, now)
    report.kind = "record"
    report.done = (
        f"{step.day} of {target.log_group} is exported: {finding.entry.records} records in {len(keys)} objects"
    )
    report.exported_bytes = sum(item.size for item in measured)
    report.duration_seconds = (task.ended - task.created).total_seconds() if task.ended else 0.0


def _count(world: World, target: Target, until: Moment, now: Moment, left: Callable[[], float]) -> str:
    before = ledger.collected(world.s3, target)

    total = growth.counted_on(
        before,
        until,
        now,
        listed=lambda prefix: (key for key, _ in ledger.objects(world.s3, target, prefix)),
        read=lambda key: ledger.stream(world.s3, target, key),
        left=lambda: left() - RESERVE_SECONDS,
    )
    if total is None:
        return f"no time to count what the collector archived of {target.cls}"
    ledger.add_count(world.s3, target, total)
    return f"counted what the collector archived of {target.cls} until {total.until:%Y-%m-%d %H:00}"


def _created(world: World, target: Target) -> Moment | None:
    """Return when the log group was created; None when it does not exist."""
    with explained("looking for log groups", "logs:DescribeLogGroups"):
        token: dict[str, str] = {}
        while True:
            page = world.logs.describe_log_groups(logGroupNamePrefix=target.log_group, **token)
            for group in page.get("logGroups", ()):
                if group["logGroupName"] == target.log_group:
                    return tasks.moment(group["creationTime"])
            if not page.get("nextToken"):
                return None
            token = {"nextToken": page["nextToken"]}


def _failed(found: Plan) -> dict[str, int]:
    counts: dict[str, int] = {}
    for step in found.steps:
        if isinstance(step, Export) and step.failed:
            counts[step.target.cls] = counts.get(step.target.cls, 0) + step.failed
    return counts


def _of(step: Step) -> str:
    return "" if isinstance(step, Wait) else step.target.log_group


def lag_days(missing: list[Day], now: Moment) -> int:
    """Return how many days the oldest missing day is behind the newest closed one, itself included."""
    return (days.last_closed(now) - missing[0]).days + 1 if missing else 0
