"""A replay that is killed, by SIGKILL and in the middle, goes on where it was: nothing is lost, little comes twice."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.archive.replay.batch import RECORDS
from sandbox.doubles.aws_clients import aws_client
from sandbox.doubles.cloud import running_cloud
from sandbox.doubles.otlp_intake import datadog
from tests.archive_fake import collected, collected_key, row, uid
from tests.factories import ROOT, context
from tests.replay_run import DATADOG_KEY, Archived, days

pytestmark = pytest.mark.collector
OBJECTS, EACH = 6, 600
RATE = 1_500
"""Records a second: the replay takes about two and a half seconds."""


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Archived]:
    stack = context("sandbox")
    with running_cloud(region=stack.region, intakes=[datadog(DATADOG_KEY)]) as cloud:
        s3 = aws_client("s3", endpoint_url=cloud.aws_endpoint, region=stack.region)
        s3.create_bucket(Bucket=stack.archive_bucket("audit"))
        for number in range(OBJECTS):
            hour = f"{days(1)}T{number:02d}"
            rows = [row(number * EACH + at, f"{hour}:00:00") for at in range(EACH)]
            s3.put_object(Bucket=stack.archive_bucket("audit"), Key=collected_key(hour), Body=collected(rows))
        yield Archived(cloud, stack, s3, tmp_path)
        for file in tmp_path.glob("state/*/collector.pid"):  # of a collector that a failed test left behind
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(file.read_text()), signal.SIGKILL)


ASKED = ["--class", "audit", "--from", days(1), "--to", days(1), "--to-sink", "datadog"]


@contextmanager
def started(found: Archived) -> Iterator[subprocess.Popen[bytes]]:
    """Run a replay until the block ends, and then what it left behind."""
    process = subprocess.Popen(
        found.command(*ASKED, "--rate", str(RATE)),
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


def until_some_arrived(found: Archived) -> None:
    deadline = time.monotonic() + 60
    while not RECORDS < len(found.in_datadog()) < OBJECTS * EACH - RECORDS:
        assert time.monotonic() < deadline, f"{len(found.in_datadog())} arrived"
        time.sleep(0.05)


def the_collector(found: Archived) -> int:
    (file,) = (found.directory / "state").glob("*/collector.pid")
    return int(file.read_text())


def test_killed_alone_it_sends_at_most_a_batch_twice_and_ends_the_collector_it_left_behind(found: Archived) -> None:
    with started(found) as process:
        until_some_arrived(found)
        left_behind = the_collector(found)
        process.send_signal(signal.SIGKILL)
        process.wait()
    os.kill(left_behind, 0)  # it runs on, with the queue
    result = found.replay(*ASKED)

    assert result.exit_code == 0, result.stdout + result.stderr
    assert "1 earlier runs were killed" in result.stdout
    arrived = found.in_datadog()
    assert arrived.keys() == {uid(number) for number in range(OBJECTS * EACH)}
    assert sum(map(len, arrived.values())) - len(arrived) <= RECORDS
    with pytest.raises(ProcessLookupError):
        os.kill(left_behind, 0)


def test_killed_with_its_collector_it_loses_nothing_that_was_under_way(found: Archived) -> None:
    with started(found) as process:
        until_some_arrived(found)
        os.kill(the_collector(found), signal.SIGKILL)
        process.send_signal(signal.SIGKILL)
        process.wait()
    result = found.replay(*ASKED)

    assert result.exit_code == 0, result.stdout + result.stderr
    arrived = found.in_datadog()
    assert arrived.keys() == {uid(number) for number in range(OBJECTS * EACH)}
    names = {item.attributes["tinybeans.replayed"] for items in arrived.values() for item in items}
    assert len(names) == 1


def test_a_sink_that_refuses_is_said_and_the_next_run_brings_what_waited(found: Archived) -> None:
    found.cloud.intakes["datadog"].faults.fail(403)
    refused = found.replay(*ASKED, "--patience", "4")

    assert refused.exit_code == 1
    assert "the sink took nothing for 4 s" in refused.stderr
    assert "PermissionDenied" in refused.stderr
    assert not found.in_datadog()
    found.cloud.intakes["datadog"].faults.clear()
    result = found.replay(*ASKED)
    assert result.exit_code == 0, result.stdout + result.stderr
    assert found.in_datadog().keys() == {uid(number) for number in range(OBJECTS * EACH)}


def test_without_the_sink_s_key_nothing_is_sent_and_the_variable_is_named(found: Archived) -> None:
    result = found.replay(*ASKED, DATADOG_API_KEY="")

    assert result.exit_code == 2
    assert "DATADOG_API_KEY" in result.stderr
    assert "tinybeans/sandbox/datadog-api-key" in result.stderr
