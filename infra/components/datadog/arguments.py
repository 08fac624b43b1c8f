"""One converter from Datadog's API documents to the arguments of its provider's resources.

The provider writes the same things in its own way: blocks in plural lists, unions as one block a member, some objects
taken apart. What it wants is read from the SDK's own argument classes, so a property that the provider does not have is
an error here and not a silent loss.
"""

import functools
import typing
from collections.abc import Mapping
from typing import Any

import pulumi

RENAMED = {
    "num_retention_days": "retention_days",
    "num_flex_logs_retention_days": "flex_retention_days",
    "group_by": "group_bies",
    "id": "name",
    "s3": "s3_archive",
    "formulas": "formula",
    "formula": "formula_expression",
}
"""Properties and union members that the provider calls otherwise, beyond a plural."""
WRAPPED = {"auth_config": "aws_auth_config_role", "queries": "metric_query"}
"""Unions that the API tells apart by their members alone."""
FLAT = {"good_events_formula": "formula", "bad_events_formula": "formula"}
"""Objects of which the provider takes one member only."""


def arguments(body: Mapping[str, Any], wanted: type) -> dict[str, Any]:
    """Return `body` as arguments of the class `wanted`, such as `LogsIndexArgs`.

    A JSON:API envelope is opened: its id and attributes count; relationships are other resources' outputs, and given
    beside. Raises TypeError naming a property that the provider does not have.
    """
    if "data" in body:
        data = body["data"]
        body = {**({"id": data["id"]} if "id" in data else {}), **data.get("attributes", {})}
    return _members(body, wanted)


def _members(value: Mapping[str, Any], wanted: type) -> dict[str, Any]:
    known = _properties(wanted)
    found: dict[str, Any] = {}
    for key, item in value.items():
        name = _name(key, known)
        if name is not None:
            found[name] = _value(item, known[name], key)
        elif isinstance(item, Mapping) and (member := _member(item, known)):
            found[member] = _value(_untagged(item), known[member], key)
        elif isinstance(item, Mapping):
            found |= _lent(key, item, known, wanted)
        else:
            raise TypeError(f"{wanted.__name__} has no property for {key}; it has {', '.join(known)}")
    return found


def _value(item: Any, hint: Any, key: str) -> Any:
    inner = _class_in(hint)
    if inner is None:
        return item[FLAT[key]] if key in FLAT else item
    if isinstance(item, list):
        found = [_one(part, inner, key) for part in item]
        return found if _is_list(hint) else _only(found, key)
    one = _one(item, inner, key)
    return [one] if _is_list(hint) else one


def _only(found: list[Any], key: str) -> Any:
    if len(found) != 1:
        raise TypeError(f"the provider takes one of {key}, not {len(found)}")
    return found[0]


def _one(item: Any, wanted: type, key: str) -> Any:
    known = _properties(wanted)
    if key in WRAPPED and WRAPPED[key] in known:
        return {WRAPPED[key]: _value(item, known[WRAPPED[key]], "")}
    if "type" in item and "type" not in known and (member := _member(item, known)):
        return {member: _value(_untagged(item), known[member], key)}
    return _members(item, wanted)


def _lent(key: str, item: Mapping[str, Any], known: Mapping[str, Any], wanted: type) -> dict[str, Any]:
    """Return the members of an object that the provider has no block for, under their own names or behind its."""
    found = {}
    for inner, value in item.items():
        name = next((name for name in (f"{key}_{inner}", inner) if name in known), None)
        if name is None:
            raise TypeError(f"{wanted.__name__} has no property for {key}.{inner}; it has {', '.join(known)}")
        found[name] = value
    return found


def _member(item: Mapping[str, Any], known: Mapping[str, Any]) -> str | None:
    kind = str(item.get("type", "")).replace("-", "_")
    name = RENAMED.get(kind, kind)
    return name if name in known else None


def _untagged(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != "type"}


def _name(key: str, known: Mapping[str, Any]) -> str | None:
    candidates = (key, RENAMED.get(key, key), f"{key}s", f"{key.removesuffix('y')}ies")
    return next((name for name in candidates if name in known), None)


@functools.cache
def _properties(wanted: type) -> dict[str, Any]:
    """Return property -> type hint of one of the SDK's argument classes."""
    # pulumi.Input refers to Output[T] by name, which the provider's modules do not import.
    hints = typing.get_type_hints(wanted.__init__, localns={"Output": pulumi.Output, "T": Any})  # type: ignore[misc]
    return {name: hint for name, hint in hints.items() if name not in ("return", "__self__")}


def _class_in(hint: Any) -> type | None:
    """Return the argument class that a hint holds, however deep in Input, Optional and Sequence."""
    if isinstance(hint, type) and hint.__name__.endswith("Args"):
        return hint
    return next((found for inner in typing.get_args(hint) if (found := _class_in(inner)) is not None), None)


def _is_list(hint: Any) -> bool:
    origin = typing.get_origin(hint)
    if isinstance(origin, type) and issubclass(origin, typing.Sequence):
        return True
    return any(_is_list(inner) for inner in typing.get_args(hint) if typing.get_origin(inner) is not None)
