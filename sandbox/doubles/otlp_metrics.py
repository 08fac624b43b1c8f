"""A double of an OTLP/HTTP metrics intake, CloudWatch's or Datadog's: points kept for a test or a person to read.

CloudWatch: Amazon CloudWatch User Guide, "OTLP Endpoints" (SigV4, service `monitoring`). Datadog: "OTLP Metrics Intake
Endpoint" (header dd-api-key, delta temporality only).
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from sandbox.doubles import otlp_codec, sigv4
from sandbox.doubles.aws_clients import SANDBOX_CREDENTIALS, AwsCredentials
from sandbox.doubles.faults import Faults
from sandbox.doubles.http_server import HttpRequest, HttpResponse, HttpServer
from sandbox.doubles.otlp_codec import Encoding, Refusal, RpcCode

PATH = "/v1/metrics"
_PAYLOAD_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Point:
    """One data point of a sum or gauge. `delta` is None for a gauge; attributes and resource are text."""

    name: str
    value: float
    delta: bool | None
    attributes: Mapping[str, str]
    resource: Mapping[str, str]

    def has(self, **attributes: str) -> bool:
        """Return whether the point has these attributes, among others."""
        return attributes.items() <= self.attributes.items()


Admit = Callable[[HttpRequest], None]
Judge = Callable[[Point], None]


class OtlpMetrics:
    """The running intake. `admit` refuses a request, `judge` a point; either by raising Refusal."""

    def __init__(self, *, admit: Admit, judge: Judge = lambda _: None, port: int = 0) -> None:
        self._admit, self._judge = admit, judge
        self._server = HttpServer(self._answer, max_body_bytes=_PAYLOAD_BYTES, port=port)
        self._points: list[Point] = []
        self._arrived = threading.Condition()
        self.faults = Faults()
        self.refusals: list[str] = []
        """Why requests were refused."""

    @property
    def url(self) -> str:
        """The base address, without the path. RuntimeError before start()."""
        return self._server.url

    @property
    def points(self) -> tuple[Point, ...]:
        """Every point so far, in the order of arrival."""
        with self._arrived:
            return tuple(self._points)

    def last(self, name: str, **attributes: str) -> float | None:
        """Return the sum of the last values of all series of a metric with these attributes; None without one."""
        series = {
            (tuple(sorted(point.attributes.items())), tuple(sorted(point.resource.items()))): point.value
            for point in self.points
            if point.name == name and point.has(**attributes)
        }
        return sum(series.values()) if series else None

    def total(self, name: str, **attributes: str) -> float:
        """Return the sum of all values of a metric with these attributes, which is what deltas add up to."""
        return sum(point.value for point in self.points if point.name == name and point.has(**attributes))

    def wait(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Return once `condition` holds, asked again and again. TimeoutError after `seconds`."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() >= deadline:
                raise TimeoutError(f"not within {seconds:g} s; {len(self.points)} points have arrived")
            with self._arrived:
                self._arrived.wait(0.25)

    def start(self) -> None:
        """Listen. After a stop(), on the same port again."""
        self._server.start()

    def stop(self) -> None:
        """Forget every fault, close the port and cut every connection."""
        self.faults.clear()
        self._server.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answer(self, request: HttpRequest) -> HttpResponse:
        try:
            found = self._taken(request)
        except Refusal as refusal:
            self.refusals.append(refusal.message)
            body = otlp_codec.encode_status(Encoding.PROTOBUF, refusal.code, refusal.message)
            return HttpResponse(refusal.status, body)
        with self._arrived:
            self._points += found
            self._arrived.notify_all()
        return HttpResponse(200, b"", {"Content-Type": Encoding.PROTOBUF.value})

    def _taken(self, request: HttpRequest) -> tuple[Point, ...]:
        if (request.method, request.path) != ("POST", PATH):
            raise Refusal(404, RpcCode.NOT_FOUND, f"only POST {PATH} is served here")
        if fault := self.faults.take():
            raise Refusal(fault.status, RpcCode.UNAVAILABLE, "injected fault", retry_after=fault.retry_after)
        self._admit(request)
        found = tuple(_points(request))
        for point in found:
            self._judge(point)
        return found


def cloudwatch_metrics(*, region: str, credentials: AwsCredentials = SANDBOX_CREDENTIALS, port: int = 0) -> OtlpMetrics:
    """Return CloudWatch's metrics intake: 401/403 for a signature that is missing or wrong."""

    def signed(request: HttpRequest) -> None:
        sigv4.verify(request, credentials=credentials, service="monitoring", region=region)

    return OtlpMetrics(admit=signed, port=port)


def datadog_metrics(key: str, *, port: int = 0) -> OtlpMetrics:
    """Return Datadog's metrics intake: 403 for another key, 400 for a cumulative sum."""

    def keyed(request: HttpRequest) -> None:
        given = request.headers.get("dd-api-key", "")
        if not hmac.compare_digest(given.encode(errors="replace"), key.encode()):
            raise Refusal(403, RpcCode.PERMISSION_DENIED, "the header dd-api-key is missing or not valid")

    def delta(point: Point) -> None:
        if point.delta is False:
            raise Refusal(400, RpcCode.INVALID_ARGUMENT, f"{point.name} is cumulative: only deltas are taken")

    return OtlpMetrics(admit=keyed, judge=delta, port=port)


def _points(request: HttpRequest) -> Iterator[Point]:
    payload = otlp_codec.decompress(request.body, request.headers.get("content-encoding", ""), _PAYLOAD_BYTES)
    try:
        document = ExportMetricsServiceRequest.FromString(payload)
    except DecodeError:
        raise Refusal(400, RpcCode.INVALID_ARGUMENT, "the payload is not an OTLP metrics request") from None
    for resource_metrics in document.resource_metrics:
        resource = _texts(resource_metrics.resource.attributes)
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                yield from _of(metric, resource)


def _of(metric: Any, resource: Mapping[str, str]) -> Iterator[Point]:
    kind = metric.WhichOneof("data")
    if kind not in ("sum", "gauge"):
        raise Refusal(400, RpcCode.INVALID_ARGUMENT, f"{metric.name}: a {kind} is not expected here")
    data = getattr(metric, kind)
    temporality = data.aggregation_temporality if kind == "sum" else None
    delta = None if temporality is None else temporality == AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    for point in data.data_points:
        value = getattr(point, point.WhichOneof("value") or "as_int")
        if not point.flags:  # no recorded value: Prometheus' mark of a series that has ended
            yield Point(metric.name, float(value), delta, _texts(point.attributes), resource)


def _texts(pairs: Any) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in pairs}
