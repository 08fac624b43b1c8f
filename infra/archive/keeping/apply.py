"""One change to many versions: a page of the listing at a time, several requests at once, from a checkpoint on."""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from infra.archive.keeping.place import Place
from infra.archive.keeping.versions import Chosen, Version, pages

AT_ONCE = 16
"""Requests under way at the same time; S3 takes 3,500 writes a second below each prefix."""
Change = Callable[[Version], bool]
"""Changes one version and returns whether there was something to change. May run in several threads, and twice."""
Seen = Callable[[int], None]
"""Is told how many versions more were dealt with."""


@dataclass
class Counts:
    """What was done so far."""

    versions: int = 0
    bytes: int = 0
    changed: int = 0


@dataclass
class Checkpoint:
    """How far a command came, in a file, so that the same command carries on behind it."""

    path: Path
    after: tuple[str, str] | None = None
    counts: Counts = field(default_factory=Counts)

    @classmethod
    def at(cls, path: Path) -> "Checkpoint":
        """Return what the file says, or a new beginning where there is none or it cannot be read."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            return cls(path, (values["after"][0], values["after"][1]), Counts(**values["counts"]))
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            return cls(path)

    def keep(self) -> None:
        """Write it down, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps({"after": self.after, "counts": vars(self.counts)}), encoding="utf-8")
        new.replace(self.path)

    def done(self) -> None:
        """Forget it."""
        self.path.unlink(missing_ok=True)


def apply(place: Place, chosen: Chosen, change: Change, checkpoint: Checkpoint, seen: Seen) -> Counts:
    """Change every chosen version behind the checkpoint, and return what was done since its beginning.

    Raises what `change` raises; pages before that one are not looked at again by the same command.
    """
    counts = checkpoint.counts
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for page in pages(place, chosen, checkpoint.after):
            changed = sum(pool.map(change, page.versions))
            counts.versions += len(page.versions)
            counts.bytes += sum(version.size for version in page.versions)
            counts.changed += changed
            seen(len(page.versions))
            if page.after is not None:
                checkpoint.after = page.after
                checkpoint.keep()
    checkpoint.done()
    return counts


def first(place: Place, chosen: Chosen) -> Version | None:
    """Return the first chosen version, on which a right can be tried; None where nothing is chosen."""
    found: Iterator[Version] = (version for page in pages(place, chosen) for version in page.versions)
    return next(found, None)
