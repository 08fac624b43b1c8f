"""One configuration, one load: how many records the collector took, and what they cost it.

    lines = Path("tinybeans_app.jsonl").read_text().splitlines()
    found = measure(locate("otelcol"), config, payloads(lines * 20), rounds=40, environment={...}, gogc=400)
    print(found.records_per_cpu_second, found.peak_rss_bytes)

`config` is a whole collector configuration with a receiver `otlp` and, to measure everything before it, an exporter
that throws away: `{"debug": {"verbosity": "basic"}}` prints nothing while service.telemetry.logs.level is warn.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.perf import load
from sandbox.perf.process import CollectorFailedError, running
from sandbox.ports import free_ports

ACCEPTED = "otelcol_receiver_accepted_log_records"
WARM_UP_ROUNDS = 1


@dataclass(frozen=True)
class Measured:
    """What one run cost. The warm-up is in neither records nor CPU seconds, but in the peak of memory."""

    records: int
    """Accepted by the collector's receivers, by its own counter."""
    cpu_seconds: float
    """User and system time of the collector's process, until it rested again."""
    peak_rss_bytes: int
    refusals: int
    """Requests that it asked to send again."""

    @property
    def records_per_cpu_second(self) -> float:
        """Return the throughput of one core."""
        return self.records / self.cpu_seconds

    @property
    def microseconds_per_record(self) -> float:
        """Return the CPU time (µs) of one record."""
        return self.cpu_seconds / self.records * 1_000_000


def measure(
    executable: Path,
    config: Mapping[str, Any],
    payloads: Sequence[bytes],
    *,
    rounds: int,
    environment: Mapping[str, str],
    gogc: int = 100,
) -> Measured:
    """Return what it costs the collector to take `payloads` (OTLP logs requests, protobuf) `rounds` times.

    The addresses of the receiver `otlp` (HTTP and gRPC), of health_check and of the metrics page are replaced by free
    ports of 127.0.0.1; `environment` holds the variables that the rest of `config` refers to. `gogc` is Go's GOGC
    (percent; 100 is Go's own). Wall time plays no part, so other work on the machine hardly disturbs; runs below a
    few CPU seconds are coarse, for the kernel counts in ticks of 10 ms.

    Raises CollectorFailedError when the collector does not start, ends, or took another number of records than were
    sent; load.LoadRefusedError when it answers with an error that is not retryable.
    """
    http_port, grpc_port, metrics_port, health_port = free_ports(4)
    own = substituted(config, http_port, grpc_port, metrics_port, health_port)
    variables = {**environment, "GOGC": str(gogc)}
    with running(executable, own, variables, metrics_port=metrics_port, ready=http_port) as collector:
        load.send(http_port, payloads, rounds=WARM_UP_ROUNDS)
        collector.settle()
        records, cpu = collector.counter(ACCEPTED), collector.cpu_seconds()
        if not records:
            raise CollectorFailedError(f"the collector counts nothing under {ACCEPTED}: no metrics level, or no otlp")
        refusals = load.send(http_port, payloads, rounds=rounds)
        collector.settle()
        found = Measured(
            records=collector.counter(ACCEPTED) - records,
            cpu_seconds=collector.cpu_seconds() - cpu,
            peak_rss_bytes=collector.peak_rss_bytes(),
            refusals=refusals,
        )
    if found.records != records // WARM_UP_ROUNDS * rounds:
        raise CollectorFailedError(f"sent {records // WARM_UP_ROUNDS * rounds} records, accepted {found.records}")
    return found


def substituted(config: Mapping[str, Any], http: int, grpc: int, metrics: int, health: int) -> dict[str, Any]:
    """Return `config` listening on these ports of 127.0.0.1, with its own metrics served at `metrics`."""
    own = copy.deepcopy(dict(config))
    protocols = own["receivers"]["otlp"]["protocols"]
    for name, port in (("http", http), ("grpc", grpc)):
        if name in protocols:
            protocols[name] = {**(protocols[name] or {}), "endpoint": f"127.0.0.1:{port}"}
    if "health_check" in own.get("extensions", {}):
        own["extensions"]["health_check"] = {"endpoint": f"127.0.0.1:{health}"}
    page = {
        "host": "127.0.0.1",
        "port": metrics,
        "without_scope_info": True,
        "without_type_suffix": True,
        "without_units": True,
    }
    telemetry = dict(own["service"].get("telemetry", {}))
    telemetry["metrics"] = {
        "level": "normal",
        **telemetry.get("metrics", {}),
        "readers": [{"pull": {"exporter": {"prometheus": page}}}],
    }
    own["service"]["telemetry"] = {"logs": {"level": "warn"}, **telemetry}
    return own
