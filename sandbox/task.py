"""Playing ECS: what the deployed task definition says is what runs, with the real collector in the container's place."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.documents.container import CONTAINER
from sandbox.doubles.cloud import RunningCloud

STARTS_WITHIN_SECONDS = 30.0
STOPS_WITHIN_SECONDS = 20.0


@dataclass(frozen=True)
class TaskSpec:
    """The collector's container as ECS would start it."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    """Plain variables and secrets, the latter fetched from Secrets Manager by the ARNs in the definition."""


class CollectorFailedError(Exception):
    """The collector did not start, or ended by itself; its last lines are in the message."""


def task_spec(ecs: Any, secretsmanager: Any, definition_name: str) -> TaskSpec:
    """Return the collector container of a task definition, secrets resolved as ECS does.

    `definition_name` is a family, for its newest revision, or the ARN of one revision.
    """
    definition = ecs.describe_task_definition(taskDefinition=definition_name)["taskDefinition"]
    container = next(item for item in definition["containerDefinitions"] if item["name"] == CONTAINER)
    plain = {item["name"]: item["value"] for item in container.get("environment", [])}
    resolved = {
        item["name"]: secretsmanager.get_secret_value(SecretId=item["valueFrom"])["SecretString"]
        for item in container.get("secrets", [])
    }
    return TaskSpec(tuple(container["command"]), {**plain, **resolved})


@dataclass
class RunningCollector:
    """A collector process and where it can be reached."""

    process: subprocess.Popen[bytes]
    otlp_http: str
    metrics: str
    log: Path

    def output(self) -> str:
        """Return everything the collector wrote about itself."""
        return self.log.read_text(errors="replace")

    def metrics_page(self) -> str:
        """Return the collector's own metrics in Prometheus' text format."""
        with urllib.request.urlopen(self.metrics, timeout=5) as answer:  # noqa: S310 - loopback
            return str(answer.read().decode())


@contextmanager
def running_collector(
    executable: Path, spec: TaskSpec, addresses: Mapping[str, str], directory: Path, base_environment: Mapping[str, str]
) -> Iterator[RunningCollector]:
    """Run the collector with the container's command and environment, `addresses` being what `addresses()` returned.

    Yields once its health endpoint answers. Raises CollectorFailedError when it does not within 30 s.
    """
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "collector.log"
    environment = {**base_environment, **spec.environment, **addresses}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [str(executable), *spec.command],
            env=environment,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = RunningCollector(
        process,
        f"http://{addresses['SANDBOX_OTLP_HTTP']}",
        f"http://127.0.0.1:{addresses['SANDBOX_METRICS_PORT']}/metrics",
        log,
    )
    try:
        _wait_until_healthy(running, f"http://{addresses['SANDBOX_HEALTH']}/")
        yield running
    finally:
        _stop(process)


def _wait_until_healthy(running: RunningCollector, url: str) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            raise CollectorFailedError(
                f"the collector ended with status {running.process.returncode}:\n{_tail(running)}"
            )
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - loopback
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise CollectorFailedError(f"the collector was not healthy within {STARTS_WITHIN_SECONDS:g} s:\n{_tail(running)}")


def _tail(running: RunningCollector, lines: int = 15) -> str:
    return "\n".join(running.output().splitlines()[-lines:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the collector as ECS does: SIGTERM, then SIGKILL to whatever is left."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOPS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def addresses(cloud: RunningCloud, ports: list[int], data: Path) -> dict[str, str]:
    """Return the SANDBOX_* variables of Pulumi.sandbox.yaml (where the collector listens, where its sinks are), and
    where S3 is for a configuration that is an object there.
    """
    grpc, http, health, metrics, counts, loopback = ports
    data.mkdir(parents=True, exist_ok=True)
    return {
        "SANDBOX_DATA": str(data),
        "SANDBOX_OTLP_GRPC": f"127.0.0.1:{grpc}",
        "SANDBOX_OTLP_HTTP": f"127.0.0.1:{http}",
        "SANDBOX_HEALTH": f"127.0.0.1:{health}",
        "SANDBOX_LOOPBACK": f"127.0.0.1:{loopback}",
        "SANDBOX_METRICS_PORT": str(metrics),
        "SANDBOX_COUNTS_PORT": str(counts),
        "SANDBOX_CLOUDWATCH_LOGS": cloud.cloudwatch_logs_endpoint.removesuffix("/v1/logs"),
        "SANDBOX_S3": cloud.aws_endpoint,
        # Where the AWS SDK finds S3: the task definition names Amazon's own address, as everywhere else.
        "AWS_ENDPOINT_URL_S3": cloud.aws_endpoint,
        **{f"SANDBOX_{name.upper()}_METRICS": intake.url for name, intake in cloud.metrics.items()},
        **{f"SANDBOX_{name.upper()}": intake.url.removesuffix("/v1/logs") for name, intake in cloud.intakes.items()},
    }
