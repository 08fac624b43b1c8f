"""What ECS refuses in a task definition."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from sandbox.providers import shapes
from sandbox.providers.rules import Findings
from sandbox.providers.wire import Props

_FARGATE_MEMORY: Final[dict[int, tuple[int, ...]]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4097, 1024)),
    1024: tuple(range(2048, 8193, 1024)),
    2048: tuple(range(4096, 16385, 1024)),
    4096: tuple(range(8192, 30721, 1024)),
    8192: tuple(range(16384, 61441, 4096)),
    16384: tuple(range(32768, 122881, 8192)),
}
"""CPU units and the MiB that go with them (ECS developer guide, task-cpu-memory-error)."""


def containers(props: Props) -> Findings:
    """The container definitions are the API's own JSON: botocore's shape knows every key and enumeration."""
    text = props.get("containerDefinitions")
    if not isinstance(text, str):
        return []
    try:
        listed = json.loads(text)
    except json.JSONDecodeError:
        return []  # documents_are_json says so
    if not isinstance(listed, list) or not listed:
        return [("containerDefinitions", "must be a list of at least one container")]
    shape = shapes.operation_input("ecs", "RegisterTaskDefinition").members["containerDefinitions"]
    return [("containerDefinitions", fault) for fault in _faults(shape, listed, "")]


def _faults(shape: Any, value: Any, path: str) -> list[str]:
    # Values are never quoted: an environment block may hold what should have been a secret.
    where = path or "the list"
    match shape.type_name:
        case "structure":
            if not isinstance(value, dict):
                return [f"{where} must be an object"]
            unknown = [f"{path}.{key} is not a property of ECS" for key in value if key not in shape.members]
            missing = [f"{path}.{key} is required" for key in shape.required_members if key not in value]
            inner = [
                fault
                for key, item in value.items()
                if key in shape.members and item is not None
                for fault in _faults(shape.members[key], item, f"{path}.{key}")
            ]
            return [*unknown, *missing, *inner]
        case "list":
            if not isinstance(value, list):
                return [f"{where} must be a list"]
            return [f for i, item in enumerate(value) for f in _faults(shape.member, item, f"{path}[{i}]")]
        case "map":
            if not isinstance(value, dict):
                return [f"{where} must be an object"]
            return [f for key, item in value.items() for f in _faults(shape.value, item, f"{path}.{key}")]
        case "string":
            allowed = shape.metadata.get("enum", ())
            if not isinstance(value, str):
                return [f"{where} must be a string"]
            return [f"{where} must be one of {', '.join(allowed)}"] if allowed and value not in allowed else []
        case "integer" | "long":
            whole = isinstance(value, int) and not isinstance(value, bool)
            return [] if whole else [f"{where} must be a whole number"]
        case "boolean":
            return [] if isinstance(value, bool) else [f"{where} must be true or false"]
    return []


def fargate(props: Props) -> Findings:
    """Fargate runs only certain sizes, and only in its own network mode."""
    if "FARGATE" not in (props.get("requiresCompatibilities") or []):
        return []
    found: Findings = []
    if props.get("networkMode") != "awsvpc":
        found.append(("networkMode", "must be awsvpc on Fargate"))
    cpu, memory = _units(props.get("cpu"), 1024), _units(props.get("memory"), 1024)
    if cpu is None or memory is None:
        found.append(("cpu" if cpu is None else "memory", "is required on Fargate"))
    elif cpu not in _FARGATE_MEMORY:
        found.append(("cpu", f"{cpu} is not a Fargate size; allowed: {', '.join(map(str, _FARGATE_MEMORY))}"))
    elif memory not in _FARGATE_MEMORY[cpu]:
        sizes = ", ".join(map(str, _FARGATE_MEMORY[cpu]))
        found.append(("memory", f"{memory} does not go with cpu {cpu}; allowed: {sizes}"))
    return found


def _units(text: Any, per_unit: int) -> int | None:
    """`512`, `"0.5 vCPU"` or `"2 GB"` as units."""
    match = re.fullmatch(r"\s*([\d.]+)\s*(vCPU|GB)?\s*", str(text), re.IGNORECASE)
    if match is None:
        return None
    return int(float(match[1]) * (per_unit if match[2] else 1))


containers.covers = ("containerDefinitions",)  # type: ignore[attr-defined]
fargate.covers = ("cpu", "memory", "networkMode")  # type: ignore[attr-defined]
