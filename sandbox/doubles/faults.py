"""Faults on demand, for tests of what the collector does when a sink is slow, throttling or down."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure to answer with: an HTTP status, and seconds for Retry-After if one is to be sent."""

    status: int
    retry_after: int | None = None


class Faults:
    """The faults of one endpoint. Set from a test, taken by the endpoint at the start of each request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: list[Fault] = []
        self._standing: Fault | None = None
        self._delay_seconds = 0.0
        self._delays_left: int | None = None
        self._cleared = threading.Event()

    def fail_next(self, status: int, count: int = 1, retry_after: int | None = None) -> None:
        """Answer the next `count` requests with `status`, storing nothing. `retry_after` is in whole seconds."""
        with self._lock:
            self._pending += [Fault(status, retry_after)] * count

    def fail(self, status: int, retry_after: int | None = None) -> None:
        """Answer every request with `status`, storing nothing, until clear(). `retry_after` is in whole seconds."""
        with self._lock:
            self._standing = Fault(status, retry_after)

    def delay(self, seconds: float, count: int | None = None) -> None:
        """Wait `seconds` before each of the next `count` answers; with None, before every one until clear()."""
        with self._lock:
            self._delay_seconds, self._delays_left = seconds, count
            self._cleared = threading.Event()

    def clear(self) -> None:
        """Forget every fault, and let the requests that are being delayed go on at once."""
        with self._lock:
            self._pending.clear()
            self._standing = None
            self._delay_seconds, self._delays_left = 0.0, None
            self._cleared.set()

    def take(self) -> Fault | None:
        """Wait out the delay that applies to this request, then return the failure that does, or None."""
        with self._lock:
            seconds, cleared = self._delay_seconds, self._cleared
            if self._delays_left is not None and seconds:
                self._delays_left -= 1
                if self._delays_left <= 0:
                    self._delay_seconds, self._delays_left = 0.0, None
        if seconds:
            cleared.wait(seconds)
        with self._lock:
            return self._pending.pop(0) if self._pending else self._standing
