"""Where the demo's log lines come from: the sandbox's own Django service, or a file that somebody gives."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.policy import Policy
from infra.stack import ROOT
from sandbox.demo.sensitive import Sensitive, found_by_policy

APPLICATION_SECONDS = 60
MAXIMUM_LINE_BYTES = 1_000_000
"""CloudWatch Logs takes no larger event."""


@dataclass(frozen=True)
class Lines:
    """Log lines, and the values in them that must not arrive anywhere."""

    source: str
    lines: tuple[str, ...]
    sensitive: tuple[Sensitive, ...]


class NoLinesError(Exception):
    """There is nothing to send; the message says what was tried."""


def from_application(directory: Path, repeat: int = 1) -> Lines:
    """Return what the sandbox's Django service writes while its scenario runs, with its own list of sensitive values."""
    manifest = directory / "manifest.json"
    result = subprocess.run(
        [sys.executable, "-m", "sandbox.app", "--repeat", str(repeat), "--manifest", str(manifest)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=APPLICATION_SECONDS,
        check=False,
    )
    if result.returncode != 0:
        last = result.stderr.strip().splitlines()[-1:] or ["no message"]
        raise NoLinesError(f"sandbox.app ended with status {result.returncode}: {last[0]}")
    listed = tuple(Sensitive(item["kind"], item["value"]) for item in json.loads(manifest.read_text()))
    return Lines("sandbox/app, live", tuple(result.stdout.splitlines()), listed)


def from_file(path: Path, policy: Policy) -> Lines:
    """Return the lines of `path`; what the policy recognises as sensitive in them must not arrive."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise NoLinesError(f"LOGS={path}: {error.strerror}") from None
    lines = tuple(line for line in text.splitlines() if line.strip())
    if not lines:
        raise NoLinesError(f"LOGS={path}: the file has no lines")
    if any(len(line.encode()) > MAXIMUM_LINE_BYTES for line in lines):
        raise NoLinesError(f"LOGS={path}: a line is longer than {MAXIMUM_LINE_BYTES:,} bytes")
    return Lines(path.name, lines, found_by_policy(lines, policy.redaction))
