"""Questions put to what a real collector archived: by DuckDB as the command asks, in one statement, and by LogQL."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import sqlglot

from infra.archive.search_places import listed, needed
from infra.archive.search_question import Plan
from infra.documents.search.questions import QUESTIONS, Question, Subject
from infra.documents.search.records import RECORD_COLUMNS
from infra.documents.search.tables import Source, table_name, tables
from infra.export import days
from tests import queries_document
from tests.search_asking import ARGUMENTS, at_once, command, logql, put, run, streamed, window
from tests.search_run import OLD_RECORDS, REQUEST, STRANGER, USER, Archived, archived

pytestmark = pytest.mark.collector

EXPECTED = {
    "one-request": ("request",),
    "one-user": ("request", "user"),
    "one-address": ("failed 1", "failed 2", "failed 3"),
    "deletions-in-a-circle": ("deleted",),
}
every = pytest.mark.parametrize("name", ARGUMENTS)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archived]:
    with archived(tmp_path_factory.mktemp("search")) as found:
        yield found


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


@pytest.fixture(scope="module")
def exported(archive: Archived) -> Archived:
    """Return the archive with CloudWatch's export of today beside what the collector wrote, made by the command."""
    if archive.end - datetime.timedelta(minutes=40) < days.start(archive.end.date()):
        pytest.skip("what is asked for happened yesterday, before there were log groups to export it from")
    today = archive.end.date().isoformat()
    code, out, err = command(archive, "export", "--from", today, "--to", today)
    assert code == 0, out + err
    return archive


@every
def test_what_the_export_wrote_of_the_same_records_answers_the_same(exported: Archived, name: str) -> None:
    rows, _ = streamed(exported, put(exported, name))
    found, seen = streamed(exported, put(exported, name, form=Source.EXPORTED))
    assert found == rows
    assert seen.records


@every
def test_the_whole_statement_over_the_export_finds_the_same_as_its_halves(
    exported: Archived, name: str, tmp_path: Path
) -> None:
    asked = put(exported, name, form=Source.EXPORTED)
    assert at_once(exported, asked, tmp_path, by_record=True) == streamed(exported, asked)[0]


def test_what_was_delivered_twice_is_in_the_export_twice_and_counts_once(exported: Archived) -> None:
    rows, seen = streamed(exported, put(exported, "failed-logins-by-address", form=Source.EXPORTED))
    assert seen.records == 5
    assert sum(row["attempts"] for row in rows) == 4


def test_the_command_asks_the_export_and_verification_finds_both_the_same(exported: Archived) -> None:
    code, out, err = run(exported, "one-user", f"user_id={USER}", "--form", "exported", "--output", "jsonl")
    assert code == 0, err
    assert {json.loads(line)["uid"] for line in out.splitlines()} == exported.uids("request", "user")
    today = exported.end.date().isoformat()
    code, out, err = command(exported, "verify", "--from", today, "--to", today)
    assert code == 0, out + err
    assert "0 findings" in out


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
        assert counted == {attacker["address"]: attacker["attempts"], stranger["address"]: stranger["attempts"]}
        # One of them was delivered twice: without uids Loki counts it twice.
        every_copy = question.logql.replace("count by (remote_ip)", "sum by (remote_ip)")
        assert sum(int(series["value"][1]) for series in logql(archive, every_copy)) == sum(counted.values()) + 1
    else:
        assert {stream["stream"]["log_record_uid"] for stream in found} == {row["uid"] for row in rows}
