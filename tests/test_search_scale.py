"""A million archived records are searched in bounded memory, by the command as it is started; ten by `python -m sandbox.perf.search`."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sandbox.archives import RECORDS_A_REQUEST, USERS, objects, request_of, uid_of
from sandbox.doubles.aws_clients import SANDBOX_CREDENTIALS, aws_client
from sandbox.doubles.moto_server import MotoServer
from tests.factories import ROOT, context

pytestmark = pytest.mark.collector  # no collector runs, but it is nothing for those who want quick tests

MILLION, SEEN_ONE_BY_ONE = 1_000_000, 40_000
DAY = dt.datetime(2026, 11, 10, tzinfo=dt.UTC)
MEMORY_BYTES = 300 * 1024**2


@dataclass(frozen=True)
class Measured:
    """One run of the command."""

    rows: list[dict[str, str]]
    said: str
    peak_bytes: int


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Yield S3 with a million records of a day in the sandbox's archive of security, and fewer of application."""
    which = context("sandbox")
    with MotoServer() as moto:
        s3 = aws_client("s3", endpoint_url=moto.endpoint, region=which.region, credentials=SANDBOX_CREDENTIALS)
        for cls in which.policy.data_classes.classes:
            s3.create_bucket(Bucket=which.archive_bucket(cls))
        for cls, records in (("security", MILLION), ("application", SEEN_ONE_BY_ONE)):
            for item in objects(cls=cls, start=DAY, records=records, hours=24):
                s3.put_object(Bucket=which.archive_bucket(cls), Key=item.key, Body=item.content)
        yield moto.endpoint


WATCHED = """
import atexit, sys
from infra.archive.__main__ import app
from sandbox.peak import peak_bytes
atexit.register(lambda: print(peak_bytes(), file=sys.stderr))
app()
"""
"""`python -m infra.archive`, which says last how much memory it took."""


def search(endpoint: str, *arguments: str) -> Measured:
    """Return what the command answers in a process of its own, and what that took."""
    command = [sys.executable, "-c", WATCHED, "search", *arguments, "--output", "jsonl"]
    environment = SANDBOX_CREDENTIALS.child_environment("us-east-1") | {"AWS_ENDPOINT_URL": endpoint}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        out, said = process.stdout.read(), process.stderr.read()
    assert process.wait() == 0, said
    *said_lines, peak = said.splitlines()
    return Measured([json.loads(line) for line in out.splitlines()], "\n".join(said_lines), int(peak))


def test_one_request_among_a_million_records_is_found_in_bounded_memory(endpoint: str) -> None:
    number = 777_777
    request = f"request_id={request_of(number)}"
    found = search(
        endpoint, "one-request", request, "--from", "2026-11-10", "--to", "2026-11-10", "--class", "security"
    )
    first = number // RECORDS_A_REQUEST * RECORDS_A_REQUEST
    assert {row["uid"] for row in found.rows} == {uid_of(first + at) for at in range(RECORDS_A_REQUEST)}
    assert f"({MILLION:,} records)" in found.said
    assert found.peak_bytes < MEMORY_BYTES, f"{found.peak_bytes / 1024**2:.0f} MiB"


def test_records_that_the_engine_has_to_see_one_by_one_take_bounded_memory_too(endpoint: str) -> None:
    # Hardly a record is without the digit 5, so that none can be passed over for lacking it.
    found = search(
        endpoint, "one-user", "user_id=5", "--from", "2026-11-10", "--to", "2026-11-10", "--class", "application"
    )
    assert {row["uid"] for row in found.rows} == {uid_of(number) for number in range(5, SEEN_ONE_BY_ONE, USERS)}
    assert found.peak_bytes < MEMORY_BYTES, f"{found.peak_bytes / 1024**2:.0f} MiB"
