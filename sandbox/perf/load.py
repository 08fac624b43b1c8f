"""Load that costs its sender little: requests are encoded once and sent again and again over kept connections."""

import http.client
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

RECORDS_A_REQUEST = 100
CONNECTIONS = 2
RETRY_STATUSES = (429, 502, 503, 504)
"""What OTLP/HTTP calls retryable (OpenTelemetry Protocol specification, "Retryable Response Codes")."""
RETRY_SECONDS, GIVE_UP_SECONDS = 0.05, 60.0
SERVICE = "web"


class LoadRefusedError(Exception):
    """The collector answered something that a client must not send again."""


def payloads(lines: Sequence[str], *, records: int = RECORDS_A_REQUEST) -> tuple[bytes, ...]:
    """Return `lines` as OTLP requests in protobuf, up to `records` log records each, a line a body, as a shipper does."""
    return tuple(_request(batch) for batch in _batches(lines, records))


def send(port: int, requests: Sequence[bytes], *, rounds: int, connections: int = CONNECTIONS) -> int:
    """Send `requests` `rounds` times to 127.0.0.1:`port` as fast as it takes them; return how often it asked to wait.

    LoadRefusedError for any status that is neither success nor retryable.
    """
    work = iter([payload for _ in range(rounds) for payload in requests])
    lock = threading.Lock()

    def worker() -> int:
        refused = 0
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            while True:
                with lock:
                    payload = next(work, None)
                if payload is None:
                    return refused
                refused += post(connection, payload)
        finally:
            connection.close()

    with ThreadPoolExecutor(connections) as pool:
        return sum(future.result() for future in [pool.submit(worker) for _ in range(connections)])


@dataclass(frozen=True)
class Sent:
    """What a steady sender did: requests sent, how late (s) the last one was, and how often it was asked to wait."""

    requests: int
    late_seconds: float
    refusals: int


def send_steadily(port: int, requests: Sequence[bytes], *, per_second: float, seconds: float) -> Sent:
    """Send `per_second` requests a second for `seconds`, or as many as are taken in that time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    started, sent, late, refusals = time.monotonic(), 0, 0.0, 0
    try:
        while (now := time.monotonic() - started) < seconds and (due := sent / per_second) < seconds:
            late = max(0.0, now - due)
            if now < due:
                time.sleep(due - now)
            refusals += post(connection, requests[sent % len(requests)])
            sent += 1
    finally:
        connection.close()
    return Sent(sent, late, refusals)


def post(connection: http.client.HTTPConnection, payload: bytes) -> int:
    """Send one request until it is acknowledged; return how often the collector asked to wait."""
    refused = 0
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while True:
        connection.request("POST", "/v1/logs", payload, {"Content-Type": "application/x-protobuf"})
        answer = connection.getresponse()
        answer.read()
        if answer.status == http.HTTPStatus.OK:
            return refused
        if answer.status not in RETRY_STATUSES or time.monotonic() > deadline:
            raise LoadRefusedError(f"the collector answered {answer.status} after {refused} refusals")
        refused += 1
        time.sleep(RETRY_SECONDS)


def _request(lines: Sequence[str]) -> bytes:
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    attribute = resource_logs.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", SERVICE
    scope_logs = resource_logs.scope_logs.add()
    now = time.time_ns()
    for line in lines:
        record = scope_logs.log_records.add()
        record.observed_time_unix_nano = now
        record.body.string_value = line
    return bytes(request.SerializeToString())


def _batches(lines: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    remaining = iter(lines)
    while batch := tuple(islice(remaining, size)):
        yield batch
