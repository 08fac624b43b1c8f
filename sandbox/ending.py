"""Ending a process as ECS does."""

import signal
import subprocess

WITHIN_SECONDS = 15.0


def end(process: subprocess.Popen[bytes]) -> None:
    """Return once the process has ended: SIGTERM, and SIGKILL when that took longer than 15 s."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
