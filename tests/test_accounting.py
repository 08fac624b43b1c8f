"""docs/accounting.md, sentence by sentence, on the real collector."""

import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.doubles.otlp_codec import LogRecord
from tests.accounting import counted
from tests.collector_run import Run, batch, collector_run, record, with_uid
from tests.factories import ROOT, context, policy

collector = pytest.mark.collector
CLASSES = tuple(policy().data_classes.classes)
AUDIT = {"logger.name": "mysite.audit"}
ACCEPTED = "otelcol_receiver_accepted_log_records"
SENT, LOST = "otelcol_exporter_sent_log_records", "otelcol_exporter_send_failed_log_records"
CLOUDWATCH, ARCHIVE = "otlp_http/cloudwatch-audit", "awss3/archive-audit"


def until(condition: Callable[[], bool], seconds: float = 25.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.1)


def audit(run: Run, count: int, first: int = 0) -> None:
    """Send records of the class audit, which goes to CloudWatch and to its archive."""
    for number in range(first, first + count):
        run.send(f"r{number}", record("b", AUDIT))
    run.flush()


def at_rest(run: Run) -> None:
    until(lambda: run.collector.metric("otelcol_exporter_queue_size", data_type="logs") == 0)


def items(run: Run, end: str, kind: str) -> float:
    return run.collector.metric(f"otelcol_processor_{end}_items", processor=kind, otel_signal="logs")


def sampled_out(run: Run) -> float:
    names = re.findall(r"(probabilistic_sampler/[a-z_-]+)", run.config.read_text())
    return sum(items(run, "incoming", name) - items(run, "outgoing", name) for name in set(names))


def test_every_sentence_of_the_document_has_a_test() -> None:
    text = (ROOT / "docs" / "accounting.md").read_text()
    sentences = re.findall(r"^(\d+)\. ", text, re.MULTILINE)
    tests = [re.match(r"test_(\d+)_", name) for name in globals()]
    assert sentences == [found[1] for found in tests if found]
    assert len(sentences) > 5


@collector
def test_1_every_accepted_record_is_kept_sampled_out_or_quarantined(tmp_path: Path) -> None:
    with collector_run(context("sandbox"), tmp_path) as run:
        sent = 0
        for number in range(120):
            trace = hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()
            old = str((1_796_000_000 - number * 977) * 10**9)
            found = [
                record("b", {"logger.name": "gunicorn.access"}, severity=9, traceId=trace, timeUnixNano=old),
                record("b", AUDIT, timeUnixNano=old),
                record("b", {}),
            ]
            found += [record("b", {"note": "hmac-of=0"})] if number % 10 == 0 else []
            run.collector.send(
                batch([with_uid(item, f"{number:08x}-0000-7000-8000-{n:012x}") for n, item in enumerate(found)])
            )
            sent += len(found)

        def sides() -> tuple[float, float]:
            kept = counted(run, "tinybeans_records_kept")
            return run.collector.metric(ACCEPTED), kept + sampled_out(run) + counted(
                run, "tinybeans_records_quarantined"
            )

        until(lambda: sides() == (sent, sent))
        assert sampled_out(run) > 20
        assert counted(run, "tinybeans_records_quarantined") == 12
        assert counted(run, "tinybeans_records_accepted") == sent


@collector
def test_2_every_kept_record_was_sent_to_each_of_its_sinks(tmp_path: Path) -> None:
    with collector_run(context("sandbox"), tmp_path) as run:
        audit(run, 40)
        until(lambda: run.collector.metric(SENT, exporter=ARCHIVE) == 40)
        at_rest(run)
        assert counted(run, "tinybeans_records_kept", **{"class": "audit"}) == 40
        assert [run.collector.metric(SENT, exporter=name) for name in (CLOUDWATCH, ARCHIVE)] == [40, 40]
        assert run.collector.metric(LOST) == 0


@collector
def test_3_what_a_sink_refuses_for_good_is_counted_there_and_missing_nowhere_else(tmp_path: Path) -> None:
    with collector_run(context("sandbox"), tmp_path) as run:
        run.cloudwatch.faults.fail_next(400, count=1000)
        audit(run, 30)
        until(lambda: run.collector.metric(LOST, exporter=CLOUDWATCH, error_permanent="true") == 30)
        until(lambda: run.collector.metric(SENT, exporter=ARCHIVE) == 30)
        assert run.collector.metric(LOST, exporter=ARCHIVE) == 0


@collector
def test_4_quarantined_records_are_counted_by_class_and_reason(tmp_path: Path) -> None:
    with collector_run(context("sandbox"), tmp_path) as run:
        for number in range(3):
            run.send(f"a{number}", record("b", {**AUDIT, "note": "hmac-of=0"}))
        run.send("c", record("b", {"note": "hmac-of=0"}))
        run.flush()
        known = {"reason": "pseudonym"}
        until(lambda: counted(run, "tinybeans_records_quarantined", **known) == 4)
        assert counted(run, "tinybeans_records_quarantined", **{"class": "audit"}, **known) == 3
        assert counted(run, "tinybeans_records_quarantined", **{"class": "application"}, **known) == 1


@collector
def test_5_a_queue_is_measured_in_bytes(tmp_path: Path) -> None:
    with collector_run(context("sandbox"), tmp_path) as run:
        run.cloudwatch.stop()
        audit(run, 20)
        until(lambda: run.collector.metric("otelcol_exporter_queue_size", exporter=CLOUDWATCH) > 20 * 50)
        run.cloudwatch.start()
        run.settle(20)
        at_rest(run)


@collector
def test_6_a_successor_sends_more_than_it_accepted(tmp_path: Path) -> None:
    with collector_run(context("sandbox"), tmp_path) as run:
        run.cloudwatch.stop()
        audit(run, 50)
        until(lambda: counted(run, "tinybeans_records_kept") == 50)
        _kill(run)
        run.cloudwatch.start()
        with run.again() as successor:
            run.collector = successor
            until(lambda: successor.metric(SENT, exporter=CLOUDWATCH) >= 50)
            assert successor.metric(ACCEPTED) == 0
            assert counted(run, "tinybeans_records_kept") == 0


@collector
def test_7_what_was_on_its_way_when_a_collector_was_killed_is_sent_again(tmp_path: Path) -> None:
    with collector_run(context("sandbox"), tmp_path) as run:
        run.cloudwatch.faults.delay(3.0, count=1)
        audit(run, 5)
        time.sleep(2.0)  # the batch has left after its second, and waits in the sink
        _kill(run)
        with run.again() as successor:
            until(lambda: successor.metric(SENT, exporter=CLOUDWATCH) == 5)
            until(lambda: len(run.cloudwatch.arrived) == 10)
        assert set(Counter(_uid(item.record) for item in run.cloudwatch.arrived).values()) == {2}


@collector
def test_8_records_of_a_refused_request_are_counted_by_class_all_the_same(tmp_path: Path) -> None:
    with collector_run(context("sandbox"), tmp_path, _without_a_queue) as run:
        with pytest.raises(AssertionError, match="503"):
            audit(run, 10)
        run.waiting.clear()
        until(lambda: counted(run, "tinybeans_records_accepted") == 10)
        assert run.collector.metric(ACCEPTED) == 0
        assert run.collector.metric("otelcol_receiver_refused_log_records") == 10
        run.settle(10)


@collector
def test_9_a_counter_appears_with_its_first_event(tmp_path: Path) -> None:
    with collector_run(context("sandbox"), tmp_path) as run:
        audit(run, 1)
        until(lambda: run.metrics.last("tinybeans_records_kept") == 1)
        assert run.metrics.last(LOST) is None
        assert run.metrics.last("tinybeans_records_quarantined") is None


def _kill(run: Run) -> None:
    run.collector.process.kill()
    run.collector.process.wait()


def _uid(found: LogRecord) -> str:
    return str(found.attributes["log.record.uid"])


def _without_a_queue(document: dict[str, Any]) -> None:
    """Add a sink that refuses at once what it cannot send."""
    document["exporters"]["otlp_http/broken"] = {
        "endpoint": "http://127.0.0.1:1",
        "sending_queue": {"enabled": False},
        "retry_on_failure": {"enabled": False},
    }
    document["service"]["pipelines"]["logs/audit"]["exporters"].append("otlp_http/broken")
