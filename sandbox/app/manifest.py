"""Every sensitive value of a run, so that whoever reads a sink knows what must not be there.

The values come from the scenario (its people, and what the service answered them), never from the log lines:
a list made by parsing the log would miss exactly what the parser misses.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, order=True)
class Sensitive:
    """One value that must not reach a sink, written as it stands in the log."""

    kind: str
    value: str


@dataclass
class Manifest:
    """The sensitive values met so far."""

    entries: set[Sensitive] = field(default_factory=set)

    def add(self, kind: str, *values: str) -> None:
        """Note values; one that was met before counts once."""
        self.entries.update(Sensitive(kind, value) for value in values)

    def write(self, path: Path) -> None:
        """Write the values in a stable order."""
        path.write_text(json.dumps([asdict(entry) for entry in sorted(self.entries)], indent=2) + "\n")
