"""`python -m infra.archive hold`, `extend` and `certificate`: keep what policy would remove, prove what it removed."""

import datetime
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from botocore.config import Config
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from infra.archive.commands_export import EXIT_FAILED, explained, out
from infra.archive.keeping import certificate as certificates
from infra.archive.keeping.apply import AT_ONCE, Counts, Seen
from infra.archive.keeping.batch import write_job
from infra.archive.keeping.extend import by_job as locks_by_job
from infra.archive.keeping.extend import by_requests as locks_by_requests
from infra.archive.keeping.extend import extend, parse_until
from infra.archive.keeping.hold import by_job as holds_by_job
from infra.archive.keeping.hold import by_requests as holds_by_requests
from infra.archive.keeping.hold import hold, release
from infra.archive.keeping.job import control_client, reports
from infra.archive.keeping.place import Place, Services, asked_by, place_of
from infra.archive.keeping.register import Kind, append, entries
from infra.archive.window import Window, parse_whole_window
from infra.documents.batch_job import WORTH_IT_VERSIONS
from infra.stack import ROOT
from infra.stack_file import context_from_file

STATE = ROOT / ".holds"
Class = Annotated[str, typer.Option("--class", help="The class whose archive it is.")]
From = Annotated[str, typer.Option("--from", help="First day or instant of the events, UTC.")]
To = Annotated[str, typer.Option("--to", help="Last day, included, or instant, excluded.")]
Who = Annotated[str, typer.Option(help="The person who answers for it; stays in the register.")]
Why = Annotated[str, typer.Option(help="The case or order that asks for it; stays in the register.")]
Stack = Annotated[str, typer.Option(help="Whose archive.")]
Job = Annotated[
    bool, typer.Option("--job", help=f"Have S3 Batch Operations do it: from {WORTH_IT_VERSIONS:,} versions on.")
]
State = Annotated[Path, typer.Option(help="Where is kept how far a command came.")]


def hold_archive(
    cls: Class,
    start: From,
    end: To,
    who: Who,
    why: Why,
    *,
    lift: Annotated[bool, typer.Option("--release", help="Lift the hold on this very window instead.")] = False,
    job: Job = False,
    batch: Annotated[Path | None, typer.Option(help="Write an S3 Batch Operations job here, and hold nothing.")] = None,
    stack: Stack = "sandbox",
    state: State = STATE,
) -> None:
    """Place a legal hold (S3 Object Lock) on every version that can hold records of a window, or lift one.

    The same command carries on after an interruption. Exit status 1: refused or failed; 2: bad input.
    """
    with explained():
        now = datetime.datetime.now(datetime.UTC)
        place, window = place_in(stack, cls), parse_whole_window(start, end, now)
        asked = asked_by(who, why, now)
        with _bar() as seen:
            if batch is not None:
                count = write_job(place, window, "OFF" if lift else "ON", batch, seen)
                out.print(f"{count:,} versions in {batch}/manifest.csv, the job in {batch}/job.json; nothing was held")
                return
            holding = (holds_by_job if job else holds_by_requests)(state, seen)
            counts = (release if lift else hold)(place, window, asked, holding)
        _said("released" if lift else "held", place, window, counts)


def extend_locks(
    cls: Class,
    start: From,
    end: To,
    until: Annotated[str, typer.Option(help="Last day of the lock, UTC.")],
    who: Who,
    why: Why,
    *,
    job: Job = False,
    stack: Stack = "sandbox",
    state: State = STATE,
) -> None:
    """Lock every version that can hold records of a window until a later day. A longer lock stays as it is."""
    with explained():
        now = datetime.datetime.now(datetime.UTC)
        place, window = place_in(stack, cls), parse_whole_window(start, end, now)
        asked, last = asked_by(who, why, now), parse_until(until, place, now)
        with _bar() as seen:
            counts = extend(place, window, last, asked, (locks_by_job if job else locks_by_requests)(state, seen))
            if job and counts.changed < counts.versions:
                left = counts.versions - counts.changed
                out.print(
                    f"{left:,} versions are locked for longer, or were refused: {reports(place)} says which and why"
                )
        _said(f"locked until {last:%Y-%m-%d %H:%M} UTC", place, window, counts)


def certify_expiry(
    cls: Class,
    month: Annotated[str, typer.Option(help="Such as 2026-10.")],
    who: Who,
    why: Why = "the monthly certificate of expiry",
    stack: Stack = "sandbox",
    output: Annotated[Path, typer.Option(help="Where the certificate is written, too.")] = ROOT / "build",
) -> None:
    """State what policy removed from an archive in a month, and write it into the archive's register.

    Exit status 1: something was removed early, or not removed in time.
    """
    with explained():
        now = datetime.datetime.now(datetime.UTC)
        place = place_in(stack, cls)
        asked = asked_by(who, why, now)
        with _bar() as seen:
            found = certificates.certify(place, month, now, seen)
        entry = append(place, entries(place), Kind.CERTIFICATE, asked, found.document(place))
        output.mkdir(parents=True, exist_ok=True)
        path = output / f"expiry-{place.bucket}-{month}.json"
        path.write_text(json.dumps(entry.document, indent=1, sort_keys=True) + "\n")
        for (day, prefix), group in sorted(found.groups.items()):
            records = "records not counted" if group.records is None else f"{group.records:,} records"
            out.print(f"{day}  {prefix:<8} {group.objects:>9,} objects  {group.bytes:>15,} bytes  {records}")
        for what, keys in (("removed before its time", found.early), ("not removed in time", found.overdue)):
            if keys:
                out.print(
                    f"{what}: {len(keys):,} objects, {keys[0]} among them", style="red", markup=False, soft_wrap=True
                )
        out.print(f"entry {entry.sequence} of the register, digest {entry.digest}\nwritten: {path}")
    raise typer.Exit(0 if found.clean else EXIT_FAILED)


def place_in(stack: str, cls: str) -> Place:
    """Return the archive of a class in a stack, with clients that reach it. Raises InputError for either unknown."""
    context = context_from_file(stack, ROOT, datetime.datetime.now(datetime.UTC).date())
    config = Config(retries={"mode": "standard", "total_max_attempts": 5}, max_pool_connections=AT_ONCE)
    clients: list[Any] = [
        boto3.client(name, region_name=context.region, config=config) for name in ("s3", "logs", "sts", "kms")
    ]
    clients.append(control_client(context.region, config))
    return place_of(context, cls, Services(*clients))


@contextmanager
def _bar() -> Iterator[Seen]:
    columns = (TextColumn("{task.completed:,.0f} versions"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task("versions", total=None)
        yield lambda count: bar.advance(task, count)


def _said(what: str, place: Place, window: Window, counts: Counts) -> None:
    out.print(
        f"{what}: {counts.changed:,} of {counts.versions:,} versions ({counts.bytes:,} bytes) in {place.bucket}, {window}"
    )
