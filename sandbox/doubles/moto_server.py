"""moto as a process of its own: AWS's control plane and PutLogEvents for the sandbox.

A subprocess and not ThreadedMotoServer in this one, for three reasons: moto keeps its state in module
globals, so two in one process would share accounts and buckets; it patches botocore and sets AWS_*
variables where it is imported, which must not reach the program under test; and its Python threads would
compete with the doubles' for this process's lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from sandbox.doubles.aws_clients import SANDBOX_CREDENTIALS

START_SECONDS = 60.0  # moto's import takes 1.5 s alone and ten times that on a laptop busy building
STOP_SECONDS = 3.0


class MotoStartError(RuntimeError):
    """Moto's process ended, or did not report its port in time. The message carries the end of its stderr."""


class MotoServer:
    """One moto process. Use as a context manager, or call start() and, in a finally, stop()."""

    def __init__(self, *, start_seconds: float = START_SECONDS) -> None:
        self._start_seconds = start_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._stderr: IO[bytes] | None = None
        self._port: int | None = None

    @property
    def endpoint(self) -> str:
        """The base URL for AWS clients, e.g. http://127.0.0.1:40123. RuntimeError before start()."""
        if self._port is None:
            raise RuntimeError("moto is not running: call start() first")
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """The process id. RuntimeError before start()."""
        if self._process is None:
            raise RuntimeError("moto is not running: call start() first")
        return self._process.pid

    def start(self) -> None:
        """Start moto and return once it listens. MotoStartError if that takes more than `start_seconds`."""
        if self._process is not None:
            raise RuntimeError("moto is already running")
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        # -P: this directory's modules must not shadow the standard library's for a script that lies in it.
        command = [sys.executable, "-P", str(Path(__file__).with_name("moto_process.py"))]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=_child_environment(),
                start_new_session=True,  # Ctrl-C reaches this process alone, which then stops moto in order
            )
            self._port = self._read_port()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End moto and its process group, and free the port. Harmless when it does not run."""
        process, self._process, self._port = self._process, None, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for one that just ended
                os.killpg(process.pid, signal.SIGKILL)  # at once: moto holds its state in memory only
            process.wait(STOP_SECONDS)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None

    def __enter__(self) -> MotoServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _read_port(self) -> int:
        if self._process is None or self._process.stdout is None:
            raise RuntimeError("moto's process has no standard output to read the port from")
        deadline = time.monotonic() + self._start_seconds
        output, line = self._process.stdout, b""
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise MotoStartError(f"moto did not listen within {self._start_seconds:g} s: {self._stderr_tail()}")
                chunk = os.read(output.fileno(), 4096)
                if not chunk:
                    raise MotoStartError(f"moto ended while starting: {self._stderr_tail()}")
                line += chunk
        return int(json.loads(line)["port"])

    def _stderr_tail(self) -> str:
        if self._stderr is None:
            return ""
        self._stderr.seek(0)
        return self._stderr.read()[-2000:].decode(errors="replace").strip()


def _child_environment() -> dict[str, str]:
    """This process's environment without its AWS and moto settings: the user's account is none of moto's business."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MOTO_")}
    return SANDBOX_CREDENTIALS.child_environment("us-east-1", inherited)
