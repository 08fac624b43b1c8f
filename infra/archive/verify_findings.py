"""What a verification finds: each thing that is not as it was written, with its place."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum


class Wrong(StrEnum):
    """Kinds of findings."""

    CHAIN = "chain"
    """A link is missing, out of place, unreadable, or does not follow from the one before."""
    SIGNATURE = "signature"
    """A link is not signed by the stack's key."""
    TRUNCATED_CHAIN = "truncated chain"
    """Links that were announced in the audit log are gone from the end."""
    DAY = "day"
    """A day of the window has no complete export."""
    OBJECT = "object"
    """An exported object is gone, altered, or was put there by somebody else."""
    ERASURE = "erasure"
    """A record of an erasure is forged, unsigned, altered or not where it was written; or what was erased is back."""
    RECORD = "record"
    """A record that one archive has is missing from, or differs in, the other without a reason."""


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong."""

    wrong: Wrong
    where: str
    """Address of the link or object, or the day and group."""
    what: str

    def __str__(self) -> str:
        """Return the finding as one line."""
        return f"{self.wrong}: {self.where}: {self.what}"


@dataclass
class Verified:
    """What was looked at, and what was found."""

    findings: list[Finding] = field(default_factory=list)
    looked_at: Counter[str] = field(default_factory=Counter)
    """How many links, objects and records were looked at."""
    erased: Counter[str] = field(default_factory=Counter)
    """Objects that a signed erasure explains, by request and date."""
    erased_records: Counter[str] = field(default_factory=Counter)
    """Records that it took out of them."""
    compared: dict[str, Counter[str]] = field(default_factory=dict)
    """Records by what came of the comparison, by class."""

    def add(self, wrong: Wrong, where: str, what: str) -> None:
        """Write a finding down."""
        self.findings.append(Finding(wrong, where, what))
