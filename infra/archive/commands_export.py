"""`python -m infra.archive export`: days that CloudWatch holds, exported by hand, by the very steps of the schedule."""

import datetime
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any, NoReturn

import boto3
import typer
from botocore.config import Config
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from infra.archive.window import parse_window
from infra.context import Context
from infra.documents.export_assignment import assignment
from infra.export import days
from infra.export.answers import explained as told
from infra.export.handler import summary
from infra.export.ledger import World
from infra.export.plan import Wanted
from infra.export.problems import ExportError, LaterError
from infra.export.step import take_step
from infra.problems import InputError, Problem
from infra.stack import ROOT
from infra.stack_file import context_from_file

EXIT_FAILED, EXIT_BAD_INPUT, EXIT_STOPPED = 1, 2, 130
PATIENCE_SECONDS = 15.0
"""How long is waited for a task that runs before it is looked at again."""
GIVES_UP_AFTER = 3
"""How often a day's task may end badly before somebody has to look."""
UNANSWERED = 40
"""How often in a row AWS may put off a step, or not be reached: ten minutes."""
out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
Step = Callable[[Wanted], dict[str, Any]]
"""Takes one step and returns its summary."""


def export(
    start: Annotated[str, typer.Option("--from", help="First day of the events (UTC), such as 2026-11-24.")],
    end: Annotated[str, typer.Option("--to", help="Last day, included. Today is exported as far as it goes.")],
    cls: Annotated[str, typer.Option("--class", help="Only this class; else every one.")] = "",
    stack: Annotated[str, typer.Option(help="Whose log groups and archives.")] = "sandbox",
    function: Annotated[
        bool, typer.Option("--function/--here", help="Have the deployed function take the steps, with its own rights.")
    ] = False,
) -> None:
    """Export the days of a window that have no complete export yet, until nothing is left to do.

    The schedule may run at the same time, and the command may be stopped and run again. Exit status 1: something
    could not be exported, and what it takes is said; 2: bad input.
    """
    with explained():
        now = datetime.datetime.now(datetime.UTC)
        context = context_from_file(stack, ROOT, now.date())
        wanted = asked(start, end, now)
        known_class(context, cls)
        step = in_function(context, cls) if function else here(context, cls)
        failed = carry_out(step, wanted, PATIENCE_SECONDS)
    raise typer.Exit(EXIT_FAILED if failed else 0)


def asked(start: str, end: str, now: datetime.datetime) -> Wanted:
    """Return the days that FROM and TO name. Raises InputError as parse_window does."""
    window = parse_window(start, end, now)
    return Wanted(days.of(window.start), days.of(window.end - datetime.timedelta(microseconds=1)), now)


def known_class(context: Context, cls: str) -> None:
    """Raise InputError when `cls` is given and is no class of the policy."""
    classes = context.policy.data_classes.classes
    if cls and cls not in classes:
        raise InputError([Problem("command line", "CLASS", "there is no such class", ", ".join(classes))])


def here(context: Context, cls: str) -> Step:
    """Return steps that are taken in this process, with the caller's own credentials."""
    told = assignment(context)
    told = replace(told, targets=tuple(target for target in told.targets if cls in ("", target.cls)))
    session = boto3.Session(region_name=context.region)
    world = World(told, session.client("logs"), session.client("s3"), session.client("kms"))
    return lambda wanted: summary(take_step(world, datetime.datetime.now(datetime.UTC), wanted=wanted))


def in_function(context: Context, cls: str) -> Step:
    """Return steps that the stack's deployed function takes: it takes lambda:InvokeFunction and no other right."""
    # One call may take as long as Lambda lets it; repeating it would be another step.
    config = Config(read_timeout=900, retries={"total_max_attempts": 1})
    client = boto3.client("lambda", region_name=context.region, config=config)
    name = context.name("nightly-export")

    def step(wanted: Wanted) -> dict[str, Any]:
        event = {
            "first": wanted.first.isoformat(),
            "last": wanted.last.isoformat(),
            "asked": wanted.asked.isoformat(),
            **({"class": cls} if cls else {}),
        }
        with told(f"calling {name}", "lambda:InvokeFunction on it"):
            answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        found = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise ExportError(str(found.get("errorMessage", "the function failed; its log says why")))
        return dict(found)

    return step


def carry_out(step: Step, wanted: Wanted, patience: float) -> bool:
    """Take steps until nothing is left, showing how far it is; return whether something could not be exported."""
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=out
    )
    said: set[str] = set()
    with bar:
        shown = bar.add_task("days", total=None)
        most = unanswered = 0
        while True:
            try:
                found, unanswered = step(wanted), 0
            except LaterError as later:
                if (unanswered := unanswered + 1) == UNANSWERED:
                    raise ExportError(f"{later}: {UNANSWERED} times in a row. The same command carries on") from later
                found = {"kind": "wait", "done": str(later), "problems": {}, "said": {}}
            left = int(found.get("days_left", most))
            most = max(most, left)
            bar.update(shown, total=most or 1, completed=most - left)
            for line in _lines(found):
                if line not in said:
                    bar.print(line)
                    said.add(line)
            if found["kind"] == "nothing":
                bar.update(shown, total=most or 1, completed=most or 1)
                return bool(found["problems"])
            if max(found.get("failed_tasks", {}).values(), default=0) >= GIVES_UP_AFTER:
                bar.print("its export task ended badly again and again: aws logs describe-export-tasks says why")
                return True
            if found["kind"] == "wait":
                time.sleep(patience)


def _lines(found: dict[str, Any]) -> Iterator[str]:
    if found["kind"] != "nothing":
        yield str(found["done"])
    yield from (f"{group}: {why}" for group, why in found["said"].items())
    yield from (f"problem: {line}" for lines in found["problems"].values() for line in lines)


@contextmanager
def explained() -> Iterator[None]:
    """Turn what can go wrong for a user into a message, a next step and an exit status."""
    try:
        yield
    except InputError as error:
        _end(str(error).replace("nothing was deployed", "nothing was done"), EXIT_BAD_INPUT)
    except ExportError as error:
        _end(str(error), EXIT_FAILED)
    except KeyboardInterrupt:
        _end("stopped; the same command carries on, and so does the schedule", EXIT_STOPPED)


def _end(message: str, status: int) -> NoReturn:
    err.print(message, style="red", markup=False)
    raise typer.Exit(status)
