"""`python -m infra.archive search`: the usual questions, answered on this machine from the archive's own objects."""

import datetime
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from infra.archive.errors import ArchiveError
from infra.archive.objects import Form
from infra.archive.search_engine import Engine, Seen
from infra.archive.search_output import Output, write
from infra.archive.search_places import Listed, listed, needed
from infra.archive.search_question import Plan, plan
from infra.archive.window import Window, parse_window
from infra.context import Context
from infra.documents.search.questions import QUESTIONS
from infra.documents.search.statement import whole
from infra.documents.search.tables import Source
from infra.problems import InputError, Problem
from infra.stack import ROOT
from infra.stack_file import context_from_file

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EXIT_INCOMPLETE, EXIT_BAD_INPUT = 1, 2
GIB = 1024**3
PEPPER, PEPPER_VARIABLE = "redaction-pepper", "REDACTION_PEPPER"
_QUESTIONS = "\n\n".join(
    f"{item.name}  {item.asks}  ({', '.join(f'{parameter.name}=' for parameter in item.parameters)})"
    for item in QUESTIONS
)


def search(
    query: Annotated[str, typer.Argument(help="The question's name.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="What it asks for: request_id=..., circle_id=...")
    ] = None,
    start: Annotated[str, typer.Option("--from", help="First day or instant, UTC. Else: a day ago.")] = "",
    end: Annotated[str, typer.Option("--to", help="Last day, or instant that is left out. Else: now.")] = "",
    stack: Annotated[str, typer.Option(help="The stack whose archive is asked.")] = "sandbox",
    cls: Annotated[str | None, typer.Option("--class", help="One class; else every one that can answer.")] = None,
    form: Annotated[
        Form, typer.Option(help="What the collector archived, or what CloudWatch exported.")
    ] = Form.COLLECTED,
    output: Annotated[Output, typer.Option(help="How rows are written.")] = Output.TABLE,
    sql: Annotated[bool, typer.Option("--sql", help="Print Athena's statement for this question instead.")] = False,
) -> None:
    """Answer one of the usual questions from a stack's archive, with DuckDB, as Athena would."""
    with _explained():
        context = context_from_file(stack, ROOT, datetime.datetime.now(datetime.UTC).date())
        window = _window(start, end)
        asked = plan(
            context,
            name=query,
            arguments=arguments or [],
            window=window,
            form=Source(form.value),
            cls=cls,
            pepper=lambda: _pepper(context),
        )
        if sql:
            statement = whole(asked.asked.question, asked.asked.source, list(asked.tables), asked.asked.late_hours)
            print(statement.athena_with(asked.asked.values))
            return
        incomplete = _answer(context, asked, window, output)
    if incomplete:
        raise typer.Exit(EXIT_INCOMPLETE)


search.__doc__ = f"{search.__doc__}\n\nQuestions:\n\n{_QUESTIONS}"


def _answer(context: Context, asked: Plan, window: Window, output: Output) -> bool:
    """Write the answer and what was looked at; return whether something could not be."""
    s3: S3Client = boto3.client("s3", region_name=context.region)
    errors = Console(stderr=True, highlight=False)
    late = datetime.timedelta(hours=asked.asked.late_hours)
    with errors.status("listing the archive"):
        found = {cls: listed(s3, table, asked.asked.source, window, late) for cls, table in asked.tables.items()}
    size = sum(each.size_bytes for each in found.values())
    _within_limit(context, size)
    with tempfile.TemporaryDirectory(prefix="tinybeans-search-") as directory, Engine(Path(directory)) as engine:
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=errors,
            transient=True,
        )
        with bar:
            task = bar.add_task("searching", total=size)
            work = [
                (cls, table, needed(s3, table, asked.asked.source, window, late)) for cls, table in asked.tables.items()
            ]
            seen = engine.gather(s3, asked.asked, work, lambda item: bar.advance(task, item.size_bytes))
        with errors.status("answering"):
            answer = engine.answer(asked.asked)
        rows = write(output, *answer, sys.stdout)
    errors.print(_summary(rows, window, seen, list(found.values())), markup=False, soft_wrap=True)
    if seen.asleep:
        names = "\n".join(f"  s3://{item.bucket}/{item.key} ({item.storage_class})" for item in seen.asleep)
        errors.print(
            f"incomplete: {seen.to_restore:,} objects have to be restored first (aws s3api restore-object):\n{names}",
            style="red", markup=False, soft_wrap=True,
        )  # fmt: skip
    return bool(seen.asleep)


def _summary(rows: int, window: Window, seen: Seen, each: Sequence[Listed]) -> str:
    left_out = f"{'more than ' if any(one.more for one in each) else ''}{sum(one.left_out for one in each):,}"
    return (
        f"{rows:,} rows, {window}; {seen.stored_bytes:,} bytes scanned in {seen.objects:,} objects "
        f"({seen.records:,} records); {left_out} objects skipped by their partition"
    )


def _within_limit(context: Context, size: int) -> None:
    limit = context.policy.data_classes.search.scan_limit_gib.at(context.settings.environment)
    if size > limit * GIB:
        raise InputError(
            [
                Problem(
                    "policy/data_classes.yaml",
                    f"search.scan_limit_gib.{context.environment}",
                    f"the question would read {size / GIB:,.2f} GiB",
                    f"at most {limit:g} GiB: a shorter window (FROM=, TO=) or one class (CLASS=)",
                )
            ]
        )


def _window(start: str, end: str) -> Window:
    now = datetime.datetime.now(datetime.UTC)
    a_day_ago = now - datetime.timedelta(days=1)
    return parse_window(start or a_day_ago.isoformat(timespec="seconds"), end or now.isoformat(), now)


def _pepper(context: Context) -> str:
    """Return the key of the pseudonyms: from the environment, else from Secrets Manager."""
    if given := os.environ.get(PEPPER_VARIABLE):
        return given
    try:
        client = boto3.client("secretsmanager", region_name=context.region)
        return client.get_secret_value(SecretId=context.secret(PEPPER))["SecretString"]
    except (ClientError, BotoCoreError) as error:
        raise InputError(
            [
                Problem(
                    "command line",
                    "ARGS",
                    f"the pseudonym cannot be computed: {context.secret(PEPPER)} cannot be read ({type(error).__name__})",
                    f"the pseudonym itself, as any record shows it, or the key in {PEPPER_VARIABLE}",
                )
            ]
        ) from None


@contextmanager
def _explained() -> Iterator[None]:
    """Turn what can go wrong for a user into a message with a next step, and an exit status."""
    errors = Console(stderr=True, highlight=False)
    try:
        yield
    except InputError as error:
        for problem in error.problems:
            errors.print(str(problem), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(EXIT_BAD_INPUT) from None
    except ArchiveError as error:
        errors.print(f"{error}\nno answer: it would not be whole", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(EXIT_INCOMPLETE) from None
