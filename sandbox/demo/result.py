"""Everything a run of the demo found out, as one frozen value that the terminal and the report both show."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.demo.accounting import Accounts
from sandbox.demo.arrivals import ArchiveObject
from sandbox.demo.sensitive import Leak
from sandbox.engine import Timed


@dataclass(frozen=True)
class Component:
    """How much of the stack one component is."""

    name: str
    resources: int
    recorded_only: int
    """Resources that the sandbox records without realising them in moto."""


@dataclass(frozen=True)
class BeforeAfter:
    """One field of a record as it was sent and as a sink holds it."""

    sink: str
    rule: str
    field: str
    sent: str
    stored: str


@dataclass(frozen=True)
class DemoResult:
    """The demo's findings. `passed` decides the exit status."""

    source: str
    up: Timed
    components: tuple[Component, ...]
    accounts: Accounts
    listed_values: int
    leaks: tuple[Leak, ...]
    redactions: tuple[BeforeAfter, ...]
    objects: tuple[ArchiveObject, ...]
    seconds: Mapping[str, float]
    """Stage to seconds."""

    @property
    def passed(self) -> bool:
        """Return whether every sum holds and no listed value arrived anywhere."""
        return self.accounts.balanced and not self.leaks
