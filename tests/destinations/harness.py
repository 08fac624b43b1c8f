"""One collector for a sink and all cases with the same settings: started, sent to, drained, and compared."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.context import Context
from infra.documents.collector import collector_config, dumps, load_fragments
from sandbox.doubles.otlp_metrics import OtlpMetrics
from sandbox.ports import free_ports
from tests.collector_process import Collector, environment, executable, running
from tests.collector_run import Bucket
from tests.destinations.cases import Case
from tests.destinations.sinks import Arrived, Sink, doubles
from tests.factories import ROOT, context, stack_values

ARRIVES_WITHIN_SECONDS = 45.0
DESTINATIONS = {"archive": "cloudwatch"}
"""What a stack names so that a sink is used; the archive needs no naming but some destination outside a laptop."""


@dataclass(frozen=True)
class Outcome:
    """What a run left: what arrived at each sink, what the collector said, and what it prints of its configuration."""

    arrived: dict[str, Arrived]
    said: str
    printed: str
    stats: dict[str, Any]
    directory: Path
    """With the collector's queues, as it left them."""


def outcome(
    sinks: Sequence[str], settings: dict[str, Any], directory: Path, send: Callable[[Collector], None], count: int
) -> Outcome:
    """Return what comes of `send` with a collector that sends to all of `sinks`, each of which expects `count`."""
    with ExitStack() as stack:
        running_doubles = stack.enter_context(doubles(sinks, directory))
        # The archive is on whatever the destination; where it is not what is tested, somebody must still take it.
        bucket = Bucket()
        threading.Thread(target=bucket.serve_forever, args=(0.05,), daemon=True).start()
        stack.callback(bucket.shutdown)
        own = stack.enter_context(OtlpMetrics(admit=lambda _: None))
        besides = {
            "s3": f"http://127.0.0.1:{bucket.server_port}",
            "cloudwatch_metrics": own.url,
            "datadog_metrics": own.url,
        }
        with _collector(sinks, settings, directory, running_doubles, besides) as running_one:
            collector, printed = running_one
            send(collector)
            _settle(running_doubles, count, collector)
            # What must not arrive would arrive now: the collector empties its queues before it ends.
            collector.process.terminate()
            collector.process.wait(30)
            said = collector.log.read_text()
        arrived = {name: double.arrived() for name, double in running_doubles.items()}
        return Outcome(
            arrived, said, printed, {name: double.stats() for name, double in running_doubles.items()}, directory
        )


@contextmanager
def _collector(
    sinks: Sequence[str], settings: dict[str, Any], directory: Path, at: dict[str, Sink], besides: dict[str, str]
) -> Iterator[tuple[Collector, str]]:
    grpc, http, health, metrics, counts, loopback, hop = free_ports(7)
    addresses = {
        "SANDBOX_DATA": str(directory / "data"),
        "SANDBOX_OTLP_GRPC": f"127.0.0.1:{grpc}",
        "SANDBOX_OTLP_HTTP": f"127.0.0.1:{http}",
        "SANDBOX_HEALTH": f"127.0.0.1:{health}",
        "SANDBOX_LOOPBACK": f"127.0.0.1:{loopback}",
        "SANDBOX_METRICS_PORT": str(metrics),
        "SANDBOX_COUNTS_PORT": str(counts),
        "SANDBOX_LOGGLY_HOP": f"127.0.0.1:{hop}",
    }
    variables = {**addresses, **{key: value for double in at.values() for key, value in double.variables.items()}}
    stack = _stack(sinks, settings, at, besides)
    for double in at.values():
        double.prepare(stack)
    config = directory / "config.yaml"
    config.write_text(dumps(collector_config(stack, load_fragments(ROOT / "collector_configs")), stack="sandbox"))
    printed = subprocess.run(
        [str(executable()), "print-config", "--mode=redacted", f"--config=file:{config}"],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    with running(
        config,
        variables,
        directory,
        health=addresses["SANDBOX_HEALTH"],
        http_address=addresses["SANDBOX_OTLP_HTTP"],
        metrics_port=metrics,
    ) as collector:
        yield collector, printed.stdout + printed.stderr


def _stack(sinks: Sequence[str], settings: dict[str, Any], at: dict[str, Sink], besides: dict[str, str]) -> Context:
    collector = json.loads(stack_values("sandbox")["collector"])
    # Room for the queues of seven sinks.
    collector["queue"] = {**collector["queue"], "volume_gib": 20}
    endpoints = {**besides, **{key: value for double in at.values() for key, value in double.endpoints.items()}}
    names = dict.fromkeys(DESTINATIONS.get(name, name) for name in sinks)
    changed = {"collector": collector, "endpoints": endpoints, **settings}
    return context("sandbox", destinations=",".join(names), **changed)


def _settle(at: dict[str, Sink], count: int, collector: Collector) -> None:
    deadline = time.monotonic() + ARRIVES_WITHIN_SECONDS
    while short := {name: found for name, double in at.items() if (found := len(double.arrived())) < count}:
        assert time.monotonic() < deadline, f"{short} of {count} arrived; {collector.log.read_text()[-3000:]}"
        time.sleep(0.25)


def run_cases(cases: Sequence[Case], directory: Path) -> Outcome:
    """Return what comes of sending every record of `cases`, which share sink and settings."""
    requests = [request for case in cases for request in case.requests()]
    expected = sum(len(case.expected) for case in cases)

    def send(collector: Collector) -> None:
        for request in requests:
            collector.send(request)

    return outcome([cases[0].sink], cases[0].settings, directory, send, expected)


def key(case: Case) -> str:
    """Return what cases must share to share a collector."""
    return json.dumps([case.sink, case.settings], sort_keys=True)
