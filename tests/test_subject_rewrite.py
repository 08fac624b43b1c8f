"""An object is written again without some records, and everything else in it says what it said."""

from __future__ import annotations

import gzip
import json
from array import array
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.archive.errors import ArchiveError
from infra.archive.objects import ArchiveObject, Form
from infra.subject.rewrite import Hits, without
from tests.archive_fake import BUCKET, WRITTEN, FakeS3

FORMS = {Form.COLLECTED: "otlp/a.json.gz", Form.EXPORTED: "export/a.gz"}
shapes = st.lists(st.lists(st.integers(0, 3), max_size=3), max_size=4)
"""Records of each scope of each resource."""


def request(shape: list[list[int]]) -> dict[str, Any]:
    """Return an OTLP request of this shape, with members before and behind the arrays."""
    number = iter(range(1000))
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": f"s{at}"}}]},
                "scopeLogs": [
                    {
                        "scope": {"name": "s", "version": "1"},
                        "logRecords": [
                            {"timeUnixNano": "1", "body": {"stringValue": f'«{next(number)}» \\ " \n'}, "flags": 1}
                            for _ in range(count)
                        ],
                        "schemaUrl": "https://example.com/scope",
                    }
                    for count in counts
                ],
                "schemaUrl": "https://example.com/resource",
            }
            for at, counts in enumerate(shape)
        ],
        "ours": {"kept": [1, 2.5, None, True]},
    }


def expected(document: dict[str, Any], dropped: set[int]) -> dict[str, Any]:
    """Return the same without what is dropped and what is empty then, made by holding all of it."""
    number = 0
    for resource in document["resourceLogs"]:
        for scope in resource["scopeLogs"]:
            numbered = list(enumerate(scope["logRecords"], number))
            number += len(numbered)
            scope["logRecords"] = [record for at, record in numbered if at not in dropped]
        resource["scopeLogs"] = [scope for scope in resource["scopeLogs"] if scope["logRecords"]]
    kept = [resource for resource in document["resourceLogs"] if resource["scopeLogs"]]
    return {**document, "resourceLogs": kept} if kept else {"resourceLogs": []}


def rewritten(form: Form, text: bytes, dropped: set[int]) -> bytes:
    body = gzip.compress(text)
    item = ArchiveObject(BUCKET, FORMS[form], form, len(body), WRITTEN, "STANDARD")
    made = without(FakeS3({FORMS[form]: body}).client, item, Hits(array("Q", sorted(dropped))))
    with made.body:
        return gzip.decompress(made.body.read())


@settings(max_examples=60, deadline=None)
@given(shapes, st.sets(st.integers(0, 35)))
def test_a_request_of_the_collectors_keeps_all_that_is_not_dropped(shape: list[list[int]], dropped: set[int]) -> None:
    made = rewritten(Form.COLLECTED, json.dumps(request(shape)).encode(), dropped)
    assert json.loads(made) == expected(request(shape), dropped)


def test_an_export_keeps_lines_that_belong_together() -> None:
    lines = [
        '2026-11-20T00:00:00.000Z {"a":1}',
        "2026-11-20T00:00:01.000Z Traceback\n  of two lines",
        "2026-11-20T00:00:02.000Z {}",
    ]
    text = "".join(f"{line}\n" for line in lines).encode()
    for number, line in enumerate(lines):
        assert rewritten(Form.EXPORTED, text, {number}) == text.replace(f"{line}\n".encode(), b"")


@pytest.mark.parametrize("form", FORMS)
def test_the_same_bytes_without_the_same_records_are_the_same_bytes(form: Form) -> None:
    text = json.dumps(request([[2]])).encode() if form is Form.COLLECTED else b"2026-11-20T00:00:00Z {}\n" * 2
    body = gzip.compress(text)
    item = ArchiveObject(BUCKET, FORMS[form], form, len(body), WRITTEN, "STANDARD")
    made = [without(FakeS3({FORMS[form]: body}).client, item, Hits(array("Q", [0]))) for _ in range(2)]
    for each in made:
        each.body.close()
    assert made[0].sha256 == made[1].sha256 != made[0].was_sha256


def test_what_is_cut_short_is_not_written_again() -> None:
    with pytest.raises(ArchiveError, match="cut short"):
        rewritten(Form.COLLECTED, json.dumps(request([[2]])).encode()[:-3], {0})
