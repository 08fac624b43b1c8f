"""OTLP/HTTP from web pages, through the real collector: what is let in, what is left of it, what is thinned out."""

from __future__ import annotations

import gzip
import http.client
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from infra.documents.collector.pseudonym import PSEUDONYM_DIGITS
from infra.policy.thinning import Sampling
from sandbox.ports import free_ports
from tests.collector_process import executable
from tests.collector_run import Arrived, Run, batch, record
from tests.doors import at_least, by_body, running, stack, until
from tests.factories import policy

pytestmark = pytest.mark.collector

PAGE = "https://app.tinybeans.example"
SETTINGS = {
    "origins": [PAGE, "http://localhost:3000"],
    "services": ["tinybeans-frontend", "tinybeans-album"],
    "proxy_security_group_ids": ["sg-00000000"],
}
HALF = Sampling.model_validate(
    {
        "name": "sessions",
        "by": "session",
        "below": "ERROR",
        "keep_percent": dict.fromkeys(("sandbox", "dev", "staging", "prod"), 50),
        "reason": "A rule of the tests.",
    }
)
AS_A_PAGE = {"Content-Type": "application/json", "Origin": PAGE}
SESSIONS, EACH = 300, 3
PSEUDONYM = rf"\[session:[0-9a-f]{{{PSEUDONYM_DIGITS}}}\]"
TRACE = "5b8efff798038103d269b633813fc60c"


def asked(at: str, method: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, dict[str, str]]:
    """Return status and headers of the answer."""
    connection = http.client.HTTPConnection(at, timeout=20)
    try:
        connection.request(method, "/v1/logs", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def sent(at: str, *records: dict[str, Any], **shared: Any) -> None:
    """Send records as a page does."""
    body = json.dumps({"resourceLogs": [batch(list(records), **shared)]}).encode()
    status, _ = asked(at, "POST", AS_A_PAGE, body)
    assert status == 200


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, str]]:
    """Yield a collector that thins out half of the sessions, and where pages send to."""
    executable()
    at = f"127.0.0.1:{free_ports(1)[0]}"
    client = policy().data_classes.classes["client"].model_copy(update={"sampling": (HALF,)})
    where = stack({"browser": {**SETTINGS, "endpoint": at}}, classes={"client": client})
    with running(where, tmp_path_factory.mktemp("browser")) as found:
        yield found, at


CLAIMS: dict[str, Any] = {
    "tinybeans.log.class": "audit",
    "tinybeans.door": "firelens",
    "tinybeans.redaction": "ok",
    "log.record.uid": "01890000-0000-7000-8000-000000000000",
    "logger.name": "mysite.audit",
    "child.name": "Zaphod77",
    "nested": {"deep": [{"note": "Zaphod77"}]},
    "event": "audit.user.deleted",
    "component": "PhotoGrid",
    "exception": {"type": "TypeError", "message": "x is undefined"},
    "session.id": "s-1",
    "upload.bytes": 17,
}
FRONTEND = {"service.name": "tinybeans-frontend", "service.version": "4.2", "browser.language": "de"}


@pytest.fixture(scope="module")
def arrived(run: tuple[Run, str]) -> list[Arrived]:
    """Return what arrived of records that no rule thins out."""
    found, at = run
    sent(
        at,
        record("crashed", CLAIMS, traceId=TRACE, spanId="eee19b7ec3c1b174", eventName="audit.user.deleted"),
        resource={**FRONTEND, "owner": "Zaphod77", "service.version": {"Zaphod77": "x"}, "browser.brands": ["a"]},
        scope={"name": "Zaphod 77!", "version": "1.0", "attributes": {"who": "Zaphod77"}},
    )
    lie = {"message": "as an object", "tinybeans.log.class": "audit", "child": "Zaphod77", "component": "Album"}
    plain: list[dict[str, Any]] = [
        record(json.dumps(lie | {"message": "as a line"})),
        record(lie),
        record({"message": json.dumps(lie | {"message": "as a line in an object"})}),
        record(json.dumps(lie | {"message": "as bytes"}).encode()),
        record([json.dumps(lie | {"message": "as a list"})]),
        record("no session", {"component": "Menu"}, severity=9),
        record("an empty session", {"session_id": ""}, severity=9),
    ]
    sent(at, *plain[:5], resource=FRONTEND)
    sent(at, *plain[5:], resource={"service.name": "tinybeans-album"})
    sent(at, record("of nobody's service"), resource={"service.name": "mysite-audit"})
    sent(at, record("of a service that is no text"), resource={"service.name": ["tinybeans-album"]})
    return until(found, at_least(10))


def test_every_record_is_the_clients_and_from_a_browser_whatever_the_page_claims(arrived: list[Arrived]) -> None:
    assert {(item.cls, item.stream) for item in arrived} == {("client", "collector")}
    assert {item.record.attributes["tinybeans.door"] for item in arrived} == {"browser"}


def test_what_policy_does_not_list_is_gone_and_counted(arrived: list[Arrived]) -> None:
    crashed = by_body(arrived, "crashed").record
    assert not [item for item in arrived if "Zaphod" in item.text and not item.record.body.startswith(("text:", "["))]
    assert crashed.attributes["tinybeans.browser.removed"] == "7"
    assert crashed.attributes["component"] == "PhotoGrid"
    assert crashed.attributes["exception.type"] == "TypeError"
    assert crashed.attributes["upload.bytes"] == "17"
    assert re.fullmatch(PSEUDONYM, str(crashed.attributes["session_id"]))
    assert crashed.attributes["log.record.uid"] != CLAIMS["log.record.uid"]
    allowed = {*policy().data_classes.browsers.attributes, "session_id", "log.record.uid", "tinybeans.log.class"}
    assert set(crashed.attributes) <= allowed | {"tinybeans.door", "tinybeans.browser.removed"}


def test_a_pages_resource_and_scope_keep_what_is_listed(arrived: list[Arrived]) -> None:
    crashed = by_body(arrived, "crashed").record
    assert crashed.resource == {"service.name": "tinybeans-frontend", "browser.language": "de"}
    assert "Zaphod" not in str(crashed.scope)


def test_severity_and_trace_stay(arrived: list[Arrived]) -> None:
    crashed = by_body(arrived, "crashed").record
    assert (crashed.severity_text, crashed.trace_id, crashed.span_id) == ("ERROR", TRACE, "eee19b7ec3c1b174")


def test_an_objects_fields_pass_the_same_list(arrived: list[Arrived]) -> None:
    item = by_body(arrived, "as an object").record
    assert (item.attributes["component"], item.attributes["tinybeans.browser.removed"]) == ("Album", "2")


@pytest.mark.parametrize("message", ["as a line", "as a line in an object", "as bytes", "as a list"])
def test_a_pages_text_is_text_and_not_taken_apart(arrived: list[Arrived], message: str) -> None:
    found = [item for item in arrived if f'"{message}"' in str(item.record.body).replace("\\", "")]
    assert len(found) == 1
    assert found[0].record.body.startswith(("text: {", "["))
    assert "component" not in found[0].record.attributes


def test_a_service_that_is_not_the_browsers_is_replaced_and_marked(arrived: list[Arrived]) -> None:
    for body in ("of nobody's service", "of a service that is no text"):
        record = by_body(arrived, body).record
        assert record.resource["service.name"] == "tinybeans-frontend"
        assert record.attributes["tinybeans.problem"] == "service_name"
    assert by_body(arrived, "no session").record.resource["service.name"] == "tinybeans-album"


@pytest.mark.parametrize("body", ["no session", "an empty session"])
def test_a_record_without_a_session_is_kept(arrived: list[Arrived], body: str) -> None:
    assert "sampling.adjusted_count" not in by_body(arrived, body).record.attributes


@pytest.mark.parametrize(
    ("origin", "admitted"),
    [
        (PAGE, True),
        ("http://localhost:3000", True),
        ("https://evil.example", False),
        ("https://app.tinybeans.example.evil.example", False),
        ("http://app.tinybeans.example", False),
        ("null", False),
    ],
)
def test_only_listed_pages_may_send(run: tuple[Run, str], origin: str, admitted: bool) -> None:
    asking = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    _, headers = asked(run[1], "OPTIONS", asking | {"Access-Control-Request-Headers": "content-type"})
    assert (headers.get("access-control-allow-origin") == origin) is admitted


def test_a_header_that_is_not_listed_is_refused(run: tuple[Run, str]) -> None:
    asking = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    _, headers = asked(run[1], "OPTIONS", asking | {"Access-Control-Request-Headers": "x-tinybeans-class"})
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("compressed", [False, True])
def test_a_request_above_the_browsers_own_limit_is_refused(run: tuple[Run, str], compressed: bool) -> None:
    body = json.dumps({"resourceLogs": [batch([record("x" * 70_000)])]}).encode()
    if compressed:
        assert asked(run[1], "POST", AS_A_PAGE | {"Content-Encoding": "gzip"}, gzip.compress(body))[0] == 400
    else:
        assert asked(run[1], "POST", AS_A_PAGE, body)[0] == 400


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"resourceLogs": 7}'])
def test_what_is_no_request_is_refused_for_good(run: tuple[Run, str], body: bytes) -> None:
    status, _ = asked(run[1], "POST", AS_A_PAGE, body)
    assert status in (400, 500), "500 where the answer would repeat bytes that it cannot spell"


def test_a_form_that_needs_no_leave_of_its_page_cannot_send(run: tuple[Run, str]) -> None:
    body = json.dumps({"resourceLogs": [batch([record("forged")])]}).encode()
    assert asked(run[1], "POST", {"Content-Type": "text/plain", "Origin": "https://evil.example"}, body)[0] == 415


@pytest.mark.parametrize("what", ["bytes that are no UTF-8", "a time that cannot be"])
def test_an_odd_record_arrives(run: tuple[Run, str], what: str) -> None:
    found, at = run
    odd = record(f"{what} XX", timeUnixNano="18446744073709551615" if "time" in what else "0")
    body = json.dumps({"resourceLogs": [batch([odd], resource=FRONTEND)]}).encode()
    if "bytes" in what:
        body = body.replace(b"XX", b"\xe9")
    assert asked(at, "POST", AS_A_PAGE, body)[0] == 200
    arrived = until(found, lambda items: any(str(item.record.body).startswith(what) for item in items))
    assert by_body(arrived, what).cls == "client"


@pytest.fixture(scope="module")
def sampled(run: tuple[Run, str], arrived: list[Arrived]) -> list[Arrived]:  # noqa: ARG001 - those come first
    """Return what is left of many sessions, each with warnings and one error."""
    found, at = run
    for start in range(0, SESSIONS, 50):
        records = [
            record(kind, {"session.id": f"session-{number}"}, severity=severity)
            for number in range(start, start + 50)
            for kind, severity in (*(("seen", 13) for _ in range(EACH)), ("failed", 17))
        ]
        sent(at, *records, resource=FRONTEND)
    until(found, lambda items: sum(item.record.body == "failed" for item in items) == SESSIONS)
    processed = found.collector.metric("otelcol_processor_outgoing_items", processor="attributes/client")
    return until(found, at_least(int(processed)))


def test_whole_sessions_are_kept_or_dropped_errors_always_kept(sampled: list[Arrived]) -> None:
    seen = Counter(item.record.attributes["session_id"] for item in sampled if item.record.body == "seen")
    assert all(re.fullmatch(PSEUDONYM, str(session)) for session in seen)
    assert set(seen.values()) == {EACH}
    assert 0.35 * SESSIONS < len(seen) < 0.65 * SESSIONS
    assert sum(item.record.body == "failed" for item in sampled) == SESSIONS


def test_the_counts_on_what_is_kept_add_up_to_what_was_sent(sampled: list[Arrived]) -> None:
    counts = [item.record.attributes.get("sampling.adjusted_count") for item in sampled if item.record.body == "seen"]
    assert set(counts) == {2.0}
    assert abs(sum(float(str(count)) for count in counts) - SESSIONS * EACH) < 0.3 * SESSIONS * EACH
    failed = [item for item in sampled if item.record.body == "failed"]
    assert not [item for item in failed if "sampling.adjusted_count" in item.record.attributes]


def test_what_sampling_drops_is_counted_under_the_rules_name(sampled: list[Arrived], run: tuple[Run, str]) -> None:
    def items(end: str) -> float:
        name = f"otelcol_processor_{end}_items"
        return run[0].collector.metric(name, processor="probabilistic_sampler/client-sessions")

    kept = sum(item.record.body == "seen" for item in sampled)
    assert items("incoming") - items("outgoing") == SESSIONS * EACH - kept
