"""AWS's own models: botocore's operation shapes and cfn-lint's CloudFormation schemas, loaded one at a time."""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

_LOADING = threading.Lock()


@cache
def _loader() -> Any:
    import botocore.loaders

    # Without the session's search paths (~/.aws/models): only what botocore itself ships is believed.
    return botocore.loaders.Loader(include_default_search_paths=False, extra_search_paths=[botocore_data()])


def botocore_data() -> str:
    """The folder of botocore's bundled models."""
    import botocore

    return str(Path(botocore.__file__).parent / "data")


@cache
def _service(service: str) -> Any:
    import botocore.model

    return botocore.model.ServiceModel(_loader().load_service_model(service, "service-2"), service)


def operation_input(service: str, operation: str, inside: str = "") -> Any:
    """The input shape of an operation, or of one member within it (`CreateBucketConfiguration`)."""
    with _LOADING:  # parsing a model takes 20-300 ms: once is enough
        shape = _service(service).operation_model(operation).input_shape
        for name in filter(None, inside.split(".")):
            shape = shape.members[name]
        return shape


def member_of(names: Iterable[str], key: str) -> str | None:
    """The API's name for an SDK property: the same but for case, or for a plural that the SDK added or took."""
    by_lower = {name.lower(): name for name in names}
    lower = key.lower()
    for candidate in (lower, lower.removesuffix("s"), f"{lower}s", lower.removesuffix("ies") + "y"):
        if candidate in by_lower:
            return by_lower[candidate]
    return None


def to_api(shape: Any, value: Any, rename: Mapping[str, str] | None = None) -> Any:
    """An SDK value as the parameters of an operation; properties the shape does not have are left out."""
    if shape.type_name == "structure" and isinstance(value, dict):
        result = {}
        for key, item in value.items():
            member = (rename or {}).get(key) or member_of(shape.members, key)
            if member in shape.members and item is not None:
                result[member] = to_api(shape.members[member], item, rename)
        return result
    if shape.type_name == "list":
        items = value if isinstance(value, list) else [value]
        return [to_api(shape.member, item, rename) for item in items]
    if shape.type_name == "string" and isinstance(value, (int, float)):
        return str(value)
    return value


def like(declared: Any, found: Any, rename: Mapping[str, str] | None = None) -> Any:
    """What the API returned, in the form of what was declared: the same keys, so that only real drift differs."""
    if isinstance(declared, dict) and isinstance(found, dict):
        named = {key: (rename or {}).get(key) or member_of(found, key) for key in declared}
        return {
            key: like(item, found.get(named[key] or ""), rename) for key, item in declared.items() if item is not None
        }
    if isinstance(declared, list) and isinstance(found, list) and declared:
        # Items beyond the declared ones are drift: they are shown in the form of the first.
        pattern = [*declared, *[declared[0]] * len(found)]
        return [like(pattern[index], item, rename) for index, item in enumerate(found)]
    if isinstance(declared, dict) and isinstance(found, list):  # the SDK's single block is the API's list of one
        return like(declared, found[0], rename) if found else None
    if isinstance(declared, list) and isinstance(found, dict):
        return [like(declared[0], found, rename)] if declared else []
    return found


@cache
def cfn_schema(type_name: str) -> dict[str, Any]:
    """The CloudFormation schema of a type, from cfn-lint's data files, without cfn-lint's machinery."""
    spec = importlib.util.find_spec("cfnlint")
    if spec is None or spec.origin is None:
        return {}  # not installed outside the sandbox group: `unchecked` then says so
    folder = Path(spec.origin).parent / "data" / "schemas"
    name = _cfn_index(folder).get(type_name)
    if name is None:
        return {}
    schema: dict[str, Any] = json.loads((folder / "resources" / f"{name}.json").read_text(encoding="utf-8"))
    return schema


@cache
def _cfn_index(folder: Path) -> dict[str, str]:
    # Types are the same in every region that matters here; us-east-1 has them all.
    index: dict[str, str] = json.loads((folder / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    return index


def cfn_names(schema: Mapping[str, Any], key: str) -> list[str]:
    """The property names of a type under `createOnlyProperties` or `readOnlyProperties`, top level only."""
    pointers = (pointer.removeprefix("/properties/") for pointer in schema.get(key, []))
    return [pointer for pointer in pointers if "/" not in pointer]
