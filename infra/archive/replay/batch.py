"""Archived records as OTLP requests, none larger than one batch."""

import json
from collections.abc import Collection
from itertools import groupby
from json.encoder import encode_basestring_ascii as _text
from typing import Any

from infra.archive import otlp
from infra.archive.records import ArchivedRecord

RECORDS, CHARACTERS = 500, 512 * 1024
"""A batch has at most so many records, and is closed when it is as long as this: below what any sink takes at once
(CloudWatch Logs: 1,048,576 bytes), so that what a crash sends twice is little."""
NO_VALUE = "{}"
_dumps = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Batch:
    """Records that are sent in one request, each uid once."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, str]] = {}
        self._characters = 0
        self._shared: tuple[dict[str, Any], dict[str, Any]] | None = None
        self._head = ""

    def add(self, record: ArchivedRecord) -> bool:
        """Take `record` in and return whether it is the first of its uid."""
        if record.uid in self._rows:
            return False
        if (record.resource, record.scope) != self._shared:
            self._shared, self._head = (record.resource, record.scope), _head(record)
        row = _row(record)
        self._rows[record.uid] = self._head, row
        self._characters += len(row)
        return True

    @property
    def full(self) -> bool:
        """Return whether it is time to send it."""
        return len(self._rows) >= RECORDS or self._characters >= CHARACTERS

    @property
    def uids(self) -> list[str]:
        """Return the records' uids, in order."""
        return list(self._rows)

    def body(self, without: Collection[str] = ()) -> bytes:
        """Return the OTLP request in JSON; neighbours that share resource and scope stand under one."""
        rows = [item for uid, item in self._rows.items() if uid not in without]
        parts = [
            f'{head},"logRecords":[{",".join(row for _, row in found)}]}}]}}'
            for head, found in groupby(rows, lambda item: item[0])
        ]
        return f'{{"resourceLogs":[{",".join(parts)}]}}'.encode()


def _head(record: ArchivedRecord) -> str:
    scope = {key: value for key, value in record.scope.items() if key != "attributes"}
    if attributes := record.scope.get("attributes"):
        scope["attributes"] = otlp.pairs(attributes)
    resource = {"attributes": otlp.pairs(record.resource)}
    return f'{{"resource":{_dumps(resource)},"scopeLogs":[{{"scope":{_dumps(scope)}'


def _row(record: ArchivedRecord) -> str:
    """Return a record as OTLP's JSON, without the fields that are empty."""
    fields = [f'"timeUnixNano":"{record.time_ns}","observedTimeUnixNano":"{record.observed_ns}"']
    fields += [
        f'"{name}":{number}'
        for name, number in (("severityNumber", record.severity_number), ("flags", record.flags))
        if number
    ]
    fields += [
        f'"{name}":{_dumps(text)}'
        for name, text in (
            ("severityText", record.severity_text),
            ("traceId", record.trace_id),
            ("spanId", record.span_id),
            ("eventName", record.event_name),
        )
        if text
    ]
    if (body := _any_value(record.body)) != NO_VALUE:
        fields.append(f'"body":{body}')
    if record.attributes:
        pairs = [
            f'{{"key":{_text(name)},"value":{{"stringValue":{_text(value)}}}}}'
            if type(value) is str
            else f'{{"key":{_text(name)},"value":{_any_value(value)}}}'
            for name, value in record.attributes.items()
        ]
        fields.append(f'"attributes":[{",".join(pairs)}]')
    return f"{{{','.join(fields)}}}"


def _any_value(value: Any) -> str:
    """Return an AnyValue in JSON. Nearly all are text: a tree for the encoder would take three times as long."""
    return f'{{"stringValue":{_text(value)}}}' if type(value) is str else _dumps(otlp.any_value(value))
