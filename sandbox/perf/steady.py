"""Two other forms of load: records at a steady rate, for memory, and lines from a file, for file_log."""

import copy
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.perf import load
from sandbox.perf.measure import ACCEPTED, Measured, substituted
from sandbox.perf.process import CollectorFailedError, running
from sandbox.perf.stages import DOOR
from sandbox.perf.surroundings import variables
from sandbox.ports import free_ports

LATE_SECONDS = 1.0
READS_WITHIN_SECONDS = 180.0


@dataclass(frozen=True)
class Held:
    """What a steady rate asked of the collector."""

    records_per_second: float
    """As accepted."""
    peak_rss_bytes: int
    cpu_cores: float
    """CPU seconds a second."""
    late_seconds: float
    """How far the sender was behind at the end."""
    refusals: int

    @property
    def sustained(self) -> bool:
        """Return whether the collector kept up: nothing was refused, and the sender was never made to wait for long."""
        return self.late_seconds < LATE_SECONDS and not self.refusals


def hold(
    executable: Path,
    config: Mapping[str, Any],
    lines: Sequence[str],
    sink: str,
    *,
    records_per_second: int,
    seconds: float,
    gogc: int = 100,
) -> Held:
    """Return what it takes to accept `records_per_second` for `seconds`, with the sinks that `config` has."""
    http, *others = free_ports(4)
    requests = load.payloads(lines)
    a_request = len(lines) / len(requests)
    with tempfile.TemporaryDirectory(prefix="perf-") as data:
        environment = {**variables(config, sink, Path(data)), "GOGC": str(gogc)}
        own = substituted(config, http, *others)
        with running(executable, own, environment, metrics_port=others[1], ready=http) as collector:
            load.send(http, requests, rounds=1)
            collector.settle()
            before, cpu, started = collector.counter(ACCEPTED), collector.cpu_seconds(), time.monotonic()
            sent = load.send_steadily(http, requests, per_second=records_per_second / a_request, seconds=seconds)
            took = time.monotonic() - started
            return Held(
                records_per_second=(collector.counter(ACCEPTED) - before) / took,
                peak_rss_bytes=collector.peak_rss_bytes(),
                cpu_cores=(collector.cpu_seconds() - cpu) / took,
                late_seconds=sent.late_seconds,
                refusals=sent.refusals,
            )


def from_file(
    executable: Path, config: Mapping[str, Any], lines: Sequence[str], sink: str, *, rounds: int, gogc: int = 100
) -> Measured:
    """Return what it costs to read `lines` `rounds` times from a file: file_log stands where `otlp` stood."""
    http, *others = free_ports(4)
    expected = len(lines) * rounds
    with tempfile.TemporaryDirectory(prefix="perf-") as name:
        data = Path(name)
        path = data / "app.log"
        path.touch()
        own = _reading(substituted(config, http, *others), path)
        environment = {**variables(config, sink, data), "GOGC": str(gogc)}
        with running(executable, own, environment, metrics_port=others[1], ready=others[1]) as collector:
            collector.settle()
            cpu = collector.cpu_seconds()
            with path.open("a") as file:
                file.writelines(f"{line}\n" for _ in range(rounds) for line in lines)
            deadline = time.monotonic() + READS_WITHIN_SECONDS
            while collector.counter(ACCEPTED) < expected:
                if time.monotonic() > deadline:
                    raise CollectorFailedError(f"{collector.counter(ACCEPTED)} of {expected} lines were read")
                time.sleep(0.5)
            collector.settle()
            return Measured(expected, collector.cpu_seconds() - cpu, collector.peak_rss_bytes(), 0)


def _reading(config: Mapping[str, Any], path: Path) -> dict[str, Any]:
    own = copy.deepcopy(dict(config))
    door = {"include": [str(path)], "start_at": "beginning", "retry_on_failure": {"enabled": True}}
    own["receivers"] = {**{key: item for key, item in own["receivers"].items() if key != DOOR}, "file_log": door}
    for item in own["service"]["pipelines"].values():
        item["receivers"] = ["file_log" if end == DOOR else end for end in item["receivers"]]
    return own
