"""What one endpoint has counted since it was made."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """Of requests or of records: received = accepted + rejected, always."""

    received: int
    accepted: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The counts at one moment.

    requests: rejected are those answered with anything but 200, injected faults included. records: of the
    requests that could be decoded; rejected are those reported in partialSuccess and those in refused
    requests. statuses: how many answers had each HTTP status. wire_bytes: bodies as received, compressed.
    """

    requests: Counts
    records: Counts
    statuses: dict[int, int]
    wire_bytes: int

    def as_dict(self) -> dict[str, object]:
        """Return the same as plain data for JSON."""
        return asdict(self)


class Stats:
    """The running counts. One call per answered request, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._statuses: Counter[int] = Counter()
        self._received = self._accepted = self._wire_bytes = 0

    def add(self, *, status: int, received: int, accepted: int, wire_bytes: int) -> None:
        """Count one answered request with its records."""
        with self._lock:
            self._statuses[status] += 1
            self._received += received
            self._accepted += accepted
            self._wire_bytes += wire_bytes

    def snapshot(self) -> Snapshot:
        """Return the counts as they are now, consistent with each other."""
        with self._lock:
            requests, accepted = self._statuses.total(), self._statuses[200]
            return Snapshot(
                requests=Counts(requests, accepted, requests - accepted),
                records=Counts(self._received, self._accepted, self._received - self._accepted),
                statuses={status: count for status, count in sorted(self._statuses.items()) if count},
                wire_bytes=self._wire_bytes,
            )
