"""One text, two dialects: what Athena is given, what DuckDB is given, and what docs/queries.md teaches."""

import functools
import re

import pytest
import sqlglot
from sqlglot import exp

from infra.documents.insights import SAVED_QUERIES
from infra.documents.search.questions import QUESTIONS, Question, Subject, classes_for
from infra.documents.search.records import ATTRIBUTES, EARLY_HOURS
from infra.documents.search.statement import Statement, source_of, whole
from infra.documents.search.tables import Source, tables
from tests import queries_document
from tests.factories import ROOT, context, policy

CLASSES = policy().data_classes.classes
LATE = policy().data_classes.search.late_hours
ASKED = [(asked, form) for asked in QUESTIONS for form in (Source.COLLECTED, Source.EXPORTED)]
every = pytest.mark.parametrize(("asked", "form"), ASKED, ids=[f"{asked.name}-{form.value}" for asked, form in ASKED])
DOCUMENTED = {item.name: item for item in queries_document.questions()}
COMMANDS = {"fields", "filter", "sort", "stats", "limit"}
AT_THE_TOP = {"@timestamp", "severityText", "severityNumber", "body"}


@functools.cache
def statement(asked: Question, form: Source) -> Statement:
    return whole(asked, source_of(asked, form), classes_for(asked, CLASSES.items()), LATE)


@every
def test_athena_reads_what_it_is_given(asked: Question, form: Source) -> None:
    text = statement(asked, form).athena()
    parsed = sqlglot.parse_one(text, read="athena", error_level=sqlglot.ErrorLevel.RAISE)
    assert isinstance(parsed, exp.Select)
    assert not list(parsed.find_all(exp.Command, exp.Anonymous)), "a function that sqlglot does not know"


@every
def test_athena_and_duckdb_are_asked_the_same(asked: Question, form: Source) -> None:
    given = statement(asked, form)
    athena = sqlglot.parse_one(given.athena_with(dict.fromkeys(given.parameters, "v")), read="athena")
    duckdb = sqlglot.transpile(athena.sql("athena"), read="athena", write="duckdb")[0]
    assert duckdb == re.sub(r"\$\w+", "'v'", given.duckdb())


@every
def test_every_value_has_a_place_in_athenas_text_in_the_order_that_is_said(asked: Question, form: Source) -> None:
    given = statement(asked, form)
    assert given.athena().count("?") == len(given.parameters)
    wanted = {"since", "until", *(parameter.name for parameter in asked.parameters)}
    assert set(given.parameters) == wanted
    by_hand = given.athena()
    for name in given.parameters:
        by_hand = by_hand.replace("?", f"'{name}'", 1)
    assert by_hand == given.athena_with({name: name for name in wanted})


@every
def test_a_value_that_is_sql_stays_a_value(asked: Question, form: Source) -> None:
    given = statement(asked, form)
    evil = "x' OR '1'='1"
    tree = sqlglot.parse_one(given.athena_with(dict.fromkeys(given.parameters, evil)), read="athena")
    assert sum(1 for literal in tree.find_all(exp.Literal) if literal.this == evil) == len(given.parameters)


@every
def test_the_columns_of_tables_that_are_asked_for_are_there(asked: Question, form: Source) -> None:
    tree = sqlglot.parse_one(statement(asked, form).athena(), read="athena")
    known = {name: table for stack in ("prod",) for name, table in tables(context(stack)).items()}
    defined = {item.alias for item in tree.find_all(exp.CTE)}
    named = {item.name for item in tree.find_all(exp.Table)} - defined
    assert named <= set(known)
    assert named


@every
def test_partitions_are_asked_for_so_that_not_everything_is_read(asked: Question, form: Source) -> None:
    text = statement(asked, form).athena()
    assert re.search(r"\byear BETWEEN\b", text)
    assert re.search(r"CONCAT\(year, '-', month, '-', day", text)
    if source_of(asked, form) is not Source.EXPORTED:
        assert f"INTERVAL '{EARLY_HOURS}' HOUR" in text
        assert f"INTERVAL '{LATE}' HOUR" in text


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


def test_attributes_that_columns_hold_are_those_of_the_contract() -> None:
    contract = (ROOT / "docs" / "logging-contract.md").read_text() + (ROOT / "policy" / "redaction.yaml").read_text()
    for attribute in ATTRIBUTES.values():
        assert re.search(rf"\b{re.escape(attribute)}\b", contract), attribute


def test_the_documents_sql_about_reads_asks_as_the_saved_question_does() -> None:
    asked = next(item for item in QUESTIONS if item.subject is Subject.READS)
    condition = sqlglot.parse_one(DOCUMENTED[asked.name].sql, read="trino").find(exp.Where)
    assert condition is not None
    assert condition.this.sql() == sqlglot.parse_one(asked.matching, read="trino").unnest().sql()
