"""The door of a collector in replay mode: where records are handed over, and what it may answer."""

import http.client
import json
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from infra.archive.replay.errors import ReplayStoppedError

PATH = "/v1/replay"
"""infra/documents/collector/replay.py, PATH; a test compares the two."""
AGAIN = (429, 502, 503, 504)
"""Statuses that mean: send it again (OTLP specification, OTLP/HTTP retryable response codes)."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two attempts, doubled each time."""
TIMEOUT_SECONDS = 60.0


class Door:
    """Hands requests to the collector at `url`, one after the other, for up to `patience` seconds each.

    `ended` says why the collector cannot answer any more; empty while it can.
    """

    def __init__(self, url: str, patience: float, ended: Callable[[], str] = lambda: "") -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._url, self._patience, self._ended = url, patience, ended
        self._connection = kind(parts.netloc, timeout=TIMEOUT_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def hand_over(self, body: bytes) -> None:
        """Return once the collector has `body` on disk. Raises ReplayStoppedError when it does not take it."""
        deadline, pause = time.monotonic() + self._patience, FIRST_PAUSE
        while True:
            said = self._once(body)
            if not said:
                return
            if reason := self._ended():
                raise ReplayStoppedError(reason)
            if time.monotonic() + pause > deadline:
                raise ReplayStoppedError(f"the collector at {self._url} took nothing for {self._patience:g} s: {said}")
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _once(self, body: bytes) -> str:
        """Return why the collector did not take `body` now; empty when it did."""
        try:
            self._connection.request("POST", PATH, body, {"Content-Type": "application/json"})
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return f"no answer ({type(error).__name__})"
        if answer.status == http.client.OK:
            self._whole(text)
            return ""
        if answer.status in AGAIN:
            return f"it answered {answer.status}"
        if answer.status == http.client.NOT_FOUND:
            raise ReplayStoppedError(
                f"the collector at {self._url} is not in replay mode: it knows no {PATH}. Start one with the "
                "configuration that `python -m infra.archive replay-config` prints (docs/replay.md)"
            )
        raise ReplayStoppedError(f"the collector at {self._url} refused a batch for good: it answered {answer.status}")

    def _whole(self, text: bytes) -> None:
        partial = json.loads(text or b"{}").get("partialSuccess") or {}
        if rejected := int(partial.get("rejectedLogRecords") or 0):
            raise ReplayStoppedError(f"the collector at {self._url} rejected {rejected:,} records of a batch")
