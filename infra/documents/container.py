"""The collector's container definition, in the one form that Amazon ECS gives back.

ECS fills in and sorts what it was given; a definition that is not already so shows a change on every `up`.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from infra.documents.config_source import ConfigSource
from infra.documents.network_limits import STOP_TIMEOUT_SECONDS

CONTAINER = "collector"
VOLUME = "queues"
USER = "10001"
"""The collector image's own user. ECS makes a managed EBS volume writable for the user that the container definition
names, on Fargate too, through a group that it adds to the process (Amazon ECS Developer Guide, "Non-root user
behavior"; announced 2025-11-07): so it must be named here, and nothing has to run as root to change owners."""
GO_MEMORY_PERCENT = 80
"""Share of the task's memory at which Go collects garbage harder; the rest is for what Go does not count."""
GO_GC_PERCENT = 400
"""GOGC: how much the heap may grow before Go collects garbage. Records live for milliseconds, so a larger heap saves a
fifth of the CPU time (docs/performance.md); GOMEMLIMIT and the memory limiter bound it."""
RESTART_PERIOD_SECONDS = 60
"""A collector that ran this long is started again on the same volume, its queues intact (ECS: 60 to 1800)."""
LOG_BUFFER = "10m"
STANDARD_DIRECTORY = "/var/lib/otelcol"
"""Where the volume is mounted when the settings leave the directory to the collector's environment (`${env:NAME}`)."""


def container_definitions(
    *,
    image: str,
    memory_mib: int,
    config: ConfigSource,
    ports: Iterable[int],
    data_directory: str,
    secrets: Mapping[str, str],
    log_group: str,
    region: str,
    feature_gates: Iterable[str] = (),
) -> list[dict[str, Any]]:
    """Return the task's container definitions; `secrets` are environment variables to ARNs in Secrets Manager.

    There is no `healthCheck`: the image holds nothing but the collector, no shell to ask with. The load balancer
    asks the collector's own health endpoint, and ECS replaces a task that it reports.

    The collector's own log is `non-blocking`: its lines may be lost when CloudWatch does not take them, for the
    pipeline must not wait for its diagnostics; what happened to records is counted in metrics instead.
    """
    environment = {
        **config.environment,
        "GOGC": str(GO_GC_PERCENT),
        "GOMEMLIMIT": f"{memory_mib * GO_MEMORY_PERCENT // 100}MiB",
    }
    collector: dict[str, Any] = {
        "name": CONTAINER,
        "image": image,
        "command": [f"--config={config.uri}", *gate_arguments(feature_gates)],
        "cpu": 0,
        "essential": True,
        "user": USER,
        "readonlyRootFilesystem": True,
        "linuxParameters": {"capabilities": {"add": [], "drop": ["ALL"]}},
        "environment": [{"name": name, "value": environment[name]} for name in sorted(environment)],
        "secrets": [{"name": name, "valueFrom": secrets[name]} for name in sorted(secrets)],
        "mountPoints": [{"containerPath": data_directory, "readOnly": False, "sourceVolume": VOLUME}],
        "portMappings": [{"containerPort": port, "hostPort": port, "protocol": "tcp"} for port in sorted(set(ports))],
        "systemControls": [],
        "volumesFrom": [],
        "restartPolicy": {"enabled": True, "restartAttemptPeriod": RESTART_PERIOD_SECONDS},
        "stopTimeout": STOP_TIMEOUT_SECONDS,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": log_group,
                "awslogs-region": region,
                "awslogs-stream-prefix": CONTAINER,
                "max-buffer-size": LOG_BUFFER,
                "mode": "non-blocking",
            },
        },
    }
    return [collector]


def gate_arguments(gates: Iterable[str]) -> list[str]:
    """Return the command line arguments that open the collector's feature gates `gates`."""
    named = ",".join(gates)
    return [f"--feature-gates={named}"] if named else []


def mount_path(data_directory: str) -> str:
    """Return where the volume is mounted: `data_directory`, unless the collector is to resolve it."""
    return data_directory if data_directory.startswith("/") else STANDARD_DIRECTORY


def dumped(definitions: Iterable[Mapping[str, Any]]) -> str:
    """Return the definitions as canonical JSON: containers by name, keys sorted, nothing but what is needed."""
    in_order = sorted(definitions, key=lambda definition: str(definition["name"]))
    return json.dumps(in_order, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
