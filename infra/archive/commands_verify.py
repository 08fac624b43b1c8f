"""`python -m infra.archive verify`: is anything missing from the archive, or altered in it?"""

import datetime
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from infra.archive.commands_export import EXIT_FAILED, asked, err, explained, known_class, out
from infra.archive.places import BucketPlace, DirectoryPlace, Place
from infra.archive.signature import from_file, from_kms
from infra.archive.verify_findings import Verified
from infra.archive.verify_run import Scope, announcements, archived_announcements, compare_records, prove
from infra.documents.export_assignment import assignment
from infra.export.metrics import ARCHIVE_MISSING, datum, send
from infra.export.problems import ExportError, LaterError
from infra.export.targets import Assignment
from infra.problems import InputError, Problem
from infra.stack import ROOT
from infra.stack_file import context_from_file

MOST = 50
"""Findings that are shown; the rest are counted."""


def verify(
    start: Annotated[str, typer.Option("--from", help="First day of the events (UTC), such as 2026-11-24.")],
    end: Annotated[str, typer.Option("--to", help="Last day, included.")],
    cls: Annotated[str, typer.Option("--class", help="Only this class; else every one.")] = "",
    stack: Annotated[str, typer.Option(help="Whose archives.")] = "sandbox",
    public_key: Annotated[
        Path | None, typer.Option(help="The signing key's public half, as PEM; else KMS is asked for it.")
    ] = None,
    offline: Annotated[
        Path | None,
        typer.Option(
            help="Directory with a copy of the buckets (aws s3 sync s3://B DIR/B); needs --public-key, no AWS."
        ),
    ] = None,
    metrics: Annotated[bool, typer.Option(help="Also send ArchiveMissing to CloudWatch, for its alert.")] = False,
) -> None:
    """Verify chains, signatures and objects of a window, and compare the export with what the collector archived.

    Exit status 1: something is missing, altered or cannot be explained; 2: bad input.
    """
    with explained():
        now = datetime.datetime.now(datetime.UTC)
        context = context_from_file(stack, ROOT, now.date())
        window = asked(start, end, now)
        known_class(context, cls)
        told = assignment(context)
        scope = Scope(tuple(it for it in told.targets if cls in ("", it.cls)), window.first, window.last, now)
        verified = Verified()
        with _alive() as tell:
            if offline is None:
                _in_aws(scope, told, context.region, public_key, verified, tell)
            else:
                _offline(scope, told, offline, public_key, verified, tell)
        _show(verified)
        if metrics:
            _send(scope, verified, context.region)
    raise typer.Exit(EXIT_FAILED if verified.findings else 0)


def _in_aws(
    scope: Scope,
    told: Assignment,
    region: str,
    public_key: Path | None,
    verified: Verified,
    tell: Callable[[str], None],
) -> None:
    session = boto3.Session(region_name=region)
    s3, logs = session.client("s3"), session.client("logs")
    key = from_file(public_key) if public_key else from_kms(session.client("kms"), told.signing_key)
    said = _announced(logs, told)
    found = prove(scope, lambda bucket: BucketPlace(s3, bucket), key, said, verified, tell)
    compare_records(scope, s3, found, verified, tell)


def _offline(
    scope: Scope, told: Assignment, copy: Path, public_key: Path | None, verified: Verified, tell: Callable[[str], None]
) -> None:
    if public_key is None:
        raise InputError(
            [Problem("command line", "--public-key", "is needed offline", "the key's public half, as PEM")]
        )
    if not copy.is_dir():
        raise InputError([Problem("command line", "--offline", "is no directory", "one directory a bucket below it")])

    def place(bucket: str) -> Place:
        return DirectoryPlace(copy / bucket, bucket)

    audit = next(it for it in told.targets if it.log_group == told.audit_group)
    said = list(archived_announcements(place(str(audit.bucket)), told.audit_stream))
    prove(scope, place, from_file(public_key), said, verified, tell)
    out.print("offline: chains, signatures and objects; comparing records takes the collector's archive in S3")


def _announced(logs: Any, told: Assignment) -> list[Mapping[str, Any]] | None:
    try:
        return list(announcements(logs, told.audit_group, told.audit_stream))
    except (ClientError, BotoCoreError) as error:
        err.print(
            f"the announcements in {told.audit_group} cannot be read ({type(error).__name__}): links cut off from the "
            "end of a chain would not be noticed",
            style="yellow",
        )
        return None


def _send(scope: Scope, verified: Verified, region: str) -> None:
    missing = {
        cls: sum(
            1 for it in verified.findings if any(t.log_group in it.where or str(t.bucket) in it.where for t in own)
        )
        for cls in sorted({it.cls for it in scope.targets})
        if (own := [it for it in scope.targets if it.cls == cls])
    }
    try:
        data = [datum(ARCHIVE_MISSING, cls, count, "Count") for cls, count in missing.items()]
        send(boto3.client("cloudwatch", region_name=region), data)
    except LaterError as later:
        raise ExportError(str(later)) from later


def _show(verified: Verified) -> None:
    for cls, counts in verified.compared.items():
        table = Table("records", cls, title=None)
        for outcome, count in sorted(counts.items()):
            table.add_row(outcome, f"{count:,}")
        out.print(table)
    for told, count in sorted(verified.erased.items()):
        out.print(f"erased by {told}: {count:,} objects, {verified.erased_records[told]:,} records taken out of them")
    for finding in sorted(verified.findings)[:MOST]:
        out.print(str(finding), style="red", markup=False, soft_wrap=True)
    if len(verified.findings) > MOST:
        out.print(f"and {len(verified.findings) - MOST} more")
    looked = ", ".join(f"{count:,} {what}" for what, count in sorted(verified.looked_at.items()))
    out.print(f"{len(verified.findings)} finding{'s' * (len(verified.findings) != 1)}; looked at {looked or 'nothing'}")


@contextmanager
def _alive() -> Iterator[Callable[[str], None]]:
    """Yield a function that shows what is being looked at, with how much was seen of it."""
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}: {task.completed:,.0f}"), TimeElapsedColumn(), console=err,
        transient=True,
    ) as progress:  # fmt: skip
        task = progress.add_task("starting", total=None)
        what = ""

        def tell(now: str) -> None:
            nonlocal what
            begun = now != what
            if begun:
                what = now
                progress.reset(task, description=now)
            progress.advance(task)
            if begun:
                progress.refresh()  # a step that is over before the next picture is told, too

        yield tell
