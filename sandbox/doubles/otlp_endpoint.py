"""One OTLP/HTTP logs endpoint: what is the same in every sink. What differs is passed in as two functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from sandbox.doubles import otlp_codec
from sandbox.doubles.faults import Faults
from sandbox.doubles.http_server import HttpRequest, HttpResponse, HttpServer
from sandbox.doubles.otlp_codec import Encoding, LogRecord, Refusal, RpcCode
from sandbox.doubles.stats import Snapshot, Stats

STATS_PATH = "/_double/stats"

# Against a runaway sender only. It is far above every service's limit, so that those are what tests meet.
_MEMORY_GUARD_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may be. Bytes on the wire are as sent, payload bytes after decompression; None: no limit."""

    wire_bytes: int | None = None
    payload_bytes: int | None = None
    records: int | None = None
    encodings: frozenset[Encoding] = frozenset(Encoding)


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of the records of a request that is answered with 200: how many were rejected, and why."""

    rejected: int = 0
    message: str = ""


@dataclass(slots=True)
class _Tally:
    encoding: Encoding = Encoding.JSON
    received: int = 0
    accepted: int = 0


class OtlpEndpoint:
    """Serves POST `path` and GET /_double/stats on 127.0.0.1.

    For each POST, in this order: injected faults; `admit(request)` (who are you, for whom is this); the size
    limits and decoding; `store(request, records)`. Either function may raise Refusal, which becomes the
    answer with a google.rpc.Status as its body, in the request's encoding (JSON where that is not known).
    """

    def __init__(
        self,
        *,
        path: str,
        admit: Callable[[HttpRequest], None],
        store: Callable[[HttpRequest, Sequence[LogRecord]], Stored],
        limits: Limits,
        port: int = 0,
    ) -> None:
        self._path, self._admit, self._store, self._limits = path, admit, store, limits
        self._server = HttpServer(self._answer, max_body_bytes=_MEMORY_GUARD_BYTES, port=port)
        self._stats = Stats()
        self.faults = Faults()

    @property
    def url(self) -> str:
        """The full URL to POST to, as the collector's `logs_endpoint` takes it. RuntimeError before start()."""
        return self._server.url + self._path

    @property
    def stats_url(self) -> str:
        """The full URL of the counts as JSON. RuntimeError before start()."""
        return self._server.url + STATS_PATH

    @property
    def stats(self) -> Snapshot:
        """The counts as they are now."""
        return self._stats.snapshot()

    def start(self) -> None:
        """Listen. After a stop(), on the same port again."""
        self._server.start()

    def stop(self) -> None:
        """Forget every fault (a delayed request goes on at once), close the port and cut every connection."""
        self.faults.clear()
        self._server.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.method == "GET" and request.path == STATS_PATH:
            body = json.dumps(self.stats.as_dict()).encode()
            return HttpResponse(200, body, {"Content-Type": "application/json"})
        tally = _Tally()
        try:
            response = self._take(request, tally)
        except Refusal as refusal:
            response = _refused(refusal, tally.encoding)
        except Exception:
            self._count(request, 500, tally)
            raise
        self._count(request, response.status, tally)
        return response

    def _take(self, request: HttpRequest, tally: _Tally) -> HttpResponse:
        if (request.method, request.path) != ("POST", self._path):
            raise Refusal(404, RpcCode.NOT_FOUND, f"only POST {self._path} is served here")
        encoding = tally.encoding = otlp_codec.encoding_of(request.headers.get("content-type", ""))
        fault = self.faults.take()
        if fault is not None:
            raise Refusal(fault.status, RpcCode.UNAVAILABLE, "injected fault", retry_after=fault.retry_after)
        self._admit(request)
        records = self._decode(request, encoding)
        tally.received = len(records)
        if self._limits.records is not None and len(records) > self._limits.records:
            raise Refusal(400, RpcCode.INVALID_ARGUMENT, f"more than {self._limits.records} records in one request")
        stored = self._store(request, records)
        tally.accepted = len(records) - stored.rejected
        body = otlp_codec.encode_answer(encoding, rejected=stored.rejected, message=stored.message)
        return HttpResponse(200, body, {"Content-Type": encoding.value})

    def _decode(self, request: HttpRequest, encoding: Encoding) -> tuple[LogRecord, ...]:
        limits = self._limits
        if encoding not in limits.encodings:
            raise Refusal(415, RpcCode.INVALID_ARGUMENT, f"{encoding.value} is not taken here")
        if limits.wire_bytes is not None and len(request.body) > limits.wire_bytes:
            raise Refusal(413, RpcCode.INVALID_ARGUMENT, f"the body is larger than {limits.wire_bytes} bytes")
        payload = otlp_codec.decompress(
            request.body,
            request.headers.get("content-encoding", ""),
            limits.payload_bytes if limits.payload_bytes is not None else _MEMORY_GUARD_BYTES,
        )
        return otlp_codec.decode(payload, encoding)

    def _count(self, request: HttpRequest, status: int, tally: _Tally) -> None:
        self._stats.add(status=status, received=tally.received, accepted=tally.accepted, wire_bytes=len(request.body))


def _refused(refusal: Refusal, encoding: Encoding) -> HttpResponse:
    headers = {"Content-Type": encoding.value}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    body = otlp_codec.encode_status(encoding, refusal.code, refusal.message)
    return HttpResponse(refusal.status, body, headers)
