"""The function that the schedule calls: one step of the export, its metrics, and an error when somebody has to act."""

from __future__ import annotations

import dataclasses
import datetime
import json
import pathlib
from typing import Any

import boto3
from botocore.config import Config

from infra.export.ledger import World
from infra.export.metrics import metrics, send
from infra.export.plan import Wanted
from infra.export.problems import ExportError, LaterError
from infra.export.step import Report, take_step
from infra.export.targets import loads

ASSIGNMENT_FILE = "assignment.json"
"""File at the top of the function's archive that says what to export: it has no limit of 4 KB, as the environment has,
and is part of what the code's hash covers."""


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Take one step and return what was done.

    An empty event is the schedule's: ExportError with everything that a person has to put right makes the call one that
    failed. `first`, `last` (days), `asked` (when, ISO 8601) and perhaps `class` are somebody's who fills a gap by hand
    (make archive-export), who is told in the answer and goes on with what can be done.
    """
    assignment = loads(pathlib.Path(__file__).parents[2].joinpath(ASSIGNMENT_FILE).read_text(encoding="utf-8"))
    if "class" in event:
        targets = tuple(target for target in assignment.targets if target.cls == event["class"])
        assignment = dataclasses.replace(assignment, targets=targets)
    world = World(assignment, *(client(name) for name in ("logs", "s3", "kms")))
    now = datetime.datetime.now(datetime.UTC)
    try:
        report = take_step(
            world, now, left=lambda: context.get_remaining_time_in_millis() / 1000, wanted=_wanted(event)
        )
    except LaterError as later:
        return _said({"kind": "wait", "done": str(later)})
    send(client("cloudwatch"), metrics(assignment, report, now))
    answer = _said(summary(report))
    if report.problems and "asked" not in event:
        raise ExportError("\n".join(line for lines in report.problems.values() for line in lines))
    return answer


def _wanted(event: dict[str, Any]) -> Wanted | None:
    if "first" not in event:
        return None
    day, moment = datetime.date.fromisoformat, datetime.datetime.fromisoformat
    return Wanted(day(event["first"]), day(event["last"]), moment(event["asked"]))


def client(service: str) -> Any:
    """Return a client that repeats what AWS asked to be repeated."""
    return boto3.client(service, config=Config(retries={"mode": "standard", "total_max_attempts": 5}))  # type: ignore[call-overload]


def summary(report: Report) -> dict[str, Any]:
    """Return a report as one JSON object."""
    return {
        "kind": report.kind,
        "done": report.done,
        "class": report.cls,
        "group": report.group,
        "day": report.day.isoformat() if report.day else None,
        "steps_left": report.steps_left,
        "days_left": report.days_left,
        "failed_tasks": report.failed_tasks,
        "missing": {group: [day.isoformat() for day in found] for group, found in report.closed_missing.items()},
        "said": report.said,
        "problems": report.problems,
    }


def _said(answer: dict[str, Any]) -> dict[str, Any]:
    # One JSON line, as the logging contract asks of everything that prints.
    print(
        json.dumps({"level": "INFO", "message": answer["done"], "event": f"export.{answer['kind']}", "context": answer})
    )
    return answer
