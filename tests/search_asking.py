"""How the tests of search ask: by DuckDB as the command does, in one statement, by the command itself, and by LogQL."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import json
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import duckdb
from typer.testing import CliRunner

from infra.archive.__main__ import app
from infra.archive.objects import ArchiveObject, collected, exported
from infra.archive.search_engine import Engine, Seen, view
from infra.archive.search_lines import lines
from infra.archive.search_places import needed, partition_of
from infra.archive.search_question import Plan, plan
from infra.archive.window import Window
from infra.documents.search.statement import whole
from infra.documents.search.tables import Source
from tests.collector_process import CREDENTIALS, PEPPER
from tests.search_run import ATTACKER, CIRCLE, REQUEST, USER, Archived

ARGUMENTS = {
    "one-request": [f"request_id={REQUEST}"],
    "one-user": [f"user_id={USER}"],
    "one-address": [f"address={ATTACKER}"],
    "failed-logins-by-address": [],
    "deletions-in-a-circle": [f"circle_id={CIRCLE}"],
}
"""What the questions are asked with."""
Rows = list[dict[str, Any]]


def window(archive: Archived, hours: float = 2) -> Window:
    """Return the last `hours` before everything was archived."""
    return Window(archive.end - datetime.timedelta(hours=hours), archive.end)


def put(
    archive: Archived,
    name: str,
    *,
    hours: float = 2,
    arguments: list[str] | None = None,
    form: Source = Source.COLLECTED,
) -> Plan:
    """Return a question about the last `hours`, with its usual values unless told others."""
    return plan(
        archive.context,
        name=name,
        arguments=ARGUMENTS[name] if arguments is None else arguments,
        window=window(archive, hours),
        form=form,
        cls=None,
        pepper=lambda: PEPPER,
    )


ANSWERED: dict[tuple[str, Source, tuple[tuple[str, str], ...]], tuple[Rows, Seen]] = {}


def streamed(archive: Archived, asked: Plan, hours: float = 2) -> tuple[Rows, Seen]:
    """Return the answer as the command finds it; what was asked before is not asked again."""
    key = (asked.asked.question.name, asked.asked.source, tuple(sorted(asked.asked.values.items())))
    if key not in ANSWERED:
        ANSWERED[key] = _streamed(archive, asked, hours)
    return ANSWERED[key]


def _streamed(archive: Archived, asked: Plan, hours: float) -> tuple[Rows, Seen]:
    late = datetime.timedelta(hours=asked.asked.late_hours)
    work = [
        (cls, table, needed(archive.s3, table, asked.asked.source, window(archive, hours), late))
        for cls, table in asked.tables.items()
    ]
    with tempfile.TemporaryDirectory() as directory, Engine(Path(directory)) as engine:
        seen = engine.gather(archive.s3, asked.asked, work, lambda _: None)
        columns, rows = engine.answer(asked.asked)
        return [dict(zip(columns, row, strict=True)) for row in rows], seen


LISTINGS = {Source.COLLECTED: collected, Source.EXPORTED: exported}
NOTHING = {Source.COLLECTED: '{"resourceLogs":[]}', Source.EXPORTED: "{}"}
"""An object in which nothing is, so that a table of no objects is a table."""


def at_once(archive: Archived, asked: Plan, directory: Path, *, by_record: bool) -> Rows:
    """Return the answer of the whole statement, put once to every object of the tables, no window asked of S3.

    `by_record` gives the engine a record a line; else each object is one line, as Athena has it.
    """
    connection = duckdb.connect(config={"threads": 1})
    for table in asked.tables.values():
        nothing = directory.joinpath(table.name, *(f"{column}={0:02}" for column in table.partitions))
        nothing.mkdir(parents=True)
        (nothing / "none.json").write_text(NOTHING[asked.asked.source])
        for number, item in enumerate(LISTINGS[asked.asked.source](archive.s3, table.bucket, window(archive, 400))):
            partition = partition_of(table, item.key)
            place = directory.joinpath(table.name, *(f"{column}={value}" for column, value in partition.items()))
            place.mkdir(parents=True, exist_ok=True)
            pieces = lines(archive.s3, item, asked.asked.source) if by_record else [whole_object(archive, item)]
            (place / f"{number}.json").write_bytes(b"\n".join(pieces))
        connection.execute(view(table, directory / table.name))
    statement = whole(asked.asked.question, asked.asked.source, list(asked.tables), asked.asked.late_hours)
    found = connection.execute(
        statement.duckdb(), {name: asked.asked.values[name] for name in set(statement.parameters)}
    )
    columns = [column[0] for column in found.description]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def whole_object(archive: Archived, item: ArchiveObject) -> bytes:
    """Return what the collector wrote, unpacked: one line."""
    return gzip.decompress(archive.s3.get_object(Bucket=item.bucket, Key=item.key)["Body"].read())


def run(archive: Archived, *arguments: str) -> tuple[int, str, str]:
    """Run the search command against the archive; return its exit status, its output and its messages."""
    return command(archive, "search", *arguments)


def command(archive: Archived, name: str, *arguments: str) -> tuple[int, str, str]:
    """Run a command on the archive; return its exit status, its output and its messages."""
    environment = {
        "AWS_ENDPOINT_URL": archive.endpoint,
        "AWS_REGION": archive.context.region,
        "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key_id,
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_access_key,
        "REDACTION_PEPPER": PEPPER,
        "COLUMNS": "400",
    }
    result = CliRunner().invoke(app, [name, *arguments], env=environment)
    return result.exit_code, result.stdout, result.stderr


def logql(archive: Archived, query: str) -> list[dict[str, Any]]:
    """Return what Loki answers: streams, or the last value of each series."""
    instant = "count_over_time" in query
    now = time.time_ns()
    asked = {"query": query, "limit": 1000}
    asked |= {"time": now} if instant else {"start": int((archive.end.timestamp() - 7200) * 1e9), "end": now}
    url = f"{archive.loki}/loki/api/v1/{'query' if instant else 'query_range'}?{urllib.parse.urlencode(asked)}"
    with contextlib.closing(urllib.request.urlopen(url, timeout=30)) as answer:  # noqa: S310 - loopback
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found
