"""Sending lines to the collector as a shipper of container output does: one log record a line, over OTLP/HTTP."""

import gzip
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

BATCH = 100
RETRY_STATUSES = (429, 502, 503, 504)
ATTEMPTS = 8
UID = "log.record.uid"


@dataclass(frozen=True)
class Sent:
    """A record that the collector acknowledged, by the identifier that it carries to every sink."""

    uid: str
    line: str


class RefusedError(Exception):
    """The collector did not take a batch; nothing in it counts as accepted."""


def send(url: str, lines: Sequence[str]) -> list[Sent]:
    """Send `lines` to the collector's OTLP/HTTP address and return them with their identifiers, once acknowledged.

    Retries what OTLP calls retryable, and raises RefusedError for anything else.
    """
    sent: list[Sent] = []
    for batch in _batches(lines, BATCH):
        stamped = [Sent(str(uuid.uuid4()), line) for line in batch]
        _post(f"{url}/v1/logs", _request(stamped))
        sent += stamped
    return sent


def _request(batch: Iterable[Sent]) -> bytes:
    request = ExportLogsServiceRequest()
    by_service: dict[str, list[Sent]] = {}
    for item in batch:
        by_service.setdefault(_service(item.line), []).append(item)
    now = time.time_ns()
    for service, items in by_service.items():
        resource_logs = request.resource_logs.add()
        attribute = resource_logs.resource.attributes.add()
        attribute.key, attribute.value.string_value = "service.name", service
        scope_logs = resource_logs.scope_logs.add()
        for item in items:
            record = scope_logs.log_records.add()
            record.observed_time_unix_nano = now
            record.body.string_value = item.line
            uid = record.attributes.add()
            uid.key, uid.value.string_value = UID, item.uid
    return bytes(request.SerializeToString())


def _service(line: str) -> str:
    """Return the service that a line names, as a shipper knows it from the container's labels."""
    try:
        document = json.loads(line)
    except json.JSONDecodeError:
        return "unknown"
    service = document.get("service") if isinstance(document, dict) else None
    return service if isinstance(service, str) else "unknown"


def _post(url: str, payload: bytes) -> None:
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
    request = urllib.request.Request(url, gzip.compress(payload), headers)  # noqa: S310 - loopback
    wait = 0.2
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=30):  # noqa: S310 - loopback
                return
        except urllib.error.HTTPError as error:
            if error.code not in RETRY_STATUSES or attempt == ATTEMPTS:
                raise RefusedError(f"the collector answered {error.code} after {attempt} attempts") from None
        time.sleep(wait)
        wait *= 2


def _batches(lines: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    remaining = iter(lines)
    while batch := tuple(islice(remaining, size)):
        yield batch
