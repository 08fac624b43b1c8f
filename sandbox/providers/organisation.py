"""What a SaaS organisation remembers beyond the life of one resource: names that are taken, and those that stay so.

Kept in a file, since each operation of the engine starts a provider of its own; without one, only as long as that lives.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox.providers.errors import ProviderError
from sandbox.providers.wire import Props

ORGANISATION_VARIABLE: Final = "TINYBEANS_SANDBOX_DATADOG_ORGANISATION"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A name of which the organisation has only one."""

    kind: str
    """What it is, for messages: an index, the order of indexes."""
    name: Callable[[Props], str] = lambda props: str(props["name"])
    for_ever: bool = False
    """Whether a name that was given back can never be taken again."""
    instead: str = "import it, or choose another name"
    """What to do when it is taken."""


class Organisation:
    """The names of one organisation."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._taken: dict[str, dict[str, list[str]]] = {"present": {}, "gone": {}}

    def take(self, claim: Claim, props: Props) -> None:
        """Take a name; raises ProviderError when it is taken, or was once and is never given again."""
        name = claim.name(props)
        with self._lock:
            self._read()
            if name in self._taken["gone"].get(claim.kind, ()):
                raise ProviderError(
                    f"Datadog answers 400: {claim.kind} {name!r} was deleted, and its name can never be used again; "
                    "choose another name"
                )
            if name in self._taken["present"].get(claim.kind, ()):
                raise ProviderError(f"Datadog answers 409: {claim.kind} {name!r} exists already; {claim.instead}")
            self._taken["present"].setdefault(claim.kind, []).append(name)
            self._write()

    def give_back(self, claim: Claim, props: Props) -> None:
        """Give a name back, for others to take unless it is gone for ever."""
        name = claim.name(props)
        with self._lock:
            self._read()
            present = self._taken["present"].get(claim.kind, [])
            if name in present:
                present.remove(name)
            if claim.for_ever:
                self._taken["gone"].setdefault(claim.kind, []).append(name)
            self._write()

    def _read(self) -> None:
        if self._file is not None and self._file.exists():
            self._taken = json.loads(self._file.read_text(encoding="utf-8"))

    def _write(self) -> None:
        if self._file is not None:
            self._file.write_text(json.dumps(self._taken), encoding="utf-8")
