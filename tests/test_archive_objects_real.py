"""Archived objects are as large as policy wants them, and what waits to be packed outlives a killed collector."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from infra.context import Context
from sandbox.doubles.otlp_codec import LogRecord
from tests.collector_run import UID, Run, collector_run, record
from tests.factories import context, policy

pytestmark = pytest.mark.collector

RECORDS = 40


def packing(wait_seconds: int, close_at_bytes: int = 4_194_304) -> Context:
    """Return the sandbox, with objects as policy would have them elsewhere."""
    wanted = policy().data_classes.archive_objects
    waits = wanted.wait_seconds.model_copy(update={"sandbox": wait_seconds})
    objects = wanted.model_copy(update={"wait_seconds": waits, "close_at_bytes": close_at_bytes})
    classes = policy().data_classes.model_copy(update={"archive_objects": objects})
    return Context(context("sandbox", destinations="cloudwatch").settings, replace(policy(), data_classes=classes))


def archived(run: Run) -> list[tuple[LogRecord, ...]]:
    """Return the records of each object of the audit class."""
    return [found for path, found in run.bucket.objects.items() if "logs-audit" in path and "/otlp/" in path]


def send(run: Run, first: int, last: int) -> None:
    """Send audit records, a request each."""
    for number in range(first, last):
        run.send(f"r{number}", record("b" * 200, {"logger.name": "mysite.audit"}))
        run.flush()


def until_archived(run: Run, count: int, seconds: float) -> list[tuple[LogRecord, ...]]:
    deadline = time.monotonic() + seconds
    while sum(map(len, found := archived(run))) < count:
        assert time.monotonic() < deadline, (
            f"{sum(map(len, found))} of {count}: {run.collector.log.read_text()[-1500:]}"
        )
        time.sleep(0.05)
    return found


def test_what_waits_for_a_larger_object_is_on_disk_and_outlives_kill_nine(tmp_path: Path) -> None:
    """The wait is longer than the test: until the collector is killed, nothing but a stop can have closed the batch."""
    with collector_run(packing(wait_seconds=600), tmp_path) as run:
        send(run, 0, RECORDS)
        run.settle(RECORDS)  # every record is past the routing: CloudWatch has it, and the archive's queue
        size = run.collector.metric("otelcol_exporter_queue_size", exporter="otlp_http/hop-archive-audit")
        assert (archived(run), size > RECORDS * 200) == ([], True)
        run.collector.process.kill()
        run.collector.process.wait()
        assert archived(run) == []

        # Only so that the test need not wait for ten minutes: what was killed had the long wait.
        run.config.write_text(run.config.read_text().replace("flush_timeout: 600s", "flush_timeout: 1s"))
        with run.again():
            found = until_archived(run, RECORDS, 10)
    assert len(found) == 1
    uids = [item.attributes[UID] for item in found[0]]
    assert sorted(uids) == sorted(run.sent.values())


def test_an_object_is_closed_when_it_is_large_enough_or_has_waited_for_its_time(tmp_path: Path) -> None:
    with collector_run(packing(wait_seconds=3, close_at_bytes=8192), tmp_path) as run:
        begun = time.monotonic()
        send(run, 0, RECORDS)
        by_size = until_archived(run, 1, 2.5)
        assert time.monotonic() - begun < 3
        assert all(len(found) > 5 for found in by_size)
        until_archived(run, RECORDS, 10)
        assert time.monotonic() - begun > 2.5, "the rest had to wait"
    uids = [item.attributes[UID] for found in archived(run) for item in found]
    assert sorted(uids) == sorted(run.sent.values())
