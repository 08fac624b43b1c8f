"""`python -m infra.archive subject-export`: everything that the records say of one person, handed over encrypted."""

import datetime
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import boto3
import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from infra.archive.window import Window, parse_window
from infra.context import Context
from infra.problems import InputError, Problem
from infra.stack import ROOT
from infra.stack_file import context_from_file
from infra.subject import audit, handover
from infra.subject.errors import SubjectError
from infra.subject.gather import Sources
from infra.subject.identity import Subject, matcher, subject
from infra.subject.packet import recipient, refuse_existing
from infra.subject.peppers import peppers

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

EXIT_FAILED, EXIT_BAD_INPUT, EXIT_STOPPED = 1, 2, 130
out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)
User = Annotated[str, typer.Option(help="The user's id, as records show it.")]
Start = Annotated[str, typer.Option("--from", help="First day, or instant, of the events (UTC).")]
End = Annotated[str, typer.Option("--to", help="Last day, included, or instant, excluded.")]
Reason = Annotated[str, typer.Option(help="The case and its ground; written to the audit log before anything is read.")]
Identifiers = Annotated[
    str,
    typer.Option(
        help="File of kind=value lines, or - for standard input: email, username, ip, session, circle. Never on the "
        "command line, which shells and process lists keep."
    ),
]
Out = Annotated[Path, typer.Option("--out", help="A new directory.")]
Stack = Annotated[str, typer.Option(help="Whose records.")]


def subject_export(
    user: User,
    start: Start,
    end: End,
    key: Annotated[str, typer.Option(help="The age recipient (age1...) that everything is encrypted to.")],
    directory: Out,
    reason: Reason,
    identifiers: Identifiers = "",
    stack: Stack = "sandbox",
) -> None:
    """Hand over everything about one user, from CloudWatch Logs and the archives, encrypted to one key.

    Exit status 1: something could not be read (the manifest says what), or nothing was handed over (the message says
    why); 2: bad input.
    """
    with explained():
        to = recipient(key)
        asked = checked(stack, user, start, end, reason, identifiers, directory)
        request, logs = _announced(asked, "export", {"subject.recipient": key})
        keys = _peppers(asked)
        with progress() as tick:
            seen, sealed = handover.hand_over(
                _sources(asked, logs),
                asked.who,
                request,
                matcher(asked.who, keys),
                epochs=list(keys),
                out=directory,
                key=to,
                tick=tick,
            )
        total = sum(seen.found.values())
        said = {"subject.records": str(total), "subject.manifest_sha256": sealed.sealed_sha256}
        audit.write(logs, asked.context, request, "export.finished", said)
        out.print(f"{total:,} records about user {user} in {directory}, encrypted; {seen.objects:,} objects read")
        for item in seen.unreadable:
            err.print(f"not read: {item['why']}", style="red", markup=False)
    raise typer.Exit(EXIT_FAILED if seen.unreadable else 0)


@dataclass(frozen=True)
class Asked:
    """A request whose every part was checked."""

    context: Context
    who: Subject
    window: Window
    reason: str
    now: datetime.datetime


def checked(stack: str, user: str, start: str, end: str, reason: str, identifiers: str, directory: Path) -> Asked:
    """Return the request that these words make. Raises InputError with everything that is wrong in them."""
    now = datetime.datetime.now(datetime.UTC)
    context = context_from_file(stack, ROOT, now.date())
    refuse_existing(directory)
    return Asked(
        context,
        subject(user, _lines(identifiers)),
        parse_window(start, end, now),
        audit.checked_reason(reason, context.policy.redaction),
        now,
    )


def _lines(identifiers: str) -> list[str]:
    if not identifiers:
        return []
    try:
        return (sys.stdin.read() if identifiers == "-" else Path(identifiers).read_text(encoding="utf-8")).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            [Problem("command line", "IDENTIFIERS", f"cannot be read ({type(error).__name__})", "a text file, or -")]
        ) from None


def _announced(asked: Asked, kind: str, said: dict[str, str]) -> "tuple[audit.Request, CloudWatchLogsClient]":
    """Write down who asks for what, before anything is read."""
    region = asked.context.region
    logs: CloudWatchLogsClient = boto3.client("logs", region_name=region)
    who = audit.caller(boto3.client("sts", region_name=region))
    request = audit.Request(uuid.uuid4().hex, kind, asked.who.user, asked.reason, who, str(asked.window), asked.now)
    kinds = {"subject.looked_for": ",".join(["user_id", *asked.who.kinds()])}
    audit.write(logs, asked.context, request, f"{kind}.requested", {**kinds, **said})
    return request, logs


def _peppers(asked: Asked) -> dict[str, str]:
    return peppers(boto3.client("secretsmanager", region_name=asked.context.region), asked.context)


def _sources(asked: Asked, logs: "CloudWatchLogsClient") -> Sources:
    return Sources(logs, boto3.client("s3", region_name=asked.context.region), asked.context, asked.window)


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Yield what is told which place is being read, and shows it."""
    columns = (SpinnerColumn(), TextColumn("{task.completed} places, {task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as shown:
        task = shown.add_task("reading", total=None)
        yield lambda where: shown.update(task, advance=1, description=where)


@contextmanager
def explained() -> Iterator[None]:
    """Turn what can go wrong for a user into a message with a next step, and an exit status."""
    try:
        yield
    except InputError as error:
        _end(str(error).replace("nothing was deployed", "nothing was read"), EXIT_BAD_INPUT)
    except SubjectError as error:
        _end(str(error), EXIT_FAILED)
    except KeyboardInterrupt:
        _end("stopped; nothing was handed over, and what was erased is in the statement and in erasures/", EXIT_STOPPED)


def _end(message: str, status: int) -> NoReturn:
    err.print(message, style="red", markup=False)
    raise typer.Exit(status)
