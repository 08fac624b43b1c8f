"""Datadog's own models of its API (datadog-api-client) as a checker of the documents that this program makes. Offline.

A document is what the API takes as a request's body. Query texts and names of indexes are not checked by the models:
facets and single lines are checked elsewhere (infra/documents/datadog/facets.py).
"""

import importlib
from collections.abc import Iterator
from typing import Any

from datadog_api_client.configuration import Configuration
from datadog_api_client.model_utils import (
    ModelNormal,
    OpenApiModel,
    UnparsedObject,
    validate_and_convert_types,
)


def faults(document: Any, model: str, version: str = "v1") -> list[str]:
    """Return what Datadog's model `model` (a class name, such as LogsPipeline) does not know of `document`.

    Missing and mistyped properties, values of no enumeration, unions that no member fits, and properties that the
    model does not list: the client keeps those silently, the API ignores or refuses them.
    """
    untyped: Any = validate_and_convert_types
    configuration: Any = Configuration
    try:
        read = untyped(document, (_model(model, version),), ["body"], True, True, configuration())
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        return [f"{model}: {error}"]
    return list(_unread(read, "body"))


def _model(name: str, version: str) -> type[OpenApiModel]:
    module = importlib.import_module(f"datadog_api_client.{version}.models")
    found: type[OpenApiModel] = getattr(module, name)
    return found


def _unread(value: Any, path: str) -> Iterator[str]:
    """Yield the places below `value` that the models could not read or do not list."""
    if isinstance(value, UnparsedObject):
        yield f"{path}: no model fits"
        return
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unread(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unread(item, f"{path}.{key}")
    elif isinstance(value, OpenApiModel):
        yield from _of_model(value, path)


def _of_model(value: OpenApiModel, path: str) -> Iterator[str]:
    found = list(_below(value, path))
    yield from found
    if value._unparsed and not found:
        yield f"{path}: {type(value).__name__} does not know this value"


def _below(value: OpenApiModel, path: str) -> Iterator[str]:
    if not isinstance(value, ModelNormal):
        inner = getattr(value, "_composed_instances", None)
        if inner:
            yield from _unread(next(iter(inner)), path)
        return
    listed = set(type(value).attribute_map)
    closed = type(value).additional_properties_type is None
    for key, item in value._data_store.items():
        if listed and key not in listed and key not in type(value).attribute_map.values() and not closed:
            yield f"{path}.{key}: {type(value).__name__} has no such property"
        yield from _unread(item, f"{path}.{key}")
