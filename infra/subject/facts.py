"""What became of each object and version, written down as it happens: a line each in objects.jsonl, and sums of them.

The lines reach the disk one by one, so that a process that is killed leaves what it did in `<OUT>.partial`.
"""

import datetime
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from infra.problems import InputError, Problem
from infra.subject.packet import PARTIAL, refuse_existing

OBJECTS = "objects.jsonl"


class Fate(StrEnum):
    """What became of an object or a version."""

    ERASED = "erased"
    """Its records of the person are gone, or in a dry run would be."""
    RETAINED = "retained"


@dataclass
class Sum:
    """Objects and versions of one class with one fate, for one reason."""

    objects: int = 0
    records: int = 0
    first: str = ""
    """Earliest and latest day on which one goes."""
    last: str = ""
    locked_until: str = ""
    """Latest end of a lock."""

    def add(self, entry: dict[str, Any]) -> None:
        """Count an entry in."""
        self.objects += 1
        self.records += int(entry.get("records") or 0)
        days = sorted(day for day in (self.first, self.last, str(entry.get("until", ""))) if day)
        self.first, self.last = (days[0], days[-1]) if days else ("", "")
        self.locked_until = max(self.locked_until, str(entry.get("locked_until", "")))


@dataclass
class Hot:
    """What CloudWatch Logs holds of one class."""

    records: int
    newest: datetime.date
    until: datetime.date
    """When the last of them expires."""


@dataclass
class Facts:
    """The facts of one erasure."""

    directory: Path
    sums: dict[tuple[str, Fate, str, str], Sum] = field(default_factory=dict)
    """By class, fate, what it is (object, earlier version, copy) and reason."""
    hot: dict[str, Hot] = field(default_factory=dict)
    lines: int = 0
    sha256: str = hashlib.sha256(b"").hexdigest()
    _total: Any = field(default_factory=hashlib.sha256)
    _file: IO[str] | None = None

    def add(self, cls: str, fate: Fate, what: str, entry: dict[str, Any], *, why: str = "") -> None:
        """Write an entry down and count it."""
        line = json.dumps({"class": cls, "fate": fate.value, "what": what, **entry, **({"why": why} if why else {})})
        if self._file is None:
            self._file = (self.directory / OBJECTS).open("w", encoding="utf-8")
        self._file.write(f"{line}\n")
        self._file.flush()
        self._total.update(f"{line}\n".encode())
        self.lines, self.sha256 = self.lines + 1, self._total.hexdigest()
        self.sums.setdefault((cls, fate, what, why), Sum()).add(entry)

    def gone(self) -> int:
        """Return how many records were taken out of what readers see, each in however many objects it was."""
        return sum(it.records for (_, fate, what, _), it in self.sums.items() if (fate, what) == (Fate.ERASED, OBJECT))

    def anything(self) -> bool:
        """Return whether anything at all was erased."""
        return any(fate is Fate.ERASED for _, fate, _, _ in self.sums)

    def close(self) -> None:
        """Bring what was written to the disk."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None


OBJECT, EARLIER, COPY = "object", "earlier version", "copy in the replica's region"


@contextmanager
def facts(out: Path) -> Iterator[Facts]:
    """Yield facts that are written below `<out>.partial`; who has a statement moves it to `out` (statement.keep).

    What is left there when the block ends is removed. Raises InputError where there is something already: the facts of
    an erasure that was killed are the only ones of what it did.
    """
    refuse_existing(out)
    partial = out.with_name(out.name + PARTIAL)
    if partial.exists():
        raise InputError(
            [
                Problem(
                    "command line",
                    "OUT",
                    f"{partial} holds what an erasure did that was killed",
                    "another name, and that directory kept with the statement",
                )
            ]
        )
    partial.mkdir(parents=True, mode=0o700)
    found = Facts(partial)
    try:
        yield found
    finally:
        found.close()
        for path in partial.glob("*") if partial.exists() else ():
            path.unlink()
        if partial.exists():
            partial.rmdir()
