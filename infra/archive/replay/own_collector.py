"""A collector in replay mode as a child process: started beside the checkpoint, on loopback, its queue kept there."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from infra.archive.replay.errors import ReplayStoppedError
from infra.context import Context
from infra.documents.collector import dumps, load_fragments
from infra.documents.collector.replay import NAME_VARIABLE, replay_config
from infra.policy.destinations import Destination
from infra.settings import Listen
from infra.settings_receivers import Receivers

STARTS_WITHIN_SECONDS, STOPS_WITHIN_SECONDS = 30.0, 30.0
_LAST_LINES = 1_500


@dataclass(frozen=True)
class OwnCollector:
    """One that runs."""

    process: subprocess.Popen[bytes]
    url: str
    """Where it takes records."""
    metrics: tuple[str, str]
    """Addresses (host:port) of its own metrics and of its counts by class and reason."""
    log: Path

    def ended(self) -> str:
        """Return that and how it ended by itself; empty while it runs."""
        status = self.process.poll()
        return "" if status is None else f"the collector ended with status {status}; {self.log} says why"


@contextmanager
def own_collector(
    executable: Path,
    context: Context,
    sink: Destination,
    root: Path,
    directory: Path,
    variables: Mapping[str, str],
    name: str,
) -> Iterator[OwnCollector]:
    """Run `executable` in replay mode to `sink` until the block ends; its queue in `directory` outlives it.

    One that an earlier run left behind is ended first, for it holds the queue. Raises ReplayStoppedError when the
    collector does not come up.
    """
    _end_left_behind(directory)
    health, door, loopback, loggly, metrics, counts = (f"127.0.0.1:{port}" for port in _free_ports(6))
    config = directory / "collector.yaml"
    listen = Listen(
        http=door,
        health=health,
        loopback=loopback,
        loggly=loggly,
        metrics_port=int(metrics.rsplit(":", 1)[1]),
        counts_port=int(counts.rsplit(":", 1)[1]),
    )
    config.write_text(
        dumps(
            replay_config(_here(context, listen, directory), load_fragments(root / "collector_configs"), sink),
            stack=context.environment,
        )
    )
    log = directory / "collector.log"
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 - the collector that the caller named
            [str(executable), f"--config=file:{config}"],
            env={**variables, NAME_VARIABLE: name},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the replay, which then ends the collector in order
        )
    _pid_file(directory).write_text(str(process.pid))
    try:
        _wait(process, health, log)
        yield OwnCollector(process, f"http://{door}", (metrics, counts), log)
    finally:
        _end(process)
        _pid_file(directory).unlink(missing_ok=True)


def _here(context: Context, listen: Listen, directory: Path) -> Context:
    """Return `context` with the collector on this machine: its addresses, its directory, no TLS on loopback."""
    collector = context.settings.collector.model_copy(
        update={"listen": listen, "data_directory": str(directory / "data")}
    )
    return replace(
        context, settings=context.settings.model_copy(update={"collector": collector, "receivers": Receivers()})
    )


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for item in found:
            item.bind(("127.0.0.1", 0))
        return [int(item.getsockname()[1]) for item in found]


def _wait(process: subprocess.Popen[bytes], health: str, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection(health, timeout=1)
        try:
            connection.request("GET", "/")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            time.sleep(0.05)
        finally:
            connection.close()
    last = log.read_text(errors="replace")[-_LAST_LINES:]
    raise ReplayStoppedError(f"the collector did not come up within {STARTS_WITHIN_SECONDS:g} s: {last}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOPS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _pid_file(directory: Path) -> Path:
    return directory / "collector.pid"


def _end_left_behind(directory: Path) -> None:
    """End the collector that a killed replay left running on this directory; its command line must say that it is it."""
    try:
        pid = int(_pid_file(directory).read_text())
    except (FileNotFoundError, ValueError):
        return
    deadline = time.monotonic() + STOPS_WITHIN_SECONDS
    how = signal.SIGTERM
    while str(directory / "collector.yaml") in _command(pid):
        if time.monotonic() > deadline:
            how = signal.SIGKILL
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            return
        time.sleep(0.2)


def _command(pid: int) -> str:
    """Return the command line of a process; empty where there is none."""
    proc = Path("/proc")
    if proc.joinpath("self").exists():
        with contextlib.suppress(OSError):
            return proc.joinpath(str(pid), "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    ps = ["ps", "-ww", "-o", "command=", "-p", str(pid)]  # macOS
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout  # noqa: S603
