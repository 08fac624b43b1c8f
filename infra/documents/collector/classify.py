"""Which class a record belongs to: the application's word, else the policy's rules in order, else the fallback."""

from collections.abc import Iterable, Iterator
from typing import Any

from infra.documents.collector.ottl import ATTRIBUTES, CLASS, any_of, attribute, cache, group, text
from infra.policy.data_classes import DataClasses


def processor(policy: DataClasses) -> dict[str, Any]:
    """Return the transform processor that leaves exactly one known class on every record."""
    return {"error_mode": "silent", "log_statements": [group("log", list(_statements(policy)))]}


def _statements(policy: DataClasses) -> Iterator[str]:
    cls, known = attribute(CLASS), text(f"^(?:{any_of(policy.classes)})$")
    yield f"delete_key({ATTRIBUTES}, {text(CLASS)}) where {cls} != nil and not IsMatch({cls}, {known})"
    ways = {
        "logger.name": {name: item.match.loggers for name, item in policy.classes.items()},
        "event": {name: item.match.events for name, item in policy.classes.items()},
    }
    # One test tells that no rule of a kind applies, which is so for most records.
    for key, by_class in ways.items():
        every = _covers(name for names in by_class.values() for name in names)
        yield f"set({cache(key)}, true) where {cls} == nil and IsMatch({attribute(key)}, {text(every)})"
    for name in policy.classes:
        for key, by_class in ways.items():
            if by_class[name]:
                limited = f"{cache(key)} == true and {cls} == nil"
                covered = f"IsMatch({attribute(key)}, {text(_covers(by_class[name]))})"
                yield f"set({cls}, {text(name)}) where {limited} and {covered}"
    yield f"set({cls}, {text(policy.fallback_class)}) where {cls} == nil"


def _covers(names: Iterable[str]) -> str:
    """Return a pattern of these names and of the names below them."""
    return rf"^(?:{any_of(names)})(?:\.|$)"
