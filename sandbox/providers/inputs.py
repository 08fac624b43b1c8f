"""Inputs checked against the installed SDK's types, nested blocks included.

The engine does not check inputs, the provider does; without this a misspelt nested key would come up green in
the sandbox and fail in the account.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sandbox.providers import sdk
from sandbox.providers.errors import Problem
from sandbox.providers.wire import Envelope, Secret, Unknown

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list,),
    "map": (dict,),
    "object": (dict,),
    "asset": (Envelope,),
}
_NAMES = {
    str: "a string",
    bool: "a boolean",
    int: "a whole number",
    float: "a fraction",
    list: "a list",
    dict: "an object",
    Envelope: "an asset",
}
_WANTED = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "map": "a map",
    "object": "an object",
    "asset": "an asset or archive",
}


def check_inputs(package: str, token: str, inputs: Mapping[str, Any]) -> list[Problem]:
    """Every unknown property, missing required one and wrong type, each with its path."""
    resource = sdk.resource(package, token)
    return list(_check_fields(resource.inputs, inputs, "", resource.folder))


def _check_fields(
    fields: Mapping[str, sdk.Field], given: Mapping[str, Any], path: str, folder: Path
) -> Iterator[Problem]:
    prefix = f"{path}." if path else ""
    for key, value in given.items():
        if key.startswith("__"):  # the engine's and providers' own notes, such as __defaults
            continue
        if key not in fields:
            yield Problem(f"{prefix}{key}", _unknown(key, fields))
        elif value is not None:
            yield from _check_value(fields[key].shape, value, f"{prefix}{key}", folder)
    for field in fields.values():
        if field.required and given.get(field.name) is None:
            yield Problem(f"{prefix}{field.name}", "is required and missing")


def _check_value(shape: sdk.Shape, value: Any, path: str, folder: Path) -> Iterator[Problem]:
    if isinstance(value, Secret):
        # Keys inside a secret are as secret as its values: neither the path nor the reason goes into it.
        for problem in _check_value(shape, value.value, path, folder):
            outside = problem.path == path
            yield (
                problem if outside else Problem(path, "holds something that is not allowed; it is secret, so not shown")
            )
        return
    if isinstance(value, Unknown) or shape.kind == "any":
        return
    # bool is an int to Python, not to AWS.
    fits = isinstance(value, _PYTHON_TYPES[shape.kind]) and not (isinstance(value, bool) and shape.kind != "bool")
    if not fits:
        got = _NAMES.get(type(value), type(value).__name__)
        yield Problem(path, f"must be {_WANTED[shape.kind]}, got {got}")
    elif shape.kind == "object":
        yield from _check_fields(sdk.nested(folder, shape.class_name), value, path, folder)
    elif shape.kind == "list" and shape.of is not None:
        for index, item in enumerate(value):
            yield from _check_value(shape.of, item, f"{path}[{index}]", folder)
    elif shape.kind == "map" and shape.of is not None:
        for key, item in value.items():
            yield from _check_value(shape.of, item, f"{path}.{key}", folder)


def _unknown(key: str, fields: Mapping[str, sdk.Field]) -> str:
    close = difflib.get_close_matches(key, fields, n=1)
    hint = f"did you mean {close[0]}? " if close else ""
    return f"is not a property here; {hint}known: {', '.join(sorted(fields))}"
