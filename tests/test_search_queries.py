"""One text, two dialects: what is saved in Athena, what DuckDB is given, and what docs/queries.md teaches."""

import functools
import re

import pytest
import sqlglot
from sqlglot import exp

from infra.documents.insights import SAVED_QUERIES, SavedQuery
from infra.documents.search.questions import QUESTIONS, Question, Subject, classes_for
from infra.documents.search.records import ATTRIBUTES, EARLY_HOURS
from infra.documents.search.saved import FOLDER, Saved, every, saved
from infra.documents.search.statement import Statement, rendered, whole
from infra.documents.search.tables import Source, tables
from tests import queries_document
from tests.factories import ROOT, context, policy

CLASSES = policy().data_classes.classes
LATE = policy().data_classes.search.late_hours
ASKED = list(every())
each = pytest.mark.parametrize(
    ("asked", "source"), ASKED, ids=[f"{asked.name}-{source.value}" for asked, source in ASKED]
)
DOCUMENTED = {item.name: item for item in queries_document.questions()}
COMMANDS = {"fields", "filter", "sort", "stats", "dedup", "limit"}
AT_THE_TOP = {"@timestamp", "severityText", "severityNumber", "body"}


@functools.cache
def statement(asked: Question, source: Source) -> Statement:
    return whole(asked, source, classes_for(asked, CLASSES.items()), LATE)


def in_athena(asked: Question, source: Source) -> Saved:
    return saved(asked, source, classes_for(asked, CLASSES.items()), LATE)


def read(text: str) -> exp.Expr:
    return sqlglot.parse_one(text, read="athena", error_level=sqlglot.ErrorLevel.RAISE)


def test_what_is_rendered_and_committed_is_what_the_questions_say() -> None:
    assert {file: file.read_text() for file in FOLDER.iterdir()} == rendered(), (
        "run `make render` and commit the result"
    )


@each
@pytest.mark.parametrize(("classes", "late"), [(("audit",), 1), (("audit", "security", "client"), 100)])
def test_what_is_saved_is_what_duckdb_executes_whatever_the_classes_and_hours(
    asked: Question, source: Source, classes: tuple[str, ...], late: int
) -> None:
    asked_of = () if source is Source.READS else classes
    text = saved(asked, source, asked_of, late).text
    assert read(text).sql("athena", pretty=True) == whole(asked, source, asked_of, late).athena()


@each
def test_athena_reads_what_it_is_given(asked: Question, source: Source) -> None:
    parsed = read(in_athena(asked, source).athena())
    assert isinstance(parsed, exp.Select)
    assert not list(parsed.find_all(exp.Command, exp.Anonymous)), "a function that sqlglot does not know"


@each
def test_athena_and_duckdb_are_asked_the_same(asked: Question, source: Source) -> None:
    given = statement(asked, source)
    athena = read(given.athena_with(dict.fromkeys(given.parameters, "v")))
    duckdb = sqlglot.transpile(athena.sql("athena"), read="athena", write="duckdb")[0]
    assert duckdb == re.sub(r"\$\w+", "'v'", given.duckdb())


@each
def test_every_value_has_a_place_in_athenas_text_in_the_order_that_is_said(asked: Question, source: Source) -> None:
    given = in_athena(asked, source)
    assert given.athena().count("?") == len(given.parameters)
    wanted = {"since", "until", *(parameter.name for parameter in asked.parameters)}
    assert set(given.parameters) == wanted
    by_hand = given.athena()
    for name in given.parameters:
        by_hand = by_hand.replace("?", f"'{name}'", 1)
    assert read(by_hand) == read(statement(asked, source).athena_with({name: name for name in wanted}))


@each
def test_a_value_that_is_sql_stays_a_value(asked: Question, source: Source) -> None:
    given = statement(asked, source)
    evil = "x' OR '1'='1"
    tree = read(given.athena_with(dict.fromkeys(given.parameters, evil)))
    places = len(in_athena(asked, source).parameters)
    assert sum(1 for literal in tree.find_all(exp.Literal) if literal.this == evil) == places


@each
def test_the_columns_of_tables_that_are_asked_for_are_there(asked: Question, source: Source) -> None:
    tree = read(in_athena(asked, source).athena())
    known = {name: table for stack in ("prod",) for name, table in tables(context(stack)).items()}
    defined = {item.alias for item in tree.find_all(exp.CTE)}
    named = {item.name for item in tree.find_all(exp.Table)} - defined
    assert named <= set(known)
    assert named


@each
def test_partitions_are_asked_for_so_that_not_everything_is_read(asked: Question, source: Source) -> None:
    text = in_athena(asked, source).athena()
    assert re.search(r"\byear BETWEEN\b", text)
    assert re.search(r"CONCAT\(year, '-', month, '-', day", text)
    if source is not Source.EXPORTED:
        assert f"INTERVAL '{EARLY_HOURS}' HOUR" in text
        assert f"INTERVAL '{LATE}' HOUR" in text


@each
def test_what_was_delivered_twice_is_one_row(asked: Question, source: Source) -> None:
    tree = read(in_athena(asked, source).athena())
    (copies,) = tree.find_all(exp.Window)
    assert copies.this.sql() == "ROW_NUMBER()"
    assert [column.name for column in copies.args["partition_by"]] == ["uid"]
    (answered,) = tree.find(exp.From).find_all(exp.Table)  # type: ignore[union-attr]
    assert answered.name == "found", "the answer is made of the records of which there is one copy each"


def test_the_document_asks_every_question_in_every_language_that_can() -> None:
    assert list(DOCUMENTED) == [asked.name for asked in QUESTIONS]
    for asked in QUESTIONS:
        documented = DOCUMENTED[asked.name]
        about_records = asked.subject is Subject.RECORDS
        assert (documented.insights is not None, documented.logql is not None) == (about_records, about_records)


def test_the_documents_insights_are_the_saved_queries() -> None:
    saved = {query.name: query.text for query in SAVED_QUERIES}
    shown = {name: item.insights for name, item in DOCUMENTED.items() if item.insights}
    assert shown == {name: saved[name] for name in shown}


@pytest.mark.parametrize("query", SAVED_QUERIES, ids=lambda query: query.name)
def test_insights_asks_for_fields_that_records_have_by_commands_that_there_are(query: object) -> None:
    text = query.text  # type: ignore[attr-defined]
    commands = [line.removeprefix("| ").split()[0] for line in text.splitlines()]
    assert set(commands) <= COMMANDS
    fields = set(re.findall(r"(?<![\w.])(?:@\w+|attributes(?:\.\w+)+|severity\w+|body)\b", text))
    assert fields
    attributes = {field.removeprefix("attributes.") for field in fields if field.startswith("attributes.")}
    assert fields - {f"attributes.{name}" for name in attributes} <= AT_THE_TOP
    assert attributes <= set(ATTRIBUTES.values())


@pytest.mark.parametrize("query", SAVED_QUERIES, ids=lambda query: query.name)
def test_insights_shows_and_counts_what_was_delivered_twice_once(query: SavedQuery) -> None:
    uid = f"attributes.{ATTRIBUTES['uid']}"
    assert "count(*)" not in query.text
    if "stats" in query.text:
        assert f"count_distinct({uid})" in query.text
    else:
        # User Guide, "dedup": only limit may follow, and what comes first in the order stays.
        assert [line.split()[1] for line in query.text.splitlines()[-3:]] == ["sort", "dedup", "limit"]
        assert f"\n| dedup {uid}\n" in query.text


def test_attributes_that_columns_hold_are_those_of_the_contract() -> None:
    contract = (ROOT / "docs" / "logging-contract.md").read_text() + (ROOT / "policy" / "redaction.yaml").read_text()
    for attribute in ATTRIBUTES.values():
        assert re.search(rf"\b{re.escape(attribute)}\b", contract), attribute


def test_the_documents_sql_about_reads_asks_as_the_saved_question_does() -> None:
    asked = next(item for item in QUESTIONS if item.subject is Subject.READS)
    condition = sqlglot.parse_one(DOCUMENTED[asked.name].sql, read="trino").find(exp.Where)
    assert condition is not None
    assert condition.this.sql() == sqlglot.parse_one(asked.matching, read="trino").unnest().sql()
