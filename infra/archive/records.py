"""The records in an object of the archive, one after the other, in whichever form it was written."""

import datetime
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from infra.archive import json_stream, otlp
from infra.archive.objects import ArchiveObject, Form, pieces
from infra.archive.text_stream import Text
from infra.archive.window import nanoseconds

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UID, CLASS = "log.record.uid", "tinybeans.log.class"
LARGEST_LINE_CHARACTERS = 2 * 1024**2
"""CloudWatch Logs takes 1 MB an event (PutLogEvents, API reference)."""
_LINE = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z) ?(.*)", re.DOTALL)


@dataclass(slots=True)  # not frozen: that triples what making one takes, and there are millions
class ArchivedRecord:
    """One log record as it was archived, with where it stands. Times in Unix nanoseconds, ids in lower-case hex or ""."""

    time_ns: int
    observed_ns: int
    severity_number: int
    severity_text: str
    body: Any = field(repr=False)
    attributes: dict[str, Any] = field(repr=False)
    resource: dict[str, Any] = field(repr=False)
    scope: dict[str, Any] = field(repr=False)
    """name, version and attributes, those that there are."""
    trace_id: str
    span_id: str
    flags: int
    event_name: str
    source: Form
    object_key: str
    number: int
    """How many records come before it in its object."""

    @property
    def uid(self) -> str:
        """Return what tells it from every other record, in every sink; empty for what never went through the collector."""
        return str(self.attributes.get(UID, ""))

    @property
    def cls(self) -> str:
        """Return its class; empty for what never went through the collector."""
        return str(self.attributes.get(CLASS, ""))


def records(s3: "S3Client", item: ArchiveObject, start: int = 0) -> Iterator[ArchivedRecord]:
    """Yield the records of `item` in its order, without the first `start` of them.

    Holds no more than a piece of the object and a record at a time. Raises ArchiveError, after what was whole, where
    the object is cut short or not what its form asks.
    """
    text = Text(pieces(s3, item), item.bucket, item.key)
    found = _collected(text) if item.form is Form.COLLECTED else _exported(text)
    for number, record in enumerate(found):
        if number >= start:
            yield _record(record, item, number)


Found = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]
"""Resource attributes, scope, and the record with plain attributes and body."""


def _collected(text: Text) -> Iterator[Found]:
    """Yield from an OTLP request in JSON, in which the exporter writes a resource and a scope before their records."""
    for name in json_stream.members(text):
        if name != "resourceLogs":
            json_stream.value(text)
            continue
        for _ in json_stream.items(text):
            yield from _of_resource(text)
    json_stream.end(text)


def _of_resource(text: Text) -> Iterator[Found]:
    resource: dict[str, Any] = {}
    seen = False
    for name in json_stream.members(text):
        if name == "scopeLogs":
            seen = True
            for _ in json_stream.items(text):
                yield from _of_scope(text, resource)
        elif name == "resource":
            if seen:
                raise text.wrong("a resource after its records")
            resource = otlp.attributes(json_stream.value(text).get("attributes", ()))
        else:
            json_stream.value(text)


def _of_scope(text: Text, resource: dict[str, Any]) -> Iterator[Found]:
    scope: dict[str, Any] = {}
    seen = False
    for name in json_stream.members(text):
        if name == "logRecords":
            seen = True
            for written in json_stream.values(text):
                yield resource, scope, _plain(text, written)
        elif name == "scope":
            if seen:
                raise text.wrong("a scope after its records")
            written = json_stream.value(text)
            scope = {key: written[key] for key in ("name", "version") if written.get(key)}
            if written.get("attributes"):
                scope["attributes"] = otlp.attributes(written["attributes"])
        else:
            json_stream.value(text)


def _plain(text: Text, written: Any) -> dict[str, Any]:
    """Return the record that was `written`, with its attributes and body made plain in place."""
    try:
        written["body"] = otlp.plain(written.get("body") or {})
        written["attributes"] = otlp.attributes(written.get("attributes", ()))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise text.wrong("no log record before this") from None
    return cast("dict[str, Any]", written)


def _exported(text: Text) -> Iterator[Found]:
    """Yield from lines of `<time> <message>`; a message of the collector's is one line of JSON.

    A group that was adopted also holds what applications wrote there themselves. Such an event is a record without
    uid and class, its text the body; lines that do not begin with a time belong to the one before.
    """
    for time, message in events(text):
        yield _event(time, message)


def events(text: Text) -> Iterator[tuple[str, str]]:
    """Yield time and message of each event of an export."""
    waiting: tuple[str, str] | None = None
    for line in _lines(text):
        if (found := _LINE.fullmatch(line)) is None:
            if waiting is None:
                raise text.wrong("a line that does not begin with a time")
            waiting = (waiting[0], f"{waiting[1]}\n{line}")
            continue
        if waiting is not None:
            yield waiting
        waiting = (found[1], found[2])
    if waiting is not None:
        yield waiting


def _lines(text: Text) -> Iterator[str]:
    while True:
        end = text.buffer.find("\n", text.at)
        if end < 0:
            if len(text.buffer) - text.at > LARGEST_LINE_CHARACTERS:
                raise text.wrong("a line that does not end")
            if text.more():
                continue
            if text.at < len(text.buffer):
                raise text.wrong("it is cut short: its last line does not end")
            return
        line = text.buffer[text.at : end]
        text.at = end + 1
        yield line


def _event(time: str, message: str) -> Found:
    try:
        event = json.loads(message)
    except ValueError:
        event = None
    if not isinstance(event, dict) or not isinstance(event.get("attributes"), dict):
        instant = datetime.datetime.fromisoformat(time)
        return {}, {}, {"timeUnixNano": nanoseconds(instant), "body": message, "attributes": {}}
    resource = event.get("resource") or {}
    return resource.get("attributes") or {}, event.get("scope") or {}, event


def hot_record(log_group: str, milliseconds: int, message: str, number: int) -> ArchivedRecord:
    """Return the record of an event as CloudWatch Logs still holds it: what an export would write of it."""
    instant = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    place = ArchiveObject("", log_group, Form.EXPORTED, 0, instant, "")
    return _record(_event(instant.isoformat(timespec="milliseconds"), message), place, number)


def _record(found: Found, item: ArchiveObject, number: int) -> ArchivedRecord:
    resource, scope, record = found
    given = record.get
    # By position: names take half as long again.
    return ArchivedRecord(
        int(given("timeUnixNano") or 0),
        int(given("observedTimeUnixNano") or 0),
        int(given("severityNumber") or 0),
        given("severityText") or "",
        given("body"),
        record["attributes"],
        resource,
        scope,
        given("traceId") or "",
        given("spanId") or "",
        int(given("flags") or 0),
        given("eventName") or "",
        item.form,
        item.key,
        number,
    )
