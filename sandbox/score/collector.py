"""The real collector between a client and a catcher: what one request brings is there when it is answered."""

import http.client
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from sandbox.doubles.http_server import HttpRequest
from sandbox.doubles.otlp_codec import LogRecord
from sandbox.doubles.otlp_endpoint import Limits, OtlpEndpoint, Stored
from sandbox.ending import end
from sandbox.ports import free_ports
from sandbox.score.cleaning import Ends

PEPPER = "a-pepper-that-is-made-up-for-scoring-only-0123456789"
STARTS_WITHIN_SECONDS = 60.0
ANSWERS_WITHIN_SECONDS = 60.0
LIMIT_BYTES = 64 * 1024 * 1024


class CollectorFailedError(Exception):
    """The collector did not start or refused a request; what it answered is not repeated, for it may quote records."""


@dataclass
class Carried:
    """What one request became."""

    status: int
    answer: str = field(repr=False)
    delivered: list[ExportLogsServiceRequest] = field(repr=False)
    quarantined: list[ExportLogsServiceRequest] = field(repr=False)


class Catcher(OtlpEndpoint):
    """A sink that keeps whole requests, so that no field of a record can escape notice."""

    def __init__(self) -> None:
        limits = Limits(payload_bytes=LIMIT_BYTES)
        super().__init__(path="/v1/logs", admit=lambda _: None, store=self._keep, limits=limits)
        self._lock = threading.Lock()
        self._found: list[ExportLogsServiceRequest] = []

    def taken(self) -> list[ExportLogsServiceRequest]:
        """Return what has come since the last call."""
        with self._lock:
            found, self._found = self._found, []
            return found

    def _keep(self, request: HttpRequest, _: Sequence[LogRecord]) -> Stored:
        with self._lock:
            self._found.append(ExportLogsServiceRequest.FromString(request.body))
        return Stored()


@dataclass
class Scoring:
    """A collector that is up, with its two catchers."""

    address: str
    delivered: Catcher
    quarantined: Catcher
    log: Path
    connection: http.client.HTTPConnection = field(repr=False)

    def carry(self, payload: bytes) -> Carried:
        """Send one request of protobuf and return what arrived: exporters here have no queue, so all of it did."""
        self.connection.request("POST", "/v1/logs", payload, {"Content-Type": "application/x-protobuf"})
        answer = self.connection.getresponse()
        text = answer.read().decode(errors="replace")
        return Carried(answer.status, text, self.delivered.taken(), self.quarantined.taken())


def receivers() -> dict[str, Any]:
    """Return the door of a scoring collector."""
    return {"otlp": {"protocols": {"http": {"endpoint": "${env:SCORE_HTTP}", "max_request_body_size": LIMIT_BYTES}}}}


def ends() -> Ends:
    """Return exporters that hand over at once: one try, no queue."""
    common = {"compression": "none", "sending_queue": {"enabled": False}, "retry_on_failure": {"enabled": False}}
    return Ends(
        {"otlp_http/delivered": {"logs_endpoint": "${env:SCORE_DELIVERED}", **common}},
        {"otlp_http/quarantined": {"logs_endpoint": "${env:SCORE_QUARANTINED}", **common}},
    )


@contextmanager
def scoring_collector(executable: Path, config: Mapping[str, Any], directory: Path) -> Iterator[Scoring]:
    """Run the collector on `config` (receivers() to ends()) until the block ends.

    Raises CollectorFailedError when it is not healthy within 60 s.
    """
    http_port, health = free_ports(2)
    file, log = directory / "config.yaml", directory / "collector.log"
    file.write_text(yaml.safe_dump(_watched(config), sort_keys=False, width=4096))
    with ExitStack() as stack:
        delivered, quarantined = stack.enter_context(Catcher()), stack.enter_context(Catcher())
        variables = {
            "PATH": os.environ.get("PATH", ""),
            "REDACTION_PEPPER": PEPPER,
            "SCORE_HTTP": f"127.0.0.1:{http_port}",
            "SCORE_HEALTH": f"127.0.0.1:{health}",
            "SCORE_DELIVERED": delivered.url,
            "SCORE_QUARANTINED": quarantined.url,
        }
        sink = stack.enter_context(log.open("wb"))
        process = subprocess.Popen(
            [str(executable), f"--config=file:{file}"], env=variables, stdout=sink, stderr=subprocess.STDOUT
        )
        stack.callback(end, process)
        _wait(process, f"127.0.0.1:{health}", log)
        connection = http.client.HTTPConnection("127.0.0.1", http_port, timeout=ANSWERS_WITHIN_SECONDS)
        stack.callback(connection.close)
        yield Scoring(f"127.0.0.1:{http_port}", delivered, quarantined, log, connection)


def _watched(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return `config` with an address to ask whether it runs, and without metrics, whose port others may have."""
    service = config["service"]
    telemetry = {**service["telemetry"], "metrics": {"level": "none"}}
    health = {"health_check": {"endpoint": "${env:SCORE_HEALTH}"}}
    return {**config, "extensions": health, "service": {**service, "extensions": [*health], "telemetry": telemetry}}


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise CollectorFailedError(f"the collector ended with status {process.returncode}: see {log}")
        connection = http.client.HTTPConnection(address, timeout=1)
        try:
            connection.request("GET", "/")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    raise CollectorFailedError(f"the collector was not healthy within {STARTS_WITHIN_SECONDS:g} s: see {log}")
