"""OTLP's JSON and plain values, both ways (OTLP specification, JSON Protobuf Encoding).

Records that left the collector hold text, numbers and truth values only (docs/logging-contract.md). Bytes, which none
of them can have, stay the base64 text that OTLP's JSON writes.
"""

from collections.abc import Iterable, Mapping
from typing import Any


def plain(value: Mapping[str, Any]) -> Any:
    """Return an AnyValue as a plain value; None for one without a value."""
    for kind, held in value.items():
        if kind in ("stringValue", "boolValue", "bytesValue"):
            return held
        if kind == "doubleValue":  # whole ones are written without a point; what is not finite is text
            return held if isinstance(held, str) else float(held)
        if kind == "intValue":
            return int(held)
        if kind == "arrayValue":
            return [plain(item) for item in held.get("values", ())]
        if kind == "kvlistValue":
            return attributes(held.get("values", ()))
    return None


def attributes(pairs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a list of key and value as a mapping; of two pairs with one key the last counts."""
    found: dict[str, Any] = {}
    for pair in pairs:
        value = pair.get("value") or {}
        # Nearly all are text, and a record has ten or twenty: a call for each would take most of the time.
        text = value.get("stringValue") if len(value) == 1 else None
        found[pair["key"]] = plain(value) if text is None else text
    return found


def any_value(value: Any) -> dict[str, Any]:
    """Return a plain value as an AnyValue."""
    match value:
        case str():
            return {"stringValue": value}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list() | tuple():
            return {"arrayValue": {"values": [any_value(item) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": pairs(value)}}
        case _:
            return {}


def pairs(mapping: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a mapping as OTLP's list of key and value."""
    return [{"key": key, "value": any_value(item)} for key, item in mapping.items()]
