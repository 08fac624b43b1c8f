"""A real collector for tests: started with random loopback ports, waited for, always stopped."""

from __future__ import annotations

import functools
import http.client
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.doubles.aws_clients import AwsCredentials
from sandbox.ending import end
from sandbox.tools.errors import ToolMissingError
from sandbox.tools.locate import locate

STARTS_WITHIN_SECONDS = 60.0
CREDENTIALS = AwsCredentials("AKIAEXAMPLEEXAMPLE00", "made-up")
PEPPER = "a-pepper-made-up-for-these-tests-only-0123456789"


@functools.cache
def executable() -> Path:
    """Return the collector; a test that needs it is skipped, with the reason, where it cannot be had."""
    if given := os.environ.get("OTELCOL"):
        return Path(given)
    try:
        return locate("otelcol", obtain=False)
    except ToolMissingError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no collector: {error}")


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which every rendered configuration resolves: made-up keys, and no way to a cloud."""
    return {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key_id,
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_access_key,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1",
        "REDACTION_PEPPER": PEPPER,
        "DATADOG_API_KEY": "made-up-datadog",
        "NEW_RELIC_LICENSE_KEY": "made-up-newrelic",
        "ELASTIC_API_KEY": "made-up-elastic",
        **more,
    }


@dataclass(frozen=True)
class Collector:
    """One that runs: where to send to, and what it said."""

    process: subprocess.Popen[bytes]
    http: str
    metrics_url: str
    log: Path

    def send(self, *batches: Mapping[str, Any]) -> None:
        """Send `batches` (resourceLogs of OTLP JSON) as one request; anything but 200 is an error."""
        connection = http.client.HTTPConnection(self.http, timeout=20)
        try:
            body = json.dumps({"resourceLogs": batches}, allow_nan=False)
            connection.request("POST", "/v1/logs", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
            assert answer.status == 200, f"the collector answered {answer.status}: {text}"
        finally:
            connection.close()

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples with these labels; 0 where there is none."""
        connection = http.client.HTTPConnection(urlsplit(self.metrics_url).netloc, timeout=10)
        try:
            connection.request("GET", "/metrics")
            page = connection.getresponse().read().decode()
        finally:
            connection.close()
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        lines = [line for line in page.splitlines() if re.match(rf"{name}[{{ ]", line)]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(item in line for item in wanted))


@contextmanager
def running(
    config: Path,
    variables: Mapping[str, str],
    directory: Path,
    *,
    health: str,
    http_address: str,
    metrics_port: int,
    arguments: Sequence[str] = (),
) -> Iterator[Collector]:
    """Run the collector on `config` until the block ends; its own log is in `directory`."""
    log = directory / "collector.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [str(executable()), f"--config=file:{config}", *arguments],
            env=environment(**variables),
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, health, log)
        yield Collector(process, http_address, f"http://127.0.0.1:{metrics_port}/metrics", log)
    finally:
        end(process)


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the collector ended with {process.returncode}: {log.read_text()[-3000:]}")
        try:
            connection = http.client.HTTPConnection(address, timeout=1)
            connection.request("GET", "/")
            status = connection.getresponse().status
            connection.close()
            if status == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the collector was not healthy within {STARTS_WITHIN_SECONDS:g} s: {log.read_text()[-3000:]}")
