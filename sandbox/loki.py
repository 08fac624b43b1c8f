"""A real Grafana Loki on loopback ports, as the destination `local` uses it: started, asked, stopped."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.ports import free_ports

CONFIG = Path(__file__).with_name("loki.yaml")
STARTS_WITHIN_SECONDS = 60.0
STOPS_WITHIN_SECONDS = 20.0
WEEK_SECONDS = 7 * 86_400


class LokiFailedError(Exception):
    """Loki did not start; the end of what it said is in the message."""


@dataclass(frozen=True, slots=True)
class LokiRecord:
    """One entry: its stream's labels, which are indexed, and its structured metadata, which is not."""

    time_unix_nano: int
    line: str
    labels: dict[str, str]
    metadata: dict[str, str]


@contextmanager
def running_loki(program: Path, directory: Path) -> Iterator[str]:
    """Run Loki with its data in `directory`, an existing one, and yield its base address once it is ready.

    Ready takes it about ten seconds. Raises LokiFailedError when it is not within a minute.
    """
    port, grpc = free_ports(2)
    url, log = f"http://127.0.0.1:{port}", directory / "loki.log"
    variables = {"LOKI_DATA": str(directory / "data"), "LOKI_PORT": str(port), "LOKI_GRPC_PORT": str(grpc)}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(program), f"-config.file={CONFIG}", "-config.expand-env=true"],
            env={"PATH": os.environ["PATH"], **variables},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(process, url, log)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def series(url: str) -> list[dict[str, str]]:
    """Return the label sets of all streams."""
    found: list[dict[str, str]] = _ask(url, "series")
    return found


def records(url: str) -> list[LokiRecord]:
    """Return what the collector sent in the last week, at most 5,000 records."""
    now = time.time_ns()
    window = {"start": now - WEEK_SECONDS * 10**9, "end": now + 3_600 * 10**9, "limit": 5_000}
    data = _ask(url, "query_range", query='{tinybeans_log_class=~".+"}', **window)
    return [
        LokiRecord(int(timestamp), line, stream["stream"], dict(more.get("structuredMetadata", {})))
        for stream in data["result"]
        for timestamp, line, more in stream["values"]
    ]


def _ask(url: str, what: str, **query: object) -> Any:
    # The header asks for labels and structured metadata apart (Loki HTTP API, categorize-labels).
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{url}/loki/api/v1/{what}?{urllib.parse.urlencode(query)}",
        headers={"X-Loki-Response-Encoding-Flags": "categorize-labels"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
        return json.load(answer)["data"]


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/ready", timeout=2) as answer:  # noqa: S310 - loopback
            if answer.status == 200:
                return
        time.sleep(0.2)
    raise LokiFailedError(f"Loki was not ready within {STARTS_WITHIN_SECONDS:g} s: {log.read_text()[-2000:]}")
