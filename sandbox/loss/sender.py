"""A client as applications are: bounded rate, waits and sends the same batch again when it is not acknowledged."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from sandbox.loss.ledger import Ledger, Stamped, body

BATCH = 40
PAUSE_SECONDS = 0.25
TIMEOUT_SECONDS = 20.0
CLIENTS = 2


class Sender:
    """Sends numbered records of `kinds` in turn, `rate` of them a second, to the collector at `address`."""

    def __init__(
        self, ledger: Ledger, address: str, kinds: Sequence[str], rate: float, times: Mapping[str, int] | None = None
    ) -> None:
        self._ledger, self._address, self._kinds, self._times = ledger, address, kinds, times or {}
        self._every = BATCH * CLIENTS / rate
        self._enough, self._abandon = threading.Event(), threading.Event()

    @contextmanager
    def running(self, patience: float) -> Iterator[None]:
        """Send while the block runs; then give what is not acknowledged yet `patience` seconds, and stop."""
        threads = [threading.Thread(target=self._client, daemon=True) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._enough.set()
            deadline = time.monotonic() + patience
            for thread in threads:
                thread.join(max(0.0, deadline - time.monotonic()))
            self._abandon.set()
            for thread in threads:
                thread.join(TIMEOUT_SECONDS + 1)

    def _client(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT_SECONDS)
        due = time.monotonic()
        while not self._enough.is_set():
            batch = self._ledger.stamp(self._kinds[at % len(self._kinds)] for at in range(BATCH))
            payload = json.dumps(body(batch, self._times)).encode()
            self._ledger.sending(batch, time.monotonic())
            while not self._acknowledged(connection, batch, payload) and not self._abandon.wait(PAUSE_SECONDS):
                pass
            due = max(due + self._every, time.monotonic() - self._every)
            self._enough.wait(max(0.0, due - time.monotonic()))
        connection.close()

    def _acknowledged(self, connection: http.client.HTTPConnection, batch: list[Stamped], payload: bytes) -> bool:
        try:
            connection.request("POST", "/v1/logs", payload, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            status = str(answer.status)
        except (OSError, http.client.HTTPException) as error:
            with contextlib.suppress(OSError):
                connection.close()
            status = type(error).__name__
        self._ledger.answered(batch, status, time.monotonic())
        return status == "200"
