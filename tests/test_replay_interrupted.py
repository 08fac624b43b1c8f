"""A replay that is killed, by SIGKILL and in the middle, goes on where it was: nothing is lost, little comes twice."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.archive.replay.batch import RECORDS
from sandbox.doubles.aws_clients import aws_client
from sandbox.doubles.cloud import running_cloud
from sandbox.doubles.otlp_codec import LogRecord
from sandbox.doubles.otlp_intake import datadog
from tests.archive_fake import collected, collected_key, row, uid
from tests.factories import ROOT, context
from tests.replay_run import DATADOG_KEY, Archived, days

pytestmark = pytest.mark.collector
OBJECTS, EACH = 10, 600
RATE = 1_500
"""Records a second: the replay takes four seconds."""


CLASSES = ("audit", "security", "application")
"""One a test, so that one cloud serves them all."""
UIDS = {cls: {uid(at * 10**6 + number) for number in range(OBJECTS * EACH)} for at, cls in enumerate(CLASSES)}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archived]:
    stack, directory = context("sandbox"), tmp_path_factory.mktemp("interrupted")
    with running_cloud(region=stack.region, intakes=[datadog(DATADOG_KEY)]) as cloud:
        s3 = aws_client("s3", endpoint_url=cloud.aws_endpoint, region=stack.region)
        for at, cls in enumerate(CLASSES):
            s3.create_bucket(Bucket=stack.archive_bucket(cls))
            for number in range(OBJECTS):
                hour, first = f"{days(1)}T{number:02d}", at * 10**6 + number * EACH
                rows = [row(first + more, f"{hour}:00:00", cls=cls) for more in range(EACH)]
                s3.put_object(Bucket=stack.archive_bucket(cls), Key=collected_key(hour), Body=collected(rows))
        yield Archived(cloud, stack, s3, directory)
        for file in directory.glob("state/*/collector.pid"):  # of a collector that a failed test left behind
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(file.read_text()), signal.SIGKILL)


def asked(cls: str) -> list[str]:
    return ["--class", cls, "--from", days(1), "--to", days(1), "--to-sink", "datadog"]


def at_datadog(found: Archived, cls: str) -> dict[str, list[LogRecord]]:
    return {name: items for name, items in found.in_datadog().items() if name in UIDS[cls]}


@contextmanager
def started(found: Archived, cls: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a replay until the block ends, and then what it left behind."""
    process = subprocess.Popen(
        found.command(*asked(cls), "--rate", str(RATE)),
        cwd=ROOT,
        env=found.variables(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until_some_arrived(found: Archived, cls: str) -> None:
    deadline = time.monotonic() + 60
    while not RECORDS < (count := len(at_datadog(found, cls))) < OBJECTS * EACH - RECORDS:
        assert time.monotonic() < deadline, f"{count} arrived"
        time.sleep(0.1)


def the_collector(found: Archived, cls: str) -> int:
    (file,) = (found.directory / "state").glob(f"{cls}-*/collector.pid")
    return int(file.read_text())


def test_killed_alone_it_sends_at_most_a_batch_twice_and_ends_the_collector_it_left_behind(found: Archived) -> None:
    with started(found, "audit") as process:
        until_some_arrived(found, "audit")
        left_behind = the_collector(found, "audit")
        process.send_signal(signal.SIGKILL)
        process.wait()
    os.kill(left_behind, 0)  # it runs on, with the queue
    result = found.replay(*asked("audit"))

    assert result.exit_code == 0, result.stdout + result.stderr
    assert "1 earlier runs were killed" in result.stdout
    arrived = at_datadog(found, "audit")
    assert arrived.keys() == UIDS["audit"]
    assert sum(map(len, arrived.values())) - len(arrived) <= RECORDS
    with pytest.raises(ProcessLookupError):
        os.kill(left_behind, 0)


def test_killed_with_its_collector_it_loses_nothing_that_was_under_way(found: Archived) -> None:
    with started(found, "security") as process:
        until_some_arrived(found, "security")
        os.kill(the_collector(found, "security"), signal.SIGKILL)
        process.send_signal(signal.SIGKILL)
        process.wait()
    result = found.replay(*asked("security"))

    assert result.exit_code == 0, result.stdout + result.stderr
    arrived = at_datadog(found, "security")
    assert arrived.keys() == UIDS["security"]
    names = {item.attributes["tinybeans.replayed"] for items in arrived.values() for item in items}
    assert len(names) == 1


def test_a_sink_that_refuses_is_said_and_the_next_run_brings_what_waited(found: Archived) -> None:
    found.cloud.intakes["datadog"].faults.fail(403)
    refused = found.replay(*asked("application"), "--patience", "4")

    assert refused.exit_code == 1
    assert "the sink took nothing for 4 s" in refused.stderr
    assert "PermissionDenied" in refused.stderr
    assert not at_datadog(found, "application")
    found.cloud.intakes["datadog"].faults.clear()
    result = found.replay(*asked("application"))
    assert result.exit_code == 0, result.stdout + result.stderr
    assert at_datadog(found, "application").keys() == UIDS["application"]


def test_without_the_sink_s_key_nothing_is_sent_and_the_variable_is_named(found: Archived) -> None:
    result = found.replay(*asked("application"), "--late-days", "1", DATADOG_API_KEY="")

    assert result.exit_code == 2
    assert "DATADOG_API_KEY" in result.stderr
    assert "tinybeans/sandbox/datadog-api-key" in result.stderr
