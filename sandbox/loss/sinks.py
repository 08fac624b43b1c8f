"""Sinks that remember of each record when it first arrived and how often, and that fail when they are told to."""

from __future__ import annotations

import contextlib
import gzip
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from sandbox.doubles.faults import Faults
from sandbox.doubles.http_server import HttpRequest
from sandbox.doubles.otlp_codec import Encoding, LogRecord, decode
from sandbox.doubles.otlp_endpoint import Limits, OtlpEndpoint, Stored
from sandbox.loss.ledger import UID


@dataclass
class Arrivals:
    """Uid to the monotonic time (s) of its first arrival, and to how often it arrived."""

    first: dict[str, float] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    marks_left: int = 0
    """Records that still bore the spill's mark."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, records: Iterable[LogRecord]) -> None:
        """Note records that a sink has stored."""
        now = time.monotonic()
        with self._lock:
            for record in records:
                uid = str(record.attributes.get(UID, ""))
                self.first.setdefault(uid, now)
                self.times[uid] = self.times.get(uid, 0) + 1
                self.marks_left += "tinybeans.spill" in record.resource

    @property
    def duplicates(self) -> int:
        """Return how many arrivals were not the first of their record."""
        with self._lock:
            return sum(self.times.values()) - len(self.times)


class OtlpSink(OtlpEndpoint):
    """Any sink that speaks OTLP/HTTP."""

    def __init__(self) -> None:
        super().__init__(path="/v1/logs", admit=lambda _: None, store=self._keep, limits=Limits())
        self.arrivals = Arrivals()

    def _keep(self, _: HttpRequest, records: Sequence[LogRecord]) -> Stored:
        self.arrivals.add(records)
        return Stored()


class BucketSink(ThreadingHTTPServer):
    """S3, reduced to PutObject of the archive's objects, which are kept for a replay."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        self.arrivals, self.faults = Arrivals(), Faults()
        self.objects: dict[str, tuple[LogRecord, ...]] = {}
        super().__init__(("127.0.0.1", 0), _Put)

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.faults.clear()
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        """Return the base address."""
        return f"http://127.0.0.1:{self.server_port}"


class _Put(BaseHTTPRequestHandler):
    server: BucketSink

    def do_PUT(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        fault = self.server.faults.take()
        if fault is None:
            records = decode(gzip.decompress(raw), Encoding.JSON)
            self.server.objects[self.path.split("?")[0]] = records
            self.server.arrivals.add(records)
        refusal = b"" if fault is None else b"<Error><Code>AccessDenied</Code><Message>injected</Message></Error>"
        with contextlib.suppress(OSError):
            self.send_response(200 if fault is None else fault.status)
            self.send_header("Content-Length", str(len(refusal)))
            self.end_headers()
            self.wfile.write(refusal)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
