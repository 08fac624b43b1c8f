"""The collector's own log: what it may say when everything goes wrong, and what it may never repeat."""

import http.client
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sandbox.doubles.http_server import HttpRequest
from sandbox.doubles.otlp_codec import LogRecord, Refusal, RpcCode
from sandbox.doubles.otlp_endpoint import Stored
from tests.collector_run import Run, collector_run, record
from tests.factories import context

pytestmark = pytest.mark.collector

AUDIT = {"logger.name": "mysite.audit"}
SENTINEL = "quokka7"
SECRETS = ("grandma.quokka7@example.com", "Zaphod-quokka7")
TEXT = f"{SENTINEL} wrote to {SECRETS[0]}, password={SECRETS[1]}"
ODD = {
    "text": record(TEXT, AUDIT),
    "a number that is none": record(TEXT, {**AUDIT, "n": float("nan"), SENTINEL: float("nan")}),
    "bytes": record(TEXT.encode(), {**AUDIT, "b": TEXT.encode()}),
    "a broken line": record(json.dumps({"message": TEXT})[:-3], AUDIT),
    "a list": record([TEXT, {SENTINEL: TEXT}], {**AUDIT, "list": [TEXT, None]}),
    "an attribute in place of a name": record(TEXT, {**AUDIT, "tinybeans.log.class": [TEXT], "event": {SENTINEL: 1}}),
    "withheld": record(TEXT, {**AUDIT, "note": "hmac-of=0"}),
    "a bad time": record(json.dumps({"message": TEXT, "timestamp": TEXT, "level": TEXT}), AUDIT),
}


def quoting(_: HttpRequest, records: Sequence[LogRecord]) -> Stored:
    """Refuse for good, and repeat every word of the request, as some services do."""
    raise Refusal(400, RpcCode.INVALID_ARGUMENT, f"cannot take {records}")


def post(run: Run, body: bytes, kind: str) -> int:
    connection = http.client.HTTPConnection(run.collector.http, timeout=20)
    try:
        connection.request("POST", "/v1/logs", body, {"Content-Type": kind})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def troubled(run: Run) -> Iterator[int]:
    """Send what is odd and what is malformed; yield the status of each malformed request."""
    for name, item in ODD.items():
        run.send(name, item, resource={SENTINEL: TEXT}, scope={"name": TEXT, "attributes": {SENTINEL: float("nan")}})
    run.flush()
    yield post(run, b'{"resourceLogs": "' + TEXT.encode(), "application/json")
    yield post(run, b"\x0a\xff" + TEXT.encode(), "application/x-protobuf")
    yield post(run, TEXT.encode(), "text/plain")


def said(run: Run, word: str, seconds: float = 15.0) -> str:
    """Return the collector's own log once it holds `word`."""
    deadline = time.monotonic() + seconds
    while word not in (text := run.collector.log.read_text()):
        assert time.monotonic() < deadline, text
        time.sleep(0.1)
    return text


def test_nothing_of_a_record_is_in_its_own_log_whatever_goes_wrong(tmp_path: Path) -> None:
    with collector_run(context("sandbox"), tmp_path) as run:
        run.cloudwatch.faults.fail_next(400, count=1000)
        assert list(troubled(run)) == [400, 400, 415]
        log = said(run, "Dropping data")
    assert SENTINEL not in log
    assert all(json.loads(line)["level"] in ("warn", "error") for line in log.splitlines())


def test_what_a_sink_quotes_of_a_record_is_what_it_was_sent_redacted(tmp_path: Path) -> None:
    with collector_run(context("sandbox"), tmp_path) as run:
        run.cloudwatch._store = quoting
        assert list(troubled(run)) == [400, 400, 415]
        log = said(run, "cannot take")
        log = said(run, SENTINEL)
    assert "[email:" in log, "the sink was asked to repeat everything, and the collector logs what sinks answer"
    for secret in SECRETS:
        assert secret not in log
