"""A part of the configuration: components and pipelines that belong together, joined without overwriting each other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

Components = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """Components by id and pipelines by name, as they stand in the configuration."""

    receivers: Components = field(default_factory=dict)
    processors: Components = field(default_factory=dict)
    connectors: Components = field(default_factory=dict)
    exporters: Components = field(default_factory=dict)
    extensions: Components = field(default_factory=dict)
    pipelines: Components = field(default_factory=dict)


def joined(parts: Iterable[Part]) -> Part:
    """Return all of `parts` as one, in order. Raises ValueError for an id that two parts give different meanings."""
    whole: dict[str, dict[str, Any]] = {section.name: {} for section in fields(Part)}
    for part in parts:
        for section, known in whole.items():
            for name, component in getattr(part, section).items():
                if known.setdefault(name, component) != component:
                    raise ValueError(f"{section}: two parts of the configuration define {name} differently")
    return Part(**whole)


def pipeline(receivers: Iterable[str], processors: Iterable[str], exporters: Iterable[str]) -> dict[str, list[str]]:
    """Return a pipeline as the configuration has it."""
    return {"receivers": list(receivers), "processors": list(processors), "exporters": list(exporters)}
