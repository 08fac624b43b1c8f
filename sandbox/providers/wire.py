"""Wire values: protobuf structs to plain Python values and back.

Secrets, unknowns and assets travel as envelopes whose markers the SDK defines (`pulumi.runtime.rpc`).
The SDK's `PropertyValue` knows no unknowns, so the envelopes are opened here with the SDK's own markers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2
from pulumi.runtime import rpc

Props = dict[str, Any]

_SIGNATURE: Final[str] = rpc._special_sig_key
_SECRET: Final[str] = rpc._special_secret_sig
_OUTPUT: Final[str] = rpc._special_output_value_sig


@dataclass(frozen=True)
class Secret:
    """A value that must stay encrypted wherever it goes; its text is hidden from `repr`."""

    value: Any

    def __repr__(self) -> str:
        return "[secret]"


class Unknown:
    """A value that only the update itself will know; there is one: `UNKNOWN`."""

    def __repr__(self) -> str:
        return "[unknown]"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Envelope:
    """An asset, archive or resource reference, carried through untouched."""

    text: str

    @property
    def fields(self) -> Props:
        """The envelope as it came."""
        fields: Props = json.loads(self.text)
        return fields


def decode(struct: struct_pb2.Struct) -> Props:
    """A struct from the engine as a dict; whole numbers become `int`, absent (null) properties vanish."""
    return {key: _decode(value) for key, value in struct.fields.items() if not value.HasField("null_value")}


def _decode(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "null_value" | None:
            return None
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return UNKNOWN if value.string_value == rpc.UNKNOWN else value.string_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_decode(item) for item in value.list_value.values]
    return _decode_struct(value.struct_value)


def _decode_struct(struct: struct_pb2.Struct) -> Any:
    signature = struct.fields.get(_SIGNATURE)
    if signature is None:
        return decode(struct)
    if signature.string_value == _SECRET:
        return Secret(_decode(struct.fields["value"]))
    if signature.string_value == _OUTPUT:
        # An output without a value is an unknown one (provider.proto, "output values").
        inner = _decode(struct.fields["value"]) if "value" in struct.fields else UNKNOWN
        return Secret(inner) if struct.fields["secret"].bool_value else inner
    plain: Props = {key: _decode(item) for key, item in struct.fields.items()}
    # An archive holds further assets.
    return Envelope(json.dumps(plain, sort_keys=True, default=lambda inner: inner.fields))


def encode(props: Mapping[str, Any]) -> struct_pb2.Struct:
    """A dict as the struct the engine takes; `None` properties are left out."""
    return struct_pb2.Struct(fields={key: _encode(value) for key, value in props.items() if value is not None})


def _encode(value: Any) -> struct_pb2.Value:
    match value:
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case Unknown():
            return struct_pb2.Value(string_value=rpc.UNKNOWN)
        case Secret():
            sealed = {_SIGNATURE: struct_pb2.Value(string_value=_SECRET), "value": _encode(value.value)}
            return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=sealed))
        case Envelope():
            return struct_pb2.Value(struct_value=encode(value.fields))
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case Mapping():
            return struct_pb2.Value(struct_value=encode(value))
        case list() | tuple():
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_encode(item) for item in value]))
    raise TypeError(f"a property of type {type(value).__name__} cannot travel to the engine")


def plain(value: Any) -> Any:
    """The value with secret envelopes opened: for calls to the cloud, never for messages."""
    match value:
        case Secret():
            return plain(value.value)
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
    return value


def has_unknown(value: Any) -> bool:
    """Whether any part of the value is unknown yet."""
    return any(isinstance(part, Unknown) for part in _parts(value))


def has_secret(value: Any) -> bool:
    """Whether any part of the value is secret."""
    return any(isinstance(part, Secret) for part in _parts(value))


def secret_texts(value: Any) -> frozenset[str]:
    """Every text that lies inside a secret, the keys of its objects included."""
    inside = [part for sealed in _parts(value) if isinstance(sealed, Secret) for part in _parts(sealed.value)]
    keys = [key for part in inside if isinstance(part, dict) for key in part]
    return frozenset(text for text in (*inside, *keys) if isinstance(text, str) and text)


def _parts(value: Any) -> Iterator[Any]:
    yield value
    match value:
        case Secret():
            yield from _parts(value.value)
        case dict():
            for item in value.values():
                yield from _parts(item)
        case list():
            for item in value:
                yield from _parts(item)


def taint(outputs: Props, inputs: Props) -> Props:
    """The outputs, with each one that contains a secret input's text made secret itself.

    An ARN or a rendered policy built from a secret name is as secret as the name.
    """
    texts = secret_texts(inputs)

    def leaks(value: Any) -> bool:
        return any(text in part for part in _parts(value) if isinstance(part, str) for text in texts)

    return {
        key: Secret(plain(value)) if not has_secret(value) and leaks(value) else value for key, value in outputs.items()
    }


def scrub(message: str, *secretive: Any) -> str:
    """A message without the text of any secret in the given values."""
    for text in sorted({text for value in secretive for text in secret_texts(value)}, key=len, reverse=True):
        message = message.replace(text, "[secret]")
    return message


def same(left: Any, right: Any) -> bool:
    """Equal in meaning: secretness aside, and JSON documents compared as documents; an unknown equals nothing known."""
    left, right = plain(left), plain(right)
    if left == right:
        return True
    if isinstance(left, str) and isinstance(right, str) and left[:1] in "{[" and right[:1] in "{[":
        try:
            return bool(json.loads(left) == json.loads(right))
        except json.JSONDecodeError:
            return False
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return False
