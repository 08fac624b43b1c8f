"""Where the sandbox is that `make sandbox` keeps running, for commands in another terminal.

`python -m sandbox.running COMMAND...` runs a command in the environment in which AWS's SDKs reach that sandbox and
nothing else, and in which OTEL_EXPORTER_OTLP_ENDPOINT and the SANDBOX_* variables say where its collector and its sinks
are. The command itself needs to know of no sandbox.
"""

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""This checkout; infra.stack says the same, but takes most of a second to import before every command."""
STATE = Path(os.environ.get("SANDBOX_STATE") or ROOT / ".sandbox" / "running.json")
"""What the running sandbox says about itself; gone when it ends, and disbelieved when its process is gone.
SANDBOX_STATE names another place, for who keeps a second sandbox."""
EXIT_NOTHING_RUNS = 2


class NoSandboxError(Exception):
    """No sandbox runs; the message says how to start one."""

    def __init__(self) -> None:
        super().__init__(
            "no sandbox is running. Start one with `make sandbox` in another terminal and wait for its table; "
            "or name a stack that is deployed: STACK=dev, staging or prod, with AWS credentials for it"
        )


@dataclass(frozen=True)
class Running:
    """A sandbox that is up."""

    pid: int
    """Of the process that keeps it."""
    environment: Mapping[str, str]
    """Variables under which its cloud, its collector and its sinks are reached."""


@contextlib.contextmanager
def announced(environment: Mapping[str, str], state: Path = STATE) -> Iterator[None]:
    """Let other processes of this user find the sandbox that this process keeps, as long as the block runs."""
    state.parent.mkdir(parents=True, exist_ok=True)
    new = state.with_suffix(f".{os.getpid()}")
    # Made-up keys, but a file of keys all the same: nobody else on this machine needs to read it.
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(Running(os.getpid(), dict(environment))), file)
    new.replace(state)
    try:
        yield
    finally:
        if _read(state) == os.getpid():  # a second sandbox may have taken the place
            state.unlink(missing_ok=True)


def running(state: Path = STATE) -> Running:
    """Return the sandbox that runs. Raises NoSandboxError when none does."""
    try:
        found = json.loads(state.read_text(encoding="utf-8"))
        os.kill(found["pid"], 0)
    except (FileNotFoundError, ProcessLookupError, PermissionError, ValueError, KeyError, TypeError) as error:
        raise NoSandboxError from error
    return Running(found["pid"], found["environment"])


def surroundings(found: Running, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a command that works on `found`: none of the user's own AWS settings is in it."""
    kept = {name: value for name, value in inherited.items() if not name.startswith("AWS_")}
    return {**kept, **found.environment}


def _read(state: Path) -> int | None:
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        return int(json.loads(state.read_text(encoding="utf-8"))["pid"])
    return None


def main(command: list[str]) -> int:
    """Become `command` in the running sandbox's environment; return EXIT_NOTHING_RUNS when there is none."""
    if not command or command[0] in ("-h", "--help"):
        print("usage: python -m sandbox.running COMMAND...   runs COMMAND against the sandbox of `make sandbox`")
        return 0 if command else EXIT_NOTHING_RUNS
    try:
        environment = surroundings(running())
    except NoSandboxError as error:
        print(error, file=sys.stderr)
        return EXIT_NOTHING_RUNS
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606 - the user's own command
    except OSError as error:
        print(f"{command[0]} could not be started: {error.strerror}", file=sys.stderr)
        return EXIT_NOTHING_RUNS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
