"""Export tasks of CloudWatch Logs: named so that one that is already there is recognised."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.export import days
from infra.export.days import Day, Moment
from infra.export.targets import EXPORTED, Target

ACTIVE = ("PENDING", "PENDING_CANCEL", "RUNNING")
"""States in which a task keeps every other one of the account from being created (CreateExportTask)."""
ENDED_BADLY = ("CANCELLED", "FAILED")


@dataclass(frozen=True, slots=True)
class Task:
    """One export task, of whoever."""

    id: str
    name: str
    state: str
    created: Moment
    ended: Moment | None
    message: str = ""

    @property
    def active(self) -> bool:
        """Return whether it keeps others from being created."""
        return self.state in ACTIVE


def prefix(target: Target, day: Day, attempt: int) -> str:
    """Return where an attempt's objects go; CloudWatch Logs adds the task's id below it."""
    return f"{EXPORTED}{name(target, day, attempt)}"


def name(target: Target, day: Day, attempt: int) -> str:
    """Return the task name of an attempt."""
    return f"{target.slug}/{day.isoformat()}/{attempt}"


def listed(logs: Any) -> list[Task]:
    """Return every task that CloudWatch Logs still knows, of this program and of others."""
    found: list[Task] = []
    token: dict[str, str] = {}
    while True:
        page = logs.describe_export_tasks(limit=50, **token)
        found += [_task(item) for item in page.get("exportTasks", ())]
        if not page.get("nextToken"):
            return found
        token = {"nextToken": page["nextToken"]}


def created(logs: Any, target: Target, day: Day, attempt: int, now: Moment) -> str:
    """Create the task that exports `day`, and return its id. `to` is the last millisecond that is exported."""
    answer = logs.create_export_task(
        taskName=name(target, day, attempt),
        logGroupName=target.log_group,
        fromTime=_milliseconds(days.start(day)),
        to=_milliseconds(min(days.end(day), now)) - 1,
        destination=target.bucket,
        destinationPrefix=prefix(target, day, attempt),
    )
    return str(answer["taskId"])


def _task(item: Mapping[str, Any]) -> Task:
    times = item.get("executionInfo", {})
    ended = times.get("completionTime")
    return Task(
        id=item["taskId"],
        name=item.get("taskName", ""),
        state=item["status"]["code"],
        created=moment(times["creationTime"]),
        ended=None if ended is None else moment(ended),
        message=item["status"].get("message", ""),
    )


def moment(milliseconds: int) -> Moment:
    """Return the moment that CloudWatch Logs writes as `milliseconds`."""
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)


def _milliseconds(moment: Moment) -> int:
    return int(moment.timestamp() * 1000)
