"""Reading the archive: which objects a window needs, and the records in them, streamed, in both forms."""

from __future__ import annotations

import datetime
import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.archive import json_stream, otlp
from infra.archive.errors import ArchiveError
from infra.archive.objects import COLLECTED_PREFIX, EXPORTED_PREFIX, ArchiveObject, Form, collected, exported
from infra.archive.records import CLASS, UID, ArchivedRecord, records
from infra.archive.text_stream import Text, unpacked
from infra.archive.window import nanoseconds, parse_window
from infra.components import archive
from infra.documents.collector import ottl
from infra.documents.collector_policy import ARCHIVE_PREFIX
from sandbox.doubles.cloudwatch_events import render
from sandbox.doubles.otlp_codec import Encoding, LogRecord, decode
from tests import archive_fake as fake
from tests.archive_fake import BUCKET, FakeS3, collected_key, row
from tests.collector_run import batch, pairs

NOW = datetime.datetime(2026, 11, 26, 14, 30, tzinfo=datetime.UTC)
DAY = parse_window("2026-11-24", "2026-11-24", NOW)
KEY = collected_key("2026-11-24T08")
EXPORT_KEY = "export/audit/2026-11-24/1/task/collector/000000.gz"


def an_object(key: str = KEY, form: Form = Form.COLLECTED) -> ArchiveObject:
    return ArchiveObject(BUCKET, key, form, 1, fake.WRITTEN, "STANDARD")


def read(raw: bytes, form: Form = Form.COLLECTED, start: int = 0) -> list[ArchivedRecord]:
    key = KEY if form is Form.COLLECTED else EXPORT_KEY
    return list(records(FakeS3({key: raw}).client, an_object(key, form), start))


FULL = {
    **row(1, "2026-11-24T08:00:01", body='ü \n"quoted" \\'),
    "observedTimeUnixNano": "1764000000000000001",
    "traceId": "5b8efff798038103d269b633813fc60c",
    "spanId": "eee19b7ec3c1b174",
    "eventName": "keep.deleted",
    "flags": 1,
}
FULL["attributes"] += pairs(
    {"http.response.status_code": 201, "duration_ms": 12.5, "ok": True, "list": ["a", {"b": 1}]}
)
REQUEST = {
    "resourceLogs": [
        batch([FULL, row(2, "2026-11-24T08:00:02")], scope={"name": "s", "version": "1", "attributes": {"x": "y"}}),
        batch([row(3, "2026-11-24T08:00:03")], resource={"host.name": "web-2"}),
    ]
}


def as_decoded(item: ArchivedRecord) -> LogRecord:
    return LogRecord(
        item.resource,
        item.scope,
        item.time_ns,
        item.observed_ns,
        item.severity_number,
        item.severity_text,
        item.body,
        item.attributes,
        item.flags,
        item.event_name,
        item.trace_id,
        item.span_id,
    )


def test_the_names_of_the_archive_are_those_that_the_program_writes_and_grants() -> None:
    assert (UID, CLASS) == (ottl.UID, ottl.CLASS)
    assert COLLECTED_PREFIX.startswith(f"{ARCHIVE_PREFIX}/")
    assert COLLECTED_PREFIX.startswith(archive.COLLECTED)
    assert EXPORTED_PREFIX == archive.EXPORTED


def test_a_record_of_the_collector_s_form_has_every_field_that_was_written() -> None:
    found = read(gzip.compress(json.dumps(REQUEST).encode()))

    assert [as_decoded(item) for item in found] == list(decode(json.dumps(REQUEST).encode(), Encoding.JSON))
    assert [(item.uid, item.cls, item.number, item.source) for item in found] == [
        (fake.uid(number), "audit", number - 1, Form.COLLECTED) for number in (1, 2, 3)
    ]


def test_a_record_of_the_export_s_form_has_every_field_that_was_written() -> None:
    written = decode(json.dumps(REQUEST).encode(), Encoding.JSON)
    lines = "".join(f"2026-11-24T08:00:01.000Z {render(item)}\n" for item in written)

    assert [as_decoded(item) for item in read(gzip.compress(lines.encode()), Form.EXPORTED)] == list(written)


def test_an_event_that_never_went_through_the_collector_is_a_record_without_uid() -> None:
    lines = '2026-11-24T08:00:01.250Z plain text\n  of two lines\n2026-11-24T08:00:02.000Z {"no": "attributes"}\n'

    first, second = read(gzip.compress(lines.encode()), Form.EXPORTED)

    assert (first.body, second.body) == ("plain text\n  of two lines", '{"no": "attributes"}')
    assert first.time_ns == nanoseconds(datetime.datetime(2026, 11, 24, 8, 0, 1, 250_000, datetime.UTC))
    assert first.uid == first.cls == ""


def test_reading_goes_on_where_it_was_left() -> None:
    raw = gzip.compress(json.dumps(REQUEST).encode())

    assert [item.number for item in read(raw, start=2)] == [2]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.text(min_size=1), JSON, max_size=3), max_size=5), st.integers(1, 40), st.booleans())
def test_pieces_may_end_anywhere(rows: list[dict[str, Any]], size: int, spaced: bool) -> None:
    raw = json.dumps({"rows": rows, "n": 12345}, ensure_ascii=False, indent=1 if spaced else None).encode()
    text = Text((raw[at : at + size] for at in range(0, len(raw), size)), BUCKET, KEY)
    found: dict[str, Any] = {}

    for name in json_stream.members(text):
        found[name] = (
            [json_stream.value(text) for _ in json_stream.items(text)] if name == "rows" else json_stream.value(text)
        )
    json_stream.end(text)

    assert found == {"rows": rows, "n": 12345}
    assert text.offset == len(raw)


@given(JSON.filter(lambda found: found is not None))
def test_a_plain_value_survives_otlp(value: Any) -> None:
    assert otlp.plain(json.loads(json.dumps(otlp.any_value(value)))) == value


def test_a_double_stays_one_when_it_is_written_without_a_point() -> None:
    assert json.dumps(otlp.any_value(otlp.plain({"doubleValue": 2}))) == '{"doubleValue": 2.0}'


def test_a_truncated_object_names_bucket_key_and_place_after_what_was_whole() -> None:
    raw = gzip.compress(json.dumps(REQUEST).encode(), compresslevel=0)
    whole, counts = read(raw), set()
    for length in range(2, len(raw)):
        found: list[ArchivedRecord] = []
        with pytest.raises(
            ArchiveError, match=rf"^s3://{BUCKET}/{KEY}: .*cut short.* at byte [\d,]+ of its text$"
        ) as caught:
            found.extend(records(FakeS3({KEY: raw[:length]}).client, an_object()))
        assert caught.value.offset is not None
        assert caught.value.offset <= length
        assert found == whole[: len(found)]
        counts.add(len(found))
    assert counts == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"\x1f\x8b rubbish", "its gzip is broken"),
        (gzip.compress(b'{"resourceLogs": ['), "cut short"),
        (gzip.compress(b'{"resourceLogs": {}}'), r"no \["),
        (gzip.compress(b'{"resourceLogs": []} {}'), "after its end"),
        (gzip.compress(b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": 7}]}]}]}'), "no log record"),
        (gzip.compress(b'{"resourceLogs": [{"scopeLogs": [], "resource": {}}]}'), "resource after"),
        (gzip.compress(b'{"a": "\xff"}'), "not UTF-8"),
        (b"", "cut short"),
    ],
    ids=[
        "no gzip",
        "text cut short",
        "no list",
        "after its end",
        "no log record",
        "resource after",
        "not UTF-8",
        "empty",
    ],
)  # ids of their own: gzip writes the time of day into its header
def test_a_corrupt_object_is_named_with_what_is_wrong(raw: bytes, what: str) -> None:
    with pytest.raises(ArchiveError, match=f"s3://{BUCKET}/.*{what}"):
        read(raw)


def test_nothing_of_a_corrupt_object_s_content_is_repeated() -> None:
    with pytest.raises(ArchiveError) as caught:
        read(gzip.compress(b'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": sentinel-5f1c'))
    assert "sentinel" not in str(caught.value)


@pytest.mark.parametrize("lines", ["no time\n", "2026-11-24T08:00:01.000Z cut in the mid"])
def test_a_corrupt_export_is_named_with_what_is_wrong(lines: str) -> None:
    with pytest.raises(ArchiveError, match=r"000000\.gz: .* at byte"):
        read(gzip.compress(lines.encode()), Form.EXPORTED)


def test_gzip_members_may_follow_one_another() -> None:
    raw = gzip.compress(b"one ") + gzip.compress(b"two")
    assert b"".join(unpacked((raw[at : at + 3] for at in range(0, len(raw), 3)), BUCKET, KEY)) == b"one two"


def test_a_window_needs_the_uploads_around_it_and_no_others() -> None:
    hours = ["2026-11-23T21", "2026-11-23T22", "2026-11-24T08", "2026-11-26T23", "2026-11-27T00", "2026-11-27T01"]
    s3 = FakeS3({collected_key(hour): b"" for hour in hours} | {"otlp/quarantine/year=2026/x.json.gz": b""})

    assert [item.key for item in collected(s3.client, BUCKET, DAY)] == [collected_key(hour) for hour in hours[1:5]]
    assert next(item.day.isoformat() for item in collected(s3.client, BUCKET, DAY)) == "2026-11-23"


def test_a_later_upload_is_found_when_it_is_asked_for() -> None:
    s3 = FakeS3({collected_key("2026-12-04T08"): b""})

    assert not list(collected(s3.client, BUCKET, DAY))
    assert list(collected(s3.client, BUCKET, DAY, late=datetime.timedelta(days=14)))


def test_a_listing_goes_on_after_the_last_key() -> None:
    keys = [collected_key("2026-11-24T08", name) for name in "abcde"]
    s3 = FakeS3(dict.fromkeys(keys, b""))

    assert [item.key for item in collected(s3.client, BUCKET, DAY, after=keys[2])] == keys[3:]


def test_an_export_is_found_by_its_day_without_the_withheld_records() -> None:
    keys = [f"export/audit/2026-11-{day}/1/task/collector/000000.gz" for day in (23, 24, 25)]
    others = ["export/audit/2026-11-24/1/task/quarantine/000000.gz", "export/audit/2026-11-24/1/aws-logs-write-test"]
    s3 = FakeS3(dict.fromkeys([*keys, *others], b""))

    assert [item.key for item in exported(s3.client, BUCKET, DAY)] == [keys[1]]
    assert [item.day.isoformat() for item in exported(s3.client, BUCKET, DAY)] == ["2026-11-24"]


@pytest.mark.parametrize(
    ("code", "what"),
    [("InvalidObjectState", "restored first"), ("AccessDenied", "AccessDenied"), ("NoSuchKey", "gone since")],
)
def test_an_object_that_cannot_be_read_says_why(code: str, what: str) -> None:
    s3 = FakeS3({KEY: b""})
    s3.refused[KEY] = code
    with pytest.raises(ArchiveError, match=what):
        list(records(s3.client, an_object()))


def test_a_bucket_that_cannot_be_listed_is_named() -> None:
    with pytest.raises(ArchiveError, match=r"s3://no-bucket/otlp/year=: cannot be listed .NoSuchBucket"):
        list(collected(FakeS3().client, "no-bucket", DAY))
