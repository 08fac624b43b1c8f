"""What every way in has in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.documents.collector.part import Part

PROBLEMS = ("split", "utf8", "service_name")
"""What a door may say in `tinybeans.problem`; the normaliser lets no other word of a client's stand."""


@dataclass(frozen=True)
class Door:
    """One way in: its receivers, and what is done to its records before they meet those of the other doors."""

    pipeline: str
    receivers: Mapping[str, Any]
    processors: Mapping[str, Any] = field(default_factory=dict)
    beside: Part = field(default_factory=Part)
    """What its receivers need besides their pipeline."""
