"""Tags in the two forms AWS takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.providers.wire import Props


def pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """A map as the list of pairs that most services take."""
    return [{key: name, value: text} for name, text in sorted(tags.items())]


def mapping(listed: Iterable[Mapping[str, Any]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """The list of pairs as a map."""
    return {pair[key]: pair[value] for pair in listed}


def own(found: Mapping[str, str], state: Props) -> Props:
    """What a read says about tags: those of the resource, without the provider's defaults."""
    declared = state.get("tags") or {}
    defaults = {k: v for k, v in (state.get("tagsAll") or {}).items() if k not in declared}
    return {
        "tags": {k: v for k, v in found.items() if defaults.get(k) != v} or None,
        "tagsAll": dict(found),
    }


def unique_suffix() -> str:
    """What the provider puts after a name prefix: 26 digits (terraform-plugin-sdk, helper/id)."""
    return f"{time.time_ns():026d}"


def sync(
    old: Mapping[str, str],
    new: Mapping[str, str],
    *,
    add: Callable[[dict[str, str]], Any],
    drop: Callable[[list[str]], Any],
) -> None:
    """Makes the calls that turn the old tags into the new."""
    removed = [name for name in old if name not in new]
    changed = {name: text for name, text in new.items() if old.get(name) != text}
    if removed:
        drop(removed)
    if changed:
        add(changed)
