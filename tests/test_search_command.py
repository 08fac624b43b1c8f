"""Asking on one's own machine: bad input is refused with what is allowed, broken objects end it, nothing is left out."""

from __future__ import annotations

import datetime
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from infra.archive.__main__ import app
from infra.archive.errors import ArchiveError
from infra.archive.objects import ArchiveObject, Form
from infra.archive.search_engine import Engine
from infra.archive.search_output import ROWS_IN_A_TABLE, Output, write
from infra.archive.search_pieces import documents
from infra.archive.search_question import Plan, plan, pseudonym
from infra.archive.window import Window
from infra.documents.search.tables import Source
from infra.problems import InputError
from sandbox.archive_records import address_of, event_of, request_of, uid_of
from sandbox.archives import objects
from tests.collector_run import batch, record
from tests.factories import context

DAY = datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)
WINDOW = Window(DAY, DAY + datetime.timedelta(days=1))


def asked(
    name: str, *arguments: str, stack: str = "sandbox", form: Source = Source.COLLECTED, cls: str | None = None
) -> Plan:
    return plan(
        context(stack), name=name, arguments=arguments, window=WINDOW, form=form, cls=cls, pepper=lambda: "made-up"
    )


# an object, cut into a document a record


def cut(raw: bytes, size: int) -> list[bytes]:
    return list(documents((raw[at : at + size] for at in range(0, len(raw), size)), "bucket", "key"))


def flat(*texts: bytes) -> list[tuple[Any, Any, Any]]:
    return [
        (resource["resource"], scope["scope"], entry)
        for text in texts
        for resource in json.loads(text)["resourceLogs"]
        for scope in resource["scopeLogs"]
        for entry in scope["logRecords"]
    ]


BODIES = st.text(max_size=20) | st.sampled_from(
    ['{"timeUnixNano":"1"', '},{"timeUnixNano":', '{"resource":{}', "]}]}]}", '{"scope":', "\\", '\\"', "},{"]
)
RESOURCES = st.lists(st.lists(st.lists(BODIES, min_size=1, max_size=3), min_size=1, max_size=2), max_size=3)


@settings(max_examples=60, deadline=None)
@given(RESOURCES, st.integers(1, 400))
def test_cutting_loses_nothing_and_invents_nothing_whatever_the_text_and_the_pieces(
    resources: list[list[list[str]]], size: int
) -> None:
    found = []
    for number, scopes in enumerate(resources):
        one = batch([], resource={"n": str(number)})
        one["scopeLogs"] = [
            {
                "scope": {"name": str(at)},
                "logRecords": [{"timeUnixNano": "5", **record(body, {"b": body})} for body in bodies],
            }
            for at, bodies in enumerate(scopes)
        ]
        found.append(one)
    raw = json.dumps({"resourceLogs": found}, separators=(",", ":"), ensure_ascii=False).encode()
    pieces = cut(raw, size)
    assert flat(*pieces) == flat(raw)
    assert all(len(flat(piece)) == 1 for piece in pieces)


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b'{"resourceLogs":[{"resource":{},"scopeLogs":[{"scope":{},"logRecords":[{"timeUnixNano":"1"']
)
def test_what_is_no_whole_document_is_an_error_that_names_the_object(raw: bytes) -> None:
    with pytest.raises(ArchiveError, match="s3://bucket/key: does not end as an OTLP document does at byte"):
        cut(raw, 100)


# a stand-in for S3


class Objects:
    """S3, reduced to GetObject."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        self.contents = contents

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        if Key not in self.contents:
            raise ClientError({"Error": {"Code": "InvalidObjectState", "Message": Bucket}}, "GetObject")
        return {"Body": Body(self.contents[Key])}


class Body(io.BytesIO):
    """A streamed body."""

    def iter_chunks(self, size: int) -> Iterator[bytes]:
        while piece := self.read(size):
            yield piece


def answer(
    tmp_path: Path, what: Plan, contents: dict[str, bytes], *, form: Form = Form.COLLECTED, asleep: tuple[str, ...] = ()
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return rows, and the keys of what would have to be restored, from objects that all lie in one table."""
    ((cls, table),) = what.tables.items()
    items = [
        ArchiveObject("b", key, form, 1, DAY, "DEEP_ARCHIVE" if key in asleep else "STANDARD")
        for key in [*contents, *asleep]
    ]
    with Engine(tmp_path) as engine:
        seen = engine.gather(Objects(contents), what.asked, [(cls, table, items)], lambda _: None)  # type: ignore[arg-type]
        columns, rows = engine.answer(what.asked)
        return [dict(zip(columns, row, strict=True)) for row in rows], [item.key for item in seen.asleep]


def made(cls: str, records: int = 60) -> dict[str, bytes]:
    return {item.key: item.content for item in objects(cls=cls, start=DAY, records=records, hours=6, an_object=10)}


def test_every_record_of_the_window_is_found_whichever_object_and_hour_it_lies_in(tmp_path: Path) -> None:
    rows, _ = answer(tmp_path, asked("one-request", f"request_id={request_of(9)}", cls="audit"), made("audit"))
    assert [row["uid"] for row in rows] == [uid_of(number) for number in (8, 9, 10, 11)], "they lie in two objects"


def test_addresses_are_counted_as_the_generator_wrote_them(tmp_path: Path) -> None:
    rows, _ = answer(tmp_path, asked("failed-logins-by-address"), made("security"))
    failed = [number for number in range(60) if event_of(number) == "auth.login.failed"]
    assert {row["address"]: row["attempts"] for row in rows} == {address_of(number): 1 for number in failed}


def test_an_object_that_has_to_be_restored_is_named_and_the_rest_is_searched(tmp_path: Path) -> None:
    gone = "otlp/year=2026/month=11/day=20/hour=03/logs_x.json.gz"
    question = asked("one-request", f"request_id={request_of(0)}", cls="audit")
    rows, asleep = answer(tmp_path, question, made("audit"), asleep=(gone,))
    assert len(rows) == 4
    assert asleep == [gone]


@pytest.mark.parametrize("broken", [lambda raw: raw[:-20], lambda raw: gzip.compress(gzip.decompress(raw)[:-20])])
def test_a_broken_object_ends_the_search(tmp_path: Path, broken: Any) -> None:
    contents = made("audit")
    key = list(contents)[-1]
    contents[key] = broken(contents[key])
    with pytest.raises(ArchiveError, match=f"s3://b/{key}"):
        answer(tmp_path, asked("one-request", "request_id=x", cls="audit"), contents)


def test_the_nightly_export_answers_the_same_questions_and_two_attempts_count_once(tmp_path: Path) -> None:
    events = [
        {
            "timeUnixNano": int((DAY.timestamp() + 60 * number) * 10**9),
            "severityText": "ERROR",
            "body": f"number {number}",
            "attributes": {
                "log.record.uid": uid_of(number),
                "event": "audit.keep.deleted",
                "circle_id": "7" if number < 3 else "8",
                "tinybeans.log.class": "audit",
            },
        }
        for number in range(5)
    ]
    text = "".join(
        f"{datetime.datetime.fromtimestamp(event['timeUnixNano'] / 1e9, datetime.UTC):%Y-%m-%dT%H:%M:%S.000Z} "  # type: ignore[operator]
        f"{json.dumps(event)}\n"
        for event in events
    )
    folder = "export/tinybeans-sandbox-audit/2026-11-20"
    packed = gzip.compress(f"{text}no event\n".encode())
    contents = {f"{folder}/{attempt}/task-{attempt}/collector/000000.gz": packed for attempt in (1, 2)}
    question = asked("deletions-in-a-circle", "circle_id=7", form=Source.EXPORTED)
    rows, _ = answer(tmp_path, question, contents, form=Form.EXPORTED)
    assert [row["uid"] for row in rows] == [uid_of(number) for number in range(3)]
    assert rows[1]["event_time"] == "2026-11-20T00:01:00.000Z"


# what is asked


@pytest.mark.parametrize(
    ("name", "arguments", "more", "what"),
    [
        ("all-of-it", [], {}, r"QUERY: no such question. Allowed: one-request, one-user"),
        ("one-request", [], {}, r"request_id: is missing. Allowed: ARGS='request_id="),
        ("one-request", ["user=4"], {}, r"an argument that is not asked for. Allowed: request_id="),
        ("one-request", ["request_id="], {}, "request_id: empty"),
        ("failed-logins-by-address", ["at_least=few"], {}, "at_least: not a number"),
        (
            "deletions-in-a-circle",
            ["circle_id=1"],
            {"cls": "client"},
            "its records cannot answer this question. Allowed: audit",
        ),
        ("reads-by-an-auditor", ["reader=x"], {}, r"Pulumi.sandbox.yaml: audit_reads: this stack keeps no record"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_can(
    name: str, arguments: list[str], more: dict[str, Any], what: str
) -> None:
    with pytest.raises(InputError, match=what):
        asked(name, *arguments, **more)


def test_a_refusal_never_repeats_the_value() -> None:
    with pytest.raises(InputError) as refused:
        asked("failed-logins-by-address", "at_least=hunter2", "password=hunter2")
    assert "hunter2" not in str(refused.value)


def test_an_unknown_question_ends_the_command_with_status_2_and_one_line() -> None:
    result = CliRunner().invoke(app, ["search", "nothing"])
    assert result.exit_code == 2
    assert "QUERY: no such question" in result.stderr
    assert "Traceback" not in result.output


def test_a_value_of_a_pseudonyms_rule_becomes_one_and_a_pseudonym_stays() -> None:
    found = asked("one-address", "address=203.0.113.7").asked.values["address"]
    assert found == pseudonym("ip_address", "203.0.113.7", "made-up")
    assert asked("one-address", f"address={found}").asked.values["address"] == found


def test_only_text_that_json_leaves_alone_is_looked_for_before_the_engine_looks() -> None:
    assert asked("one-request", "request_id=a-b_1.2").asked.needles == (b"a-b_1.2",)
    assert asked("one-request", 'request_id=a"b').asked.needles == ()
    assert asked("failed-logins-by-address").asked.needles == (b"auth.login.",)


# what is shown


def test_a_spreadsheet_takes_no_value_for_a_formula() -> None:
    to = io.StringIO()
    write(Output.CSV, ["body"], [["=HYPERLINK(1)"], ["fine"]], to)
    assert to.getvalue() == "body\n'=HYPERLINK(1)\nfine\n"


def test_a_terminal_gets_no_escape_sequence_out_of_a_record() -> None:
    to = io.StringIO()
    write(Output.TABLE, ["body"], [["\x1b[2Jgone"]], to)
    assert "\x1b[2J" not in to.getvalue()
    assert "gone" in to.getvalue()


def test_a_table_shows_no_more_than_it_can_hold_and_says_how_many_there_are() -> None:
    to = io.StringIO()
    assert write(Output.TABLE, ["n"], ([number] for number in range(ROWS_IN_A_TABLE + 5)), to) == ROWS_IN_A_TABLE + 5
    assert "5 more rows: ask for jsonl or csv" in to.getvalue()
