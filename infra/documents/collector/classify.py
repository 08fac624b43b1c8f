"""Which class a record belongs to: the application's word, else the policy's rules in order, else the fallback."""

from collections.abc import Iterable, Iterator
from typing import Any

from infra.documents.collector.ottl import CLASS, any_of, attribute, cache, group, text
from infra.policy.data_classes import DataClasses


def processor(policy: DataClasses) -> dict[str, Any]:
    """Return the transform processor that leaves exactly one known class on every record."""
    return {"error_mode": "silent", "log_statements": [group("log", list(_statements(policy)))]}


def _statements(policy: DataClasses) -> Iterator[str]:
    cls = attribute(CLASS)
    yield f"set({cache('class')}, {cls})"
    yield f'set({cls}, "")'
    known = text(f"^(?:{any_of(policy.classes)})$")
    yield f"set({cls}, {cache('class')}) where IsMatch({cache('class')}, {known})"
    for name, data_class in policy.classes.items():
        for key, names in (("logger.name", data_class.match.loggers), ("event", data_class.match.events)):
            if names:
                covered = f"{attribute(key)} != nil and IsMatch({attribute(key)}, {text(_covers(names))})"
                yield f'set({cls}, {text(name)}) where {cls} == "" and {covered}'
    yield f'set({cls}, {text(policy.fallback_class)}) where {cls} == ""'


def _covers(names: Iterable[str]) -> str:
    """Return a pattern of these names and of the names below them."""
    return rf"^(?:{any_of(names)})(?:\.|$)"
