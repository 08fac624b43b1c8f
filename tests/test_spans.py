"""Traces at the real collector: redacted like records, decided as a whole, and dropped where they are not proven clean."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from infra.context import Context
from infra.documents.collector import collector_config, load_fragments, spans
from infra.policy.destinations import Destination
from infra.problems import InputError
from sandbox.doubles.http_server import HttpRequest, HttpResponse, HttpServer
from tests.collector_process import Collector, executable
from tests.collector_run import collector_run, pairs
from tests.factories import ROOT, policy, settings

TRACES = {"to": ["newrelic"]}
HIDDEN = {
    "email": "nora.kindler@example.org",
    "password": "Tr0ub4dor-and-3",
    "address": "203.0.113.77",
    "bearer": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3NyJ9.c2lnbmF0dXJlLW9mLWEtdG9rZW4",
}
REQUEST = "0f5f6c3e-9c0a-4a57-8f0b-3a3d8c1e2b4d"
SECOND = 1_000_000_000


@dataclass
class Traces:
    """An OTLP intake of traces that keeps the spans it is sent."""

    requests: list[ExportTraceServiceRequest] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/v1/traces":
            with self.lock:
                self.requests.append(ExportTraceServiceRequest.FromString(gzip.decompress(request.body)))
        return HttpResponse(200, b"", {"Content-Type": "application/x-protobuf"})

    @property
    def spans(self) -> dict[str, Any]:
        """Return what arrived, by span id."""
        with self.lock:
            return {
                span.span_id.hex(): span
                for request in self.requests
                for resource in request.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            }

    @property
    def text(self) -> str:
        with self.lock:
            return "\n".join(str(request) for request in self.requests)


@dataclass
class Run:
    collector: Collector
    traces: Traces
    log: Path

    def send(self, *sent: dict[str, Any], resource: dict[str, Any] | None = None, scope: str = "django") -> None:
        shared = {"attributes": pairs({"service.name": "web", **(resource or {})})}
        body = json.dumps(
            {"resourceSpans": [{"resource": shared, "scopeSpans": [{"scope": {"name": scope}, "spans": sent}]}]}
        )
        connection = http.client.HTTPConnection(self.collector.http, timeout=10)
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/json"})
        assert connection.getresponse().status == 200
        connection.close()

    def until(self, *ids: str, seconds: float = 15.0) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while not set(ids) <= set(found := self.traces.spans):
            assert time.monotonic() < deadline, f"{sorted(found)} arrived; {self.log.read_text()[-1500:]}"
            time.sleep(0.05)
        return found


def traced(**overrides: Any) -> Context:
    """Return the sandbox's context with traces, decided after a second; `overrides` change the policy of spans."""
    classes = policy().data_classes
    quick = classes.spans.model_copy(update={"wait_seconds": 1, **overrides})
    changed = classes.model_copy(update={"spans": quick})
    found = settings("sandbox", destinations="cloudwatch,newrelic", receivers={"traces": TRACES})
    return Context(found, replace(policy(), data_classes=changed))


def none_usual() -> Any:
    percent = policy().data_classes.spans.keep_percent
    return percent.model_copy(update={"sandbox": 0.0})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    executable()
    traces, directory = Traces(), tmp_path_factory.mktemp("spans")
    server = HttpServer(traces.answer, max_body_bytes=1_000_000)
    server.start()
    where = traced(keep_percent=none_usual())
    with collector_run(where, directory, SANDBOX_NEWRELIC=server.url) as found:
        yield Run(found.collector, traces, found.collector.log)
    server.stop()


def span(number: int, trace: int, *, milliseconds: int = 5, failed: bool = False, **more: Any) -> dict[str, Any]:
    """Return a span; its id is its number, in 16 digits."""
    start = time.time_ns() - 10 * SECOND
    return {
        "traceId": f"{trace:032x}",
        "spanId": f"{number:016x}",
        "name": "GET /api/circles/",
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + milliseconds * 1_000_000),
        "status": {"code": 2 if failed else 0},
        **more,
    }


@pytest.mark.collector
def test_no_value_that_a_rule_names_leaves_in_any_part_of_a_trace(run: Run) -> None:
    everything = json.dumps(HIDDEN)
    sent = span(
        0x11,
        0x1111,
        failed=True,
        name=f"login {HIDDEN['email']}",
        traceState=f"vendor={HIDDEN['email']}",
        status={"code": 2, "message": f"bad login of {HIDDEN['email']} from {HIDDEN['address']}"},
        attributes=pairs(
            {
                "request_id": REQUEST,
                "http.response.status_code": 401,
                "client.address": HIDDEN["address"],
                "password": HIDDEN["password"],
                "note": everything,
                "nested": {"deep": [HIDDEN["email"], {"password": HIDDEN["password"]}]},
                "http.request.header.authorization": [f"Bearer {HIDDEN['bearer']}"],
                "tinybeans.redaction": "ok",
            }
        ),
        events=[
            {
                "name": f"exception for {HIDDEN['email']}",
                "timeUnixNano": str(time.time_ns()),
                "attributes": pairs(
                    {
                        "exception.message": f"no such user {HIDDEN['email']}",
                        "exception.stacktrace": f"  password = '{HIDDEN['password']}'\n  token = '{HIDDEN['bearer']}'",
                    }
                ),
            }
        ],
    )
    run.send(sent, resource={"owner": HIDDEN["email"]}, scope=f"django {HIDDEN['email']}")
    found = run.until(f"{0x11:016x}")[f"{0x11:016x}"]
    leaked = [name for name, value in HIDDEN.items() if value in run.traces.text]
    assert leaked == []
    attributes = {item.key: item.value for item in found.attributes}
    assert attributes["request_id"].string_value == REQUEST
    assert attributes["http.response.status_code"].int_value == 401
    assert found.name.startswith("login [email:")
    assert len(found.events) == 1
    assert "[email:" in found.events[0].name
    assert found.trace_state == ""
    assert not any(key.startswith("tinybeans.redaction") for key in attributes)
    assert all(value not in run.log.read_text() for value in HIDDEN.values())


@pytest.mark.collector
def test_a_trace_is_kept_whole_when_one_of_its_spans_failed_or_it_was_slow_and_dropped_whole_otherwise(
    run: Run,
) -> None:
    run.send(span(0x21, 0x2222), span(0x22, 0x2222, failed=True), span(0x23, 0x2222))
    run.send(span(0x31, 0x3333, milliseconds=2500), span(0x32, 0x3333))
    run.send(span(0x41, 0x4444), span(0x42, 0x4444))
    kept = [f"{number:016x}" for number in (0x21, 0x22, 0x23, 0x31, 0x32)]
    found = run.until(*kept)
    # Decided in the order in which they came: the last is decided by now, or within the same second.
    time.sleep(1.5)
    assert not {f"{0x41:016x}", f"{0x42:016x}"} & set(found := run.traces.spans)
    assert set(kept) <= set(found)


@pytest.mark.collector
def test_a_span_with_links_is_dropped_because_their_attributes_cannot_be_reached(run: Run) -> None:
    link = {"traceId": f"{0x99:032x}", "spanId": f"{0x99:016x}", "attributes": pairs({"of": HIDDEN["email"]})}
    run.send(span(0x51, 0x5555, failed=True, links=[link]), span(0x52, 0x5555, failed=True))
    found = run.until(f"{0x52:016x}")
    assert f"{0x51:016x}" not in found
    assert HIDDEN["email"] not in run.traces.text


@pytest.mark.collector
@pytest.mark.parametrize("broken", ["transform/spans-redact", "redaction/pseudonyms", "transform/spans-verify"])
def test_without_one_of_its_stages_no_value_leaves(broken: str, tmp_path: Path) -> None:
    traces = Traces()
    server = HttpServer(traces.answer, max_body_bytes=1_000_000)
    server.start()

    def amend(document: dict[str, Any]) -> None:
        document["service"]["pipelines"][spans.PIPELINE]["processors"].remove(broken)

    with collector_run(traced(), tmp_path, amend, SANDBOX_NEWRELIC=server.url) as found:
        run = Run(found.collector, traces, found.collector.log)
        hidden = pairs({"note": f"{HIDDEN['email']} {HIDDEN['address']}"})
        run.send(span(0x61, 0x6666, failed=True, attributes=hidden))
        time.sleep(3)
    server.stop()
    assert not any(value in traces.text for value in HIDDEN.values())
    assert f"{0x61:016x}" not in traces.spans


def test_a_stack_that_takes_no_traces_has_no_pipeline_for_them() -> None:
    found = collector_config(Context(settings("sandbox"), policy()), load_fragments(ROOT / "collector_configs"))
    assert not [name for name in found["service"]["pipelines"] if name.startswith("traces")]


def test_the_shares_and_limits_are_those_of_the_policy() -> None:
    decided = policy().data_classes.spans
    found = spans.sampling(decided, settings("prod").environment)
    by_name = {item["name"]: item for item in found["policies"]}
    assert by_name["usual"]["probabilistic"]["sampling_percentage"] == decided.keep_percent.prod
    assert by_name["slow"]["latency"]["threshold_ms"] == decided.keep_slower_than_ms
    assert found["decision_wait"] == f"{decided.wait_seconds}s"


@pytest.mark.parametrize("name", ["cloudwatch", "datadog"])
def test_spans_go_only_where_policy_and_stack_both_say(name: str) -> None:
    with pytest.raises(InputError, match=rf"receivers\.traces\.to: spans do not go to {name} from here"):
        settings("sandbox", destinations="cloudwatch,newrelic", receivers={"traces": {"to": [name]}})
    assert Destination.NEWRELIC in settings("sandbox", receivers={"traces": TRACES}).destinations
