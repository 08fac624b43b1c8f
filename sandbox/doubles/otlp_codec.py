"""OTLP/HTTP log exports: bytes to plain records, and answers to bytes.

Follows the OpenTelemetry Protocol specification 1.x, sections "OTLP/HTTP Request", "OTLP/HTTP Response" and
"JSON Protobuf Encoding" (https://opentelemetry.io/docs/specs/otlp/).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import zlib
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

_TRACE_ID_BYTES, _SPAN_ID_BYTES = 16, 8


class Encoding(Enum):
    """The two encodings of OTLP/HTTP, by content type."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


class RpcCode(IntEnum):
    """The google.rpc.Code values that the doubles answer with."""

    INVALID_ARGUMENT = 3
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


class Refusal(Exception):
    """Answer the request with `status` and an OTLP Status. `retry_after` is in seconds, None for no header."""

    def __init__(self, status: int, code: RpcCode, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after = status, code, message, retry_after


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One log record with its resource and scope. Times in Unix nanoseconds, ids in lower-case hex or "".

    Values are what JSON can hold: bytes as base64, and not-a-number and infinities as their protobuf names.
    """

    resource: dict[str, Any]
    scope: dict[str, Any]
    time_unix_nano: int
    observed_time_unix_nano: int
    severity_number: int
    severity_text: str
    body: Any
    attributes: dict[str, Any]
    flags: int
    event_name: str
    trace_id: str
    span_id: str


def encoding_of(content_type: str) -> Encoding:
    """Return the encoding a Content-Type names, parameters ignored. Refusal 415 for any other."""
    try:
        return Encoding(content_type.partition(";")[0].strip().lower())
    except ValueError:
        raise Refusal(
            415, RpcCode.INVALID_ARGUMENT, "Content-Type must be application/x-protobuf or application/json"
        ) from None


def decompress(body: bytes, content_encoding: str, max_bytes: int) -> bytes:
    """Return `body` uncompressed. Refusal 415 for other than gzip or none, 413 above `max_bytes`, 400 if broken."""
    name = content_encoding.strip().lower() or "identity"
    if name not in ("identity", "none", "gzip"):
        raise Refusal(415, RpcCode.INVALID_ARGUMENT, "Content-Encoding must be gzip or absent")
    plain = body
    if name == "gzip":
        plain, rest = b"", body
        while rest:  # gzip members may follow one another (RFC 1952, 2.2)
            member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            try:
                plain += member.decompress(rest, max_bytes + 1 - len(plain))
            except zlib.error:
                raise Refusal(400, RpcCode.INVALID_ARGUMENT, "the body is not gzip") from None
            if len(plain) > max_bytes:
                break
            if not member.eof:
                raise Refusal(400, RpcCode.INVALID_ARGUMENT, "the gzip body is cut short")
            rest = member.unused_data
    if len(plain) > max_bytes:
        raise Refusal(413, RpcCode.INVALID_ARGUMENT, f"the payload is larger than {max_bytes} bytes")
    return plain


def decode(payload: bytes, encoding: Encoding) -> tuple[LogRecord, ...]:
    """Return the records of an ExportLogsServiceRequest, in its order. Refusal 400 if it is not one."""
    try:
        request = ExportLogsServiceRequest.FromString(payload) if encoding is Encoding.PROTOBUF else _from_json(payload)
        return tuple(_records(request))
    except (DecodeError, json_format.ParseError, ValueError) as error:
        # The kind of error only: its text can quote the payload, and payloads hold what people wrote.
        raise Refusal(
            400, RpcCode.INVALID_ARGUMENT, f"the payload is not an OTLP logs request ({type(error).__name__})"
        ) from None


def encode_answer(encoding: Encoding, *, rejected: int = 0, message: str = "") -> bytes:
    """Return an ExportLogsServiceResponse: empty for full success, with partialSuccess when some were rejected."""
    if encoding is Encoding.JSON:
        partial = {"rejectedLogRecords": rejected, "errorMessage": message}
        return json.dumps({"partialSuccess": partial} if rejected or message else {}).encode()
    response = ExportLogsServiceResponse()
    if rejected or message:
        response.partial_success.rejected_log_records = rejected
        response.partial_success.error_message = message
    return bytes(response.SerializeToString())


def encode_status(encoding: Encoding, code: RpcCode, message: str) -> bytes:
    """Return a google.rpc.Status, which is the body of every OTLP/HTTP answer of 400 and above."""
    if encoding is Encoding.JSON:
        return json.dumps({"code": int(code), "message": message}).encode()
    # Two fields, written out: google.rpc's generated module is in a distribution that this project does not declare.
    text = message.encode()
    length, size = b"", len(text)
    while size > 0x7F:
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    return bytes([1 << 3 | 0, code, 2 << 3 | 2]) + length + bytes([size]) + text


def _from_json(payload: bytes) -> ExportLogsServiceRequest:
    # OTLP's JSON is protobuf's but for one thing: trace and span ids are hex where protobuf has base64, and hex
    # would pass as (wrong) base64 without an error. Unknown fields must be ignored by the receiver.
    document = json.loads(payload)
    if not isinstance(document, dict):
        raise ValueError("not an object")  # noqa: TRY004 - one error for everything that is not a request
    for resource_logs in _objects(document, "resourceLogs"):
        for scope_logs in _objects(resource_logs, "scopeLogs"):
            for record in _objects(scope_logs, "logRecords"):
                for name in ("traceId", "spanId"):
                    if isinstance(record.get(name), str):
                        record[name] = base64.b64encode(binascii.unhexlify(record[name])).decode()
    parsed = ExportLogsServiceRequest()
    json_format.ParseDict(document, parsed, ignore_unknown_fields=True)
    return parsed


def _objects(parent: dict[str, Any], name: str) -> list[dict[str, Any]]:
    children = parent.get(name) or []
    if not isinstance(children, list) or not all(isinstance(child, dict) for child in children):
        raise ValueError(name)
    return children


def _records(request: ExportLogsServiceRequest) -> list[LogRecord]:
    records = []
    for resource_logs in request.resource_logs:
        resource = _attributes(resource_logs.resource.attributes)
        for scope_logs in resource_logs.scope_logs:
            scope: dict[str, Any] = {"name": scope_logs.scope.name, "version": scope_logs.scope.version}
            scope["attributes"] = _attributes(scope_logs.scope.attributes)
            scope = {name: value for name, value in scope.items() if value}
            records += [
                LogRecord(
                    resource=resource,
                    scope=scope,
                    time_unix_nano=record.time_unix_nano,
                    observed_time_unix_nano=record.observed_time_unix_nano,
                    severity_number=int(record.severity_number),
                    severity_text=record.severity_text,
                    body=_value(record.body),
                    attributes=_attributes(record.attributes),
                    flags=record.flags,
                    event_name=record.event_name,
                    trace_id=_id(record.trace_id, _TRACE_ID_BYTES),
                    span_id=_id(record.span_id, _SPAN_ID_BYTES),
                )
                for record in scope_logs.log_records
            ]
    return records


def _id(raw: bytes, length: int) -> str:
    if len(raw) not in (0, length):
        raise ValueError("an id has the wrong length")
    return raw.hex()


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    if kind == "double_value" and not math.isfinite(value.double_value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value.double_value, "NaN")
    if kind in ("string_value", "bool_value", "int_value", "double_value"):
        return getattr(value, kind)
    raise ValueError(kind)  # string_value_strindex, which only profiles may use
