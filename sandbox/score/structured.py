"""Lines of an application as its SDK would send them by OTLP: docs/logging-contract.md, read from left to right."""

import datetime
import json
from collections.abc import Sequence
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from infra.documents.collector.normalise import LEVELS, RENAMED
from sandbox.score.leaves import document
from sandbox.score.otlp import any_value, pairs

RECORDS_A_REQUEST = 100
OF_THE_RESOURCE = ("service", "environment", "hostname")
"""Keys of a line that an SDK knows once for all its records."""


def payloads(lines: Sequence[str], records: int = RECORDS_A_REQUEST) -> tuple[bytes, ...]:
    """Return `lines` as requests of up to `records` log records: message as body, the other fields as attributes."""
    batches = (lines[at : at + records] for at in range(0, len(lines), records))
    return tuple(bytes(_request(batch).SerializeToString()) for batch in batches)


def _request(lines: Sequence[str]) -> ExportLogsServiceRequest:
    found = ExportLogsServiceRequest()
    parsed = [document(line) or {"message": line} for line in lines]
    shared = found.resource_logs.add()
    known = {RENAMED[key]: parsed[0][key] for key in OF_THE_RESOURCE if key in parsed[0]}
    shared.resource.attributes.extend(pairs({"service.name": "web", **known}))
    scoped = shared.scope_logs.add()
    for line in parsed:
        _fill(scoped.log_records.add(), line)
    return found


def _fill(record: Any, line: dict[str, Any]) -> None:
    fields = {**(line["context"] if isinstance(line.get("context"), dict) else {}), **line}
    for key in ("context", *OF_THE_RESOURCE):
        fields.pop(key, None)
    message, level = fields.pop("message", ""), str(fields.pop("level", ""))
    record.body.CopyFrom(any_value(message if isinstance(message, str) else json.dumps(message)))
    record.time_unix_nano = _nanoseconds(str(fields.pop("timestamp", "")))
    record.observed_time_unix_nano = record.time_unix_nano
    record.severity_text = level
    record.severity_number = next((known.number for known, names in LEVELS.items() if level.lower() in names), 0)
    for key, field in (("trace_id", "trace_id"), ("span_id", "span_id")):
        if isinstance(value := fields.pop(key, None), str):
            setattr(record, field, _hex(value))
    record.attributes.extend(pairs({RENAMED.get(key, key): value for key, value in fields.items()}))


def _hex(value: str) -> bytes:
    try:
        return bytes.fromhex(value)
    except ValueError:
        return b""


def _nanoseconds(text: str) -> int:
    try:
        return int(datetime.datetime.fromisoformat(text).timestamp() * 1_000_000) * 1000
    except ValueError:
        return 0
