"""What a run needs around the collector: lines to send, variables of the configuration, and what machine this is."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.stack import ROOT
from sandbox.ports import free_ports

SAMPLES = "tinybeans_app.jsonl"
APPLICATION_SECONDS = 120
ADDRESSES = ("SANDBOX_OTLP_GRPC", "SANDBOX_OTLP_HTTP", "SANDBOX_HEALTH", "SANDBOX_LOOPBACK")
DATA = "SANDBOX_DATA"


@dataclass(frozen=True)
class Machine:
    """Where figures come from."""

    cpu: str
    cores: int
    load: float
    """Average number of runnable processes over the last minute, before the run."""


class NoLinesError(Exception):
    """There are no lines to send; the message says what was tried."""


def machine() -> Machine:
    """Return this machine."""
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return Machine(found[1] if found else "unknown", os.cpu_count() or 1, round(os.getloadavg()[0], 1))


def sample_lines(given: str | None) -> tuple[str, list[str]]:
    """Return where lines come from, and the lines: the directory `given` (TINYBEANS_SAMPLES), the samples beside the
    repository, else what the sandbox's own application writes."""
    for directory in [Path(given)] if given else [ROOT.parent / "shared" / "samples"]:
        path = directory / SAMPLES
        if path.is_file():
            return path.name, [line for line in path.read_text().splitlines() if line.strip()]
    if given:
        raise NoLinesError(f"TINYBEANS_SAMPLES: {given} has no {SAMPLES}")
    answer = subprocess.run(
        [sys.executable, "-m", "sandbox.app"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=APPLICATION_SECONDS,
        check=False,
    )
    if answer.returncode or not answer.stdout:
        raise NoLinesError(f"sandbox.app ended with status {answer.returncode} and wrote no lines")
    return "sandbox/app", [line for line in answer.stdout.splitlines() if line.strip()]


def variables(config: Mapping[str, Any], sink: str, data: Path) -> dict[str, str]:
    """Return a value for each variable that `config` refers to: free ports, `sink` for each service, made-up keys."""
    names = sorted(set(re.findall(r"\$\{env:([A-Z0-9_]+)\}", yaml.safe_dump(dict(config)))))
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    return {
        **{name: _value(name, ports[name], sink, data) for name in names},
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEEXAMPLE00",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1",
    }


def _value(name: str, port: int, sink: str, data: Path) -> str:
    if name == DATA:
        return str(data)
    if name.endswith("_PORT"):
        return str(port)
    if name in ADDRESSES:
        return f"127.0.0.1:{port}"
    return sink if name.startswith("SANDBOX_") else "made-up-for-measuring-only-0123456789abcdef"
