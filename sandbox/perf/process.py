"""A collector process under measurement: CPU seconds and memory from /proc, counters from its own metrics page."""

import http.client
import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.documents.collector.loopback import RECEIVER as WAY_BACK
from sandbox.ending import end

STARTS_WITHIN_SECONDS = 60.0
QUIET_POLLS, POLL_SECONDS = 3, 0.2
"""The process has finished when it used next to no CPU over so many polls in a row."""
QUEUES = "otelcol_exporter_queue_size"
"""What exporters still hold, what is being sent included; in whatever unit their sizers have."""
_TICKS = os.sysconf("SC_CLK_TCK")


class CollectorFailedError(Exception):
    """The collector did not start or ended by itself; the message ends with its last words."""


@dataclass(frozen=True)
class Measurable:
    """A collector that runs."""

    process: subprocess.Popen[bytes]
    metrics_port: int
    log: Path

    def cpu_seconds(self) -> float:
        """Return user and system time (s) of all its threads so far, to the kernel's tick of 10 ms (proc(5), stat)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rss_bytes(self) -> int:
        """Return the memory (bytes) that is resident now (proc(5), status, VmRSS)."""
        return self._status("VmRSS")

    def peak_rss_bytes(self) -> int:
        """Return the most memory (bytes) that ever was resident (proc(5), status, VmHWM)."""
        return self._status("VmHWM")

    def counter(self, name: str) -> int:
        """Return the sum over all series of one of its own metrics; 0 where there is none.

        What comes back into the collector by its own receiver came in before, and counts once.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=10)
        try:
            connection.request("GET", "/metrics")
            page = connection.getresponse().read().decode()
        finally:
            connection.close()
        return total(page, name)

    def settle(self, seconds: float = 120.0) -> None:
        """Wait until it rests and its queues are empty. CollectorFailedError after `seconds`, or if it ended."""
        deadline = time.monotonic() + seconds
        quiet, before = 0, self.cpu_seconds()
        while quiet < QUIET_POLLS or self.counter(QUEUES):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise CollectorFailedError(f"the collector did not come to rest: {last_words(self.log)}")
            time.sleep(POLL_SECONDS)
            now = self.cpu_seconds()
            quiet, before = (quiet + 1 if now - before <= 2 / _TICKS else 0), now

    def _status(self, name: str) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
        if found is None:
            raise CollectorFailedError(f"the collector ended: {last_words(self.log)}")
        return int(found[1]) * 1024


@contextmanager
def running(
    executable: Path, config: Mapping[str, Any], environment: Mapping[str, str], *, metrics_port: int, ready: int
) -> Iterator[Measurable]:
    """Run the collector until the block ends; it is ready once the port `ready` of 127.0.0.1 takes connections."""
    with tempfile.TemporaryDirectory(prefix="collector-") as name:
        directory = Path(name)
        path, log = directory / "config.yaml", directory / "collector.log"
        path.write_text(yaml.safe_dump(dict(config), sort_keys=False))
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [str(executable), f"--config=file:{path}"],
                env={"PATH": os.environ["PATH"], **environment},
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait(process, ready, log)
            yield Measurable(process, metrics_port, log)
        finally:
            end(process)


def total(page: str, name: str) -> int:
    """Return the sum over the series of `name` on a metrics page, without those of the collector's way back in."""
    series = re.findall(rf"^{re.escape(name)}(\{{.*\}})? (\S+)$", page, re.MULTILINE)
    return int(sum(float(value) for labels, value in series if f'receiver="{WAY_BACK}"' not in labels))


def last_words(log: Path) -> str:
    """Return the end of the collector's own log."""
    return log.read_text(errors="replace")[-2000:] if log.exists() else "(no log)"


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise CollectorFailedError(f"the collector ended with {process.returncode}: {last_words(log)}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise CollectorFailedError(f"the collector was not up within {STARTS_WITHIN_SECONDS:g} s: {last_words(log)}")
