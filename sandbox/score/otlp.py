"""OTLP as protobuf: plain values to a request, and every text that a request holds."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


def any_value(plain: Any) -> AnyValue:
    """Return `plain` as OTLP has it; whole numbers beyond 64 bits become doubles, as an SDK sends them."""
    match plain:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=plain)
        case int() if -(2**63) <= plain < 2**63:
            return AnyValue(int_value=plain)
        case int() | float():
            return AnyValue(double_value=float(plain))
        case str():
            return AnyValue(string_value=plain)
        case bytes():
            return AnyValue(bytes_value=plain)
        case Mapping():
            found = AnyValue()
            found.kvlist_value.values.extend(pairs(plain))
            found.kvlist_value.SetInParent()
            return found
        case _:
            found = AnyValue()
            found.array_value.values.extend(any_value(item) for item in plain)
            found.array_value.SetInParent()
            return found


def pairs(plain: Mapping[str, Any]) -> list[KeyValue]:
    """Return a mapping as OTLP's list of keys and values."""
    return [KeyValue(key=key, value=any_value(value)) for key, value in plain.items()]


def request(parts: Mapping[str, Any]) -> ExportLogsServiceRequest:
    """Return a request with one record: body, attributes, resource, scope {name, version, attributes}, event_name,
    severity_text, severity_number; `resource_schema_url` and `scope_schema_url` where given.
    """
    found = ExportLogsServiceRequest()
    shared = found.resource_logs.add()
    shared.resource.attributes.extend(pairs({"service.name": "web", **parts.get("resource", {})}))
    shared.schema_url = parts.get("resource_schema_url", "")
    scoped = shared.scope_logs.add()
    scoped.schema_url = parts.get("scope_schema_url", "")
    scope = parts.get("scope", {})
    scoped.scope.name, scoped.scope.version = scope.get("name", ""), scope.get("version", "")
    scoped.scope.attributes.extend(pairs(scope.get("attributes", {})))
    record = scoped.log_records.add()
    record.body.CopyFrom(any_value(parts.get("body")))
    record.attributes.extend(pairs(parts.get("attributes", {})))
    record.event_name, record.severity_text = parts.get("event_name", ""), parts.get("severity_text", "")
    record.severity_number = parts.get("severity_number", 0)
    return found


@dataclass(frozen=True)
class Text:
    """One text of a record that arrived."""

    place: str
    """Kind of place: body, attribute, attribute key, resource, scope name, ...; never a name that a client chose."""
    key: str
    text: str


def texts(found: ExportLogsServiceRequest) -> Iterator[Text]:
    """Yield every text in the request, whatever field it is in."""
    for shared in found.resource_logs:
        yield from _attributes("resource", shared.resource.attributes)
        yield Text("resource schema url", "", shared.schema_url)
        for scoped in shared.scope_logs:
            yield Text("scope schema url", "", scoped.schema_url)
            yield Text("scope name", "", scoped.scope.name)
            yield Text("scope version", "", scoped.scope.version)
            yield from _attributes("scope", scoped.scope.attributes)
            for record in scoped.log_records:
                yield from _value("body", "", record.body)
                yield from _attributes("attribute", record.attributes)
                yield Text("event name", "", record.event_name)
                yield Text("severity text", "", record.severity_text)


def _attributes(place: str, attributes: Any) -> Iterator[Text]:
    for pair in attributes:
        yield Text(f"{place} key", "", pair.key)
        yield from _value(place, pair.key, pair.value)


def _value(place: str, key: str, value: AnyValue) -> Iterator[Text]:
    match value.WhichOneof("value"):
        case "array_value":
            for item in value.array_value.values:
                yield from _value(place, key, item)
        case "kvlist_value":
            yield from _attributes(place, value.kvlist_value.values)
        case "string_value":
            yield Text(place, key, value.string_value)
        case "bytes_value":
            yield Text(place, key, value.bytes_value.decode(errors="replace"))
        case "int_value":
            yield Text(place, key, str(value.int_value))
        case "double_value":
            number = value.double_value
            yield Text(place, key, str(int(number)) if math.isfinite(number) and number == int(number) else str(number))
        case "bool_value":
            yield Text(place, key, "true" if value.bool_value else "false")
