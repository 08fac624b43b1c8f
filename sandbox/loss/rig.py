"""The real collector with doubles for its sinks: started, killed, stopped and started again on the same volume."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.context import Context
from infra.documents.collector import collector_config, dumps, load_fragments
from infra.sinks import QUARANTINE, ways
from infra.stack import ROOT
from sandbox.doubles.otlp_metrics import OtlpMetrics
from sandbox.loss.scale import Scale, scaled
from sandbox.loss.sinks import BucketSink, OtlpSink
from sandbox.ports import free_ports

STARTS_WITHIN_SECONDS, STOPS_WITHIN_SECONDS = 30.0, 60.0


class RigError(Exception):
    """The collector did not start or did not stop in time; its last lines are in the message."""


@dataclass
class Rig:
    """A collector of the sandbox stack, its volume and its sinks."""

    context: Context
    config: dict[str, Any]
    executable: Path
    directory: Path
    cloudwatch: OtlpSink
    newrelic: OtlpSink
    archive: BucketSink
    own_metrics: OtlpMetrics
    ports: dict[str, int]
    volume: Path
    process: subprocess.Popen[bytes] | None = None
    pages: list[str] = field(default_factory=list)
    """The metrics of each process that was asked before it went."""

    @property
    def address(self) -> str:
        """Return where clients send OTLP over HTTP."""
        return f"127.0.0.1:{self.ports['OTLP_HTTP']}"

    @property
    def sinks(self) -> dict[str, OtlpSink | BucketSink]:
        """Return the sinks by name."""
        return {"cloudwatch": self.cloudwatch, "newrelic": self.newrelic, "archive": self.archive}

    def expected(self) -> dict[str, set[str]]:
        """Return each kind of record with the sinks that it has to reach."""
        found = ways(self.context.settings, self.context.policy.data_classes)
        return {cls: {way.sink for way in taken} for cls, taken in found.items()}

    def kinds(self) -> list[str]:
        """Return one of each kind of record that there is a way for, quarantine last."""
        return sorted(self.expected(), key=lambda kind: kind == QUARANTINE)

    def start(self) -> None:
        """Start the collector and wait until it is healthy."""
        path = self.directory / "config.yaml"
        path.write_text(dumps(self.config, stack="sandbox"))
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(
                [str(self.executable), f"--config=file:{path}"],
                env=self.environment(),
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while self._get("HEALTH", "/") is None:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RigError(f"the collector did not come up: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End the collector as a crash does."""
        self._end(signal.SIGKILL)

    def terminate(self) -> float:
        """End the collector as ECS does and return the seconds that it took."""
        started = time.monotonic()
        self._end(signal.SIGTERM)
        return time.monotonic() - started

    def metrics(self) -> str:
        """Return the collector's own metrics; empty when it does not run."""
        return self._get("METRICS_PORT", "/metrics") or ""

    def counter(self, name: str, **labels: str) -> int:
        """Return the sum of a metric's samples with these labels in the process that runs now."""
        return counter(self.metrics(), name, **labels)

    def environment(self) -> dict[str, str]:
        """Return the variables under which a collector of this rig starts."""
        listen = {f"SANDBOX_{name}": f"127.0.0.1:{port}" for name, port in self.ports.items()}
        return {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": self.context.region,
            "REDACTION_PEPPER": "a-pepper-made-up-for-loss-trials-only-0123456789",
            "NEW_RELIC_LICENSE_KEY": "made-up",
            **listen,
            **{f"SANDBOX_{name}": str(self.ports[name]) for name in ("METRICS_PORT", "COUNTS_PORT")},
            "SANDBOX_DATA": str(self.volume),
            "SANDBOX_CLOUDWATCH_METRICS": self.own_metrics.url,
            "SANDBOX_CLOUDWATCH_LOGS": self.cloudwatch.url.removesuffix("/v1/logs"),
            "SANDBOX_NEWRELIC": self.newrelic.url.removesuffix("/v1/logs"),
            "SANDBOX_S3": self.archive.url,
        }

    @property
    def log(self) -> Path:
        """Return the file with what the collector says about itself."""
        return self.directory / "collector.log"

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        self.pages.append(self.metrics())
        self.process.send_signal(how)
        try:
            self.process.wait(STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RigError(f"the collector did not stop within {STOPS_WITHIN_SECONDS:g} s") from None
        finally:
            self.process = None

    def _get(self, port: str, path: str) -> str | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[port]}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, OSError):
            return None


def counter(page: str, name: str, **labels: str) -> int:
    """Return the sum of a metric's samples with these labels on a page in Prometheus' text format."""
    wanted = [f'{key}="{value}"' for key, value in labels.items()]
    lines = [line for line in page.splitlines() if re.match(rf"{name}[{{ ]", line)]
    return int(sum(float(line.rsplit(" ", 1)[1]) for line in lines if all(item in line for item in wanted)))


@contextmanager
def rig(context: Context, executable: Path, directory: Path, scale: Scale, volume: Path | None = None) -> Iterator[Rig]:
    """Yield a running collector with its sinks; everything ends with the block."""
    names = ("OTLP_GRPC", "OTLP_HTTP", "HEALTH", "METRICS_PORT", "COUNTS_PORT", "LOOPBACK")
    config = scaled(collector_config(context, load_fragments(ROOT / "collector_configs")), scale)
    with ExitStack() as stack:
        cloudwatch, newrelic = stack.enter_context(OtlpSink()), stack.enter_context(OtlpSink())
        archive = stack.enter_context(BucketSink())
        own_metrics = stack.enter_context(OtlpMetrics(admit=lambda _: None))
        ports: Mapping[str, int] = dict(zip(names, free_ports(len(names)), strict=True))
        found = Rig(
            context,
            config,
            executable,
            directory,
            cloudwatch,
            newrelic,
            archive,
            own_metrics,
            dict(ports),
            volume or directory / "volume",
        )
        stack.callback(found.kill)
        found.start()
        yield found
