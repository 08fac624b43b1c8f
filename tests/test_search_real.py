"""Questions put to what a real collector archived: by DuckDB as the command asks, in one statement, and by LogQL."""

from __future__ import annotations

import contextlib
import datetime
import gzip
import json
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from typer.testing import CliRunner

from infra.archive.__main__ import app
from infra.archive.objects import ArchiveObject, collected
from infra.archive.search_engine import Engine, Seen, view
from infra.archive.search_lines import lines
from infra.archive.search_places import listed, needed, partition_of
from infra.archive.search_question import Plan, plan
from infra.archive.window import Window
from infra.documents.search.questions import QUESTIONS, Question, Subject
from infra.documents.search.records import RECORD_COLUMNS
from infra.documents.search.statement import whole
from infra.documents.search.tables import Source, table_name, tables
from tests import queries_document
from tests.collector_process import CREDENTIALS, PEPPER
from tests.search_run import ATTACKER, CIRCLE, OLD_RECORDS, REQUEST, STRANGER, USER, Archived, archived

pytestmark = pytest.mark.collector

ARGUMENTS = {
    "one-request": [f"request_id={REQUEST}"],
    "one-user": [f"user_id={USER}"],
    "one-address": [f"address={ATTACKER}"],
    "failed-logins-by-address": [],
    "deletions-in-a-circle": [f"circle_id={CIRCLE}"],
}
EXPECTED = {
    "one-request": ("request",),
    "one-user": ("request", "user"),
    "one-address": ("failed 1", "failed 2", "failed 3"),
    "deletions-in-a-circle": ("deleted",),
}
every = pytest.mark.parametrize("name", ARGUMENTS)
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archived]:
    with archived(tmp_path_factory.mktemp("search")) as found:
        yield found


def window(archive: Archived, hours: float = 2) -> Window:
    return Window(archive.end - datetime.timedelta(hours=hours), archive.end)


def put(archive: Archived, name: str, *, hours: float = 2, arguments: list[str] | None = None) -> Plan:
    return plan(
        archive.context,
        name=name,
        arguments=ARGUMENTS[name] if arguments is None else arguments,
        window=window(archive, hours),
        form=Source.COLLECTED,
        cls=None,
        pepper=lambda: PEPPER,
    )


ANSWERED: dict[tuple[str, tuple[tuple[str, str], ...]], tuple[Rows, Seen]] = {}


def streamed(archive: Archived, asked: Plan, hours: float = 2) -> tuple[Rows, Seen]:
    """Return the answer as the command finds it; what was asked before is not asked again."""
    key = (asked.asked.question.name, tuple(sorted(asked.asked.values.items())))
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


def at_once(archive: Archived, asked: Plan, directory: Path, *, by_record: bool) -> Rows:
    """Return the answer of the whole statement, put once to every object of the tables, no window asked of S3.

    `by_record` gives the engine a record a line; else each object is one line, as Athena has it.
    """
    connection = duckdb.connect(config={"threads": 1})
    for table in asked.tables.values():
        nothing = directory / table.name / "year=2026" / "month=01" / "day=01" / "hour=00"
        nothing.mkdir(parents=True)
        (nothing / "none.json").write_text('{"resourceLogs":[]}')
        for number, item in enumerate(collected(archive.s3, table.bucket, window(archive, 400))):
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
    return gzip.decompress(archive.s3.get_object(Bucket=item.bucket, Key=item.key)["Body"].read())


def test_every_question_about_records_is_asked_here() -> None:
    assert set(ARGUMENTS) == {item.name for item in QUESTIONS if item.subject is Subject.RECORDS}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_question_is_answered_with_the_records_that_were_sent_and_no_others(archive: Archived, name: str) -> None:
    rows, _ = streamed(archive, put(archive, name))
    assert {row["uid"] for row in rows} == archive.uids(*EXPECTED[name])
    assert [row["event_time"] for row in rows] == sorted(row["event_time"] for row in rows)


def test_failed_logins_are_counted_by_address_and_one_that_was_sent_twice_counts_once(archive: Archived) -> None:
    rows, seen = streamed(archive, put(archive, "failed-logins-by-address"))
    assert [(row["attempts"], row["accounts"]) for row in rows] == [(3, 2), (1, 1)]
    assert all(row["address"].startswith("[ip_address:") for row in rows)
    assert seen.records == 5, "the one that was sent twice is in the archive twice"
    often, _ = streamed(archive, put(archive, "failed-logins-by-address", arguments=["at_least=2"]))
    assert often == rows[:1]


def test_an_address_and_its_pseudonym_ask_the_same(archive: Archived) -> None:
    by_address, _ = streamed(archive, put(archive, "one-address", arguments=[f"address={STRANGER}"]))
    assert {row["uid"] for row in by_address} == archive.uids("failed 4", "allowed")
    pseudonyms, _ = streamed(archive, put(archive, "failed-logins-by-address"))
    by_pseudonym, _ = streamed(archive, put(archive, "one-address", arguments=[f"address={pseudonyms[1]['address']}"]))
    assert by_pseudonym == by_address


def test_text_arrives_as_it_was_written(archive: Archived) -> None:
    rows, _ = streamed(archive, put(archive, "one-request"))
    assert rows[-1]["body"] == 'it\'s "stored" \\ ünï'
    assert [row["class"] for row in rows] == ["access", "audit", "application"]


def test_a_record_that_came_late_is_found_by_the_time_at_which_it_happened(archive: Archived) -> None:
    rows, _ = streamed(archive, put(archive, "deletions-in-a-circle", hours=40), hours=40)
    assert {row["uid"] for row in rows} == archive.uids("deleted", "late")


@every
@pytest.mark.parametrize("by_record", [True, False], ids=["a record a line", "an object a line"])
def test_the_whole_statement_finds_the_same_as_its_halves(
    archive: Archived, name: str, by_record: bool, tmp_path: Path
) -> None:
    asked = put(archive, name)
    rows, _ = streamed(archive, asked)
    assert rows
    assert at_once(archive, asked, tmp_path, by_record=by_record) == rows


@pytest.mark.parametrize("name", EXPECTED)
def test_a_value_is_never_read_as_sql(archive: Archived, name: str) -> None:
    key = ARGUMENTS[name][0].partition("=")[0]
    assert streamed(archive, put(archive, name, arguments=[f"{key}=x' OR '1'='1"]))[0] == []


def test_objects_of_other_hours_are_not_read(archive: Archived) -> None:
    asked = put(archive, "deletions-in-a-circle")
    table = asked.tables["audit"]
    where = (archive.s3, table, Source.COLLECTED, window(archive), datetime.timedelta(hours=48))
    found = listed(*where)
    assert found.left_out == OLD_RECORDS // 10
    assert not found.more
    read = list(needed(*where))
    assert read
    assert sum(item.size_bytes for item in read) == found.size_bytes
    assert all("day=20" not in item.key for item in read)


def run(archive: Archived, *arguments: str) -> tuple[int, str, str]:
    environment = {
        "AWS_ENDPOINT_URL": archive.endpoint,
        "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key_id,
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_access_key,
        "REDACTION_PEPPER": PEPPER,
        "COLUMNS": "400",
    }
    result = CliRunner().invoke(app, ["search", *arguments], env=environment)
    return result.exit_code, result.stdout, result.stderr


def test_the_command_prints_lines_of_json_and_says_what_it_read_and_what_it_did_not(archive: Archived) -> None:
    code, out, err = run(archive, "one-request", f"request_id={REQUEST}", "--output", "jsonl")
    assert code == 0, err
    assert {json.loads(line)["uid"] for line in out.splitlines()} == archive.uids("request")
    assert "3 rows" in err
    assert "bytes scanned" in err
    assert f"{OLD_RECORDS // 10} objects skipped by their partition" in err


@pytest.mark.parametrize("output", ["table", "csv"])
def test_the_command_prints_tables_and_csv(archive: Archived, output: str) -> None:
    code, out, err = run(archive, "failed-logins-by-address", "--output", output)
    assert code == 0, err
    assert out.splitlines()[0].replace(",", " ").split()[:3] == ["address", "attempts", "accounts"]
    assert len(out.splitlines()) == 3


def test_the_command_prints_what_can_be_pasted_into_athena(archive: Archived) -> None:
    code, out, err = run(archive, "one-request", "request_id=it's", "--sql")
    assert code == 0, err
    assert "request_id = 'it''s'" in out
    assert "?" not in out


DOCUMENTED = queries_document.questions()
asked_in = {
    language: pytest.mark.parametrize(
        "question",
        [item for item in DOCUMENTED if getattr(item, language) and item.name in ARGUMENTS],
        ids=lambda item: item.name,
    )
    for language in ("sql", "logql")
}


@pytest.fixture(scope="module")
def records(archive: Archived) -> duckdb.DuckDBPyConnection:
    """Return a connection in which `records` holds every archived record of the window, each once, as the document says."""
    every_column = f"SELECT {', '.join(RECORD_COLUMNS)} FROM found"
    everything = Question("everything", "All of it?", (), matching="1 = 1", answer=every_column)
    connection = duckdb.connect(config={"threads": 1})
    asked = replace(put(archive, "one-request").asked, question=everything, needles=())
    every = tables(archive.context)
    work = {cls: every[table_name(cls, Source.COLLECTED)] for cls in archive.context.policy.data_classes.classes}
    rows, _ = streamed(archive, Plan(asked, work))
    columns = list(rows[0])
    connection.execute(f"CREATE TABLE records ({', '.join(f'{column} VARCHAR' for column in columns)})")
    connection.executemany(
        f"INSERT INTO records VALUES ({', '.join('?' * len(columns))})",
        [list(row.values()) for row in rows],
    )
    return connection


@asked_in["sql"]
def test_the_documents_sql_finds_what_the_command_finds(
    archive: Archived, records: duckdb.DuckDBPyConnection, question: queries_document.Documented
) -> None:
    asked = put(archive, question.name)
    rows, _ = streamed(archive, asked)
    found = records.execute(
        sqlglot.transpile(question.sql, read="trino", write="duckdb")[0],
        {item.name: asked.asked.values[item.name] for item in asked.asked.question.parameters},
    )
    columns = [column[0] for column in found.description]
    documented = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
    assert documented == [{column: row[column] for column in columns} for row in rows]


@asked_in["logql"]
def test_the_documents_logql_finds_in_loki_what_the_command_finds_in_the_archive(
    archive: Archived, question: queries_document.Documented
) -> None:
    assert question.logql is not None
    asked = put(archive, question.name)
    rows, _ = streamed(archive, asked)
    found = logql(archive, queries_document.filled(question.logql, asked.asked.values))
    if question.name == "failed-logins-by-address":
        counted = {series["metric"]["remote_ip"]: int(series["value"][1]) for series in found}
        attacker, stranger = rows
        # Loki counts what was delivered, and one of them was delivered twice.
        assert counted == {attacker["address"]: attacker["attempts"] + 1, stranger["address"]: stranger["attempts"]}
    else:
        assert {stream["stream"]["log_record_uid"] for stream in found} == {row["uid"] for row in rows}


def logql(archive: Archived, query: str) -> list[dict[str, Any]]:
    """Return what Loki answers: streams, or the last value of each series."""
    instant = "sum by" in query
    now = time.time_ns()
    asked = {"query": query, "limit": 1000}
    asked |= {"time": now} if instant else {"start": int((archive.end.timestamp() - 7200) * 1e9), "end": now}
    url = f"{archive.loki}/loki/api/v1/{'query' if instant else 'query_range'}?{urllib.parse.urlencode(asked)}"
    with contextlib.closing(urllib.request.urlopen(url, timeout=30)) as answer:  # noqa: S310 - loopback
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found
