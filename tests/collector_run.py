"""One collector run that serves many assertions: what is sent, the doubles it is sent to, and what arrived where."""

from __future__ import annotations

import base64
import functools
import gzip
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from infra.context import Context
from infra.documents.collector import collector_config, dumps, load_fragments
from infra.documents.collector.receive.files import feature_gates
from infra.documents.container import gate_arguments
from sandbox.doubles.http_server import HttpRequest
from sandbox.doubles.otlp_codec import Encoding, LogRecord, decode
from sandbox.doubles.otlp_endpoint import Limits, OtlpEndpoint, Stored
from sandbox.doubles.otlp_intake import OtlpIntake, newrelic
from sandbox.doubles.otlp_metrics import OtlpMetrics, cloudwatch_metrics
from sandbox.ports import free_ports
from tests.collector_process import CREDENTIALS, Collector, running
from tests.factories import ROOT

UID = "log.record.uid"
TOGETHER = 25
"""Records of different resources in one request."""


@dataclass(frozen=True)
class Arrived:
    """A record in CloudWatch, and where in it."""

    group: str
    stream: str
    record: LogRecord

    @property
    def cls(self) -> str:
        return self.group.rsplit("/", 1)[1]

    @property
    def text(self) -> str:
        """Everything of the record that a reader can see, values and names, without JSON's escapes."""
        shown = [self.record.resource, self.record.scope, self.record.attributes]
        plain = [item for part in shown for item in _texts(part)]
        body = self.record.body
        return "\n".join([*plain, body if isinstance(body, str) else json.dumps(body), self.record.event_name])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    else:
        yield str(value)


class CloudWatch(OtlpEndpoint):
    """CloudWatch's OTLP intake, reduced to what a test asks: which records came for which group and stream."""

    def __init__(self) -> None:
        super().__init__(
            path="/v1/logs",
            admit=self._signed,
            store=self._keep,
            limits=Limits(payload_bytes=1_048_576, records=10_000),
        )
        self._lock = threading.Lock()
        self._found: list[Arrived] = []

    @property
    def arrived(self) -> list[Arrived]:
        with self._lock:
            return list(self._found)

    def _signed(self, request: HttpRequest) -> None:
        assert "/us-east-1/logs/aws4_request" in request.headers["authorization"]

    def _keep(self, request: HttpRequest, records: Sequence[LogRecord]) -> Stored:
        with self._lock:
            headers = request.headers
            self._found += [Arrived(headers["x-aws-log-group"], headers["x-aws-log-stream"], item) for item in records]
        return Stored()


class Bucket(ThreadingHTTPServer):
    """S3, reduced to PutObject: path to the records in it."""

    daemon_threads = True

    def __init__(self) -> None:
        self.objects: dict[str, tuple[LogRecord, ...]] = {}
        super().__init__(("127.0.0.1", 0), _Put)


class _Put(BaseHTTPRequestHandler):
    def do_PUT(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Bucket)
        self.server.objects[unquote(self.path.split("?")[0])] = decode(gzip.decompress(raw), Encoding.JSON)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Run:
    """A collector, its doubles, and the records that were sent by name."""

    collector: Collector
    cloudwatch: CloudWatch
    newrelic: OtlpIntake
    bucket: Bucket
    config: Path
    again: Callable[[], AbstractContextManager[Collector]]
    """Starts another collector on the same configuration, addresses and queues."""
    metrics: OtlpMetrics
    """CloudWatch's intake of the collector's own metrics."""
    counts_url: str
    """Page of records counted by class and reason."""
    grpc: str
    """Address of OTLP by gRPC."""
    sent: dict[str, str] = field(default_factory=dict)
    """The test's name of a record to its uid."""
    waiting: list[dict[str, Any]] = field(default_factory=list, repr=False)

    def send(self, name: str, record: dict[str, Any], *, uid: str = "", **shared: dict[str, Any]) -> None:
        """Send one record, with those that follow it, under a test's own name for it."""
        self.sent[name] = uid or str(uuid.uuid4())
        self.waiting.append(batch([with_uid(record, self.sent[name])], **shared))
        if len(self.waiting) >= TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Send what waits to be sent."""
        self.collector.send(*self.waiting)
        self.waiting.clear()

    def one(self, name: str) -> Arrived:
        """Return the record that was sent as `name`; it must have arrived exactly once."""
        found = [item for item in self.cloudwatch.arrived if item.record.attributes.get(UID) == self.sent[name]]
        assert len(found) == 1, f"{name} arrived {len(found)} times"
        return found[0]

    def settle(self, count: int, seconds: float = 15.0) -> None:
        """Wait until `count` records are in CloudWatch."""
        self.flush()
        deadline = time.monotonic() + seconds
        while len(self.cloudwatch.arrived) < count:
            assert time.monotonic() < deadline, (
                f"{len(self.cloudwatch.arrived)} of {count} arrived; {self.collector.log.read_text()[-1500:]}"
            )
            time.sleep(0.05)


def value(plain: Any) -> dict[str, Any]:
    """Return `plain` as OTLP's AnyValue in JSON."""
    match plain:
        case bool():
            return {"boolValue": plain}
        case int():
            return {"intValue": str(plain)}
        case float():
            return {"doubleValue": plain if plain == plain else "NaN"}
        case str():
            return {"stringValue": plain}
        case bytes():
            return {"bytesValue": base64.b64encode(plain).decode()}
        case list():
            return {"arrayValue": {"values": [value(item) for item in plain]}}
        case dict():
            return {"kvlistValue": {"values": pairs(plain)}}
        case _:
            return {}


def pairs(plain: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a mapping as OTLP's list of key and value."""
    return [{"key": key, "value": value(item)} for key, item in plain.items()]


def record(body: Any = "", attributes: dict[str, Any] | None = None, severity: int = 17, **more: Any) -> dict[str, Any]:
    """Return a log record in OTLP JSON; ERROR, which no rule thins out, unless told."""
    return {"body": value(body), "attributes": pairs(attributes or {}), "severityNumber": severity, **more}


def with_uid(found: dict[str, Any], uid: str) -> dict[str, Any]:
    """Return the record under `uid`."""
    return {**found, "attributes": [*found["attributes"], *pairs({UID: uid})]}


def batch(
    records: list[dict[str, Any]], *, resource: dict[str, Any] | None = None, scope: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return resourceLogs with one scope; `scope` holds its name, version and attributes."""
    scope = scope or {}
    named = {key: scope[key] for key in ("name", "version") if key in scope}
    return {
        "resource": {"attributes": pairs({"service.name": "web", **(resource or {})})},
        "scopeLogs": [{"scope": {**named, "attributes": pairs(scope.get("attributes", {}))}, "logRecords": records}],
    }


@contextmanager
def collector_run(
    context: Context, directory: Path, amend: Callable[[dict[str, Any]], None] = lambda _: None, /, **variables: str
) -> Iterator[Run]:
    """Run the collector on the configuration of `context`, a sandbox stack's, with doubles for every sink.

    `amend` changes the configuration first, for a test of what it does not say by itself.
    """
    config = directory / "config.yaml"
    document = collector_config(context, load_fragments(ROOT / "collector_configs"))
    amend(document)
    config.write_text(dumps(document, stack="sandbox"))
    with ExitStack() as stack:
        cloudwatch = stack.enter_context(CloudWatch())
        intake = stack.enter_context(OtlpIntake(newrelic("made-up-newrelic")))
        own = stack.enter_context(cloudwatch_metrics(region="us-east-1", credentials=CREDENTIALS))
        bucket = stack.enter_context(Bucket())
        threading.Thread(target=bucket.serve_forever, args=(0.05,), daemon=True).start()
        stack.callback(bucket.shutdown)
        grpc, http_port, health, metrics, counts, loopback = free_ports(
            6
        )  # after the doubles, which would take one of them
        addresses = {
            "SANDBOX_DATA": str(directory / "data"),
            "SANDBOX_OTLP_GRPC": f"127.0.0.1:{grpc}",
            "SANDBOX_OTLP_HTTP": f"127.0.0.1:{http_port}",
            "SANDBOX_HEALTH": f"127.0.0.1:{health}",
            "SANDBOX_LOOPBACK": f"127.0.0.1:{loopback}",
            "SANDBOX_METRICS_PORT": str(metrics),
            "SANDBOX_COUNTS_PORT": str(counts),
            "SANDBOX_CLOUDWATCH_METRICS": own.url,
            "SANDBOX_CLOUDWATCH_LOGS": cloudwatch.url.removesuffix("/v1/logs"),
            "SANDBOX_NEWRELIC": intake.url.removesuffix("/v1/logs"),
            "SANDBOX_S3": f"http://127.0.0.1:{bucket.server_port}",
            **variables,
        }
        start = functools.partial(
            running,
            config,
            addresses,
            directory,
            health=addresses["SANDBOX_HEALTH"],
            http_address=addresses["SANDBOX_OTLP_HTTP"],
            metrics_port=metrics,
            arguments=gate_arguments(feature_gates(context.settings)),
        )
        collector = stack.enter_context(start())
        yield Run(
            collector,
            cloudwatch,
            intake,
            bucket,
            config,
            start,
            own,
            f"http://127.0.0.1:{counts}/metrics",
            addresses["SANDBOX_OTLP_GRPC"],
        )
