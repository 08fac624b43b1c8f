"""Finds a tool: on PATH, else in the cache, else from its official release, else by building it."""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.cache import cache_dir
from sandbox.tools import gobuild, release
from sandbox.tools.catalogue import CATALOGUE, Tool, cache_key
from sandbox.tools.errors import Tell, ToolMissingError, WayFailedError, silent
from sandbox.tools.path_lookup import on_path
from sandbox.tools.probe import problem_with

_RECORD = "origin.json"


@dataclass(frozen=True, kw_only=True)
class Located:
    """A tool that is there: its executable, and where it came from, in words."""

    tool: Tool
    executable: Path
    origin: str

    @property
    def size(self) -> int:
        """The executable's size in bytes."""
        return self.executable.stat().st_size


def locate(tool: str | Tool, *, obtain: bool = True, tell: Tell = silent) -> Path:
    """Return the executable of a tool, named as in the catalogue, as an absolute path.

    Its directory is always named `bin`: Pulumi's `PulumiCommand(root=...)` takes `locate("pulumi").parent.parent`.
    With `obtain=False` only PATH and the cache are looked at: quick, no network, no build.

    Raises:
        KeyError: the catalogue has no tool of that name.
        ToolMissingError: no way worked; the message names each way, its reason and the next step.
    """
    return provide(CATALOGUE[tool] if isinstance(tool, str) else tool, obtain=obtain, tell=tell).executable


def provide(tool: Tool, *, obtain: bool = True, tell: Tell = silent) -> Located:
    """Like `locate`, and say where the tool came from."""
    try:
        return Located(tool=tool, executable=on_path(tool), origin="PATH")
    except WayFailedError as error:
        failures = [("PATH", str(error))]
    shelf = cache_dir() / "tools"
    home = shelf / cache_key(tool)
    if cached := _cached(tool, home):
        return cached
    if not obtain:
        raise ToolMissingError(tool, [*failures, ("cache", f"nothing in {home}")])
    shelf.mkdir(parents=True, exist_ok=True)
    with _alone(home.with_name(f"{home.name}.lock"), tool, tell):
        # Whoever held the lock before may have done the work.
        return _cached(tool, home) or _obtain(tool, home, failures, tell)


def _cached(tool: Tool, home: Path) -> Located | None:
    executable = home / "bin" / tool.name
    try:
        record: dict[str, Any] = json.loads((home / _RECORD).read_text(encoding="utf-8"))
        # A directory gets its name only when it is complete; the size also catches what a full disk
        # or a power cut left of it.
        if executable.stat().st_size != record["bytes"]:
            return None
    except (OSError, ValueError, KeyError):
        return None
    return Located(tool=tool, executable=executable, origin=f"cache, {record['origin']}")


def _obtain(tool: Tool, home: Path, failures: list[tuple[str, str]], tell: Tell) -> Located:
    log = home.with_name(f"{home.name}.log")
    ways: dict[str, Callable[[Path], str]] = {
        "official release": lambda staging: "release " + release.fetch(tool, staging, tell),
        "Go build": lambda staging: "built by " + gobuild.build(tool, staging, log, tell),
    }
    for way, get in ways.items():
        with _scratch(home) as staging:
            started = time.monotonic()
            try:
                origin = get(staging)
                _insist_on(tool, staging / "bin" / tool.name)
            except WayFailedError as error:
                failures.append((way, str(error)))
                tell(f"{way}: {str(error).splitlines()[0]}")
                continue
            _publish(tool, staging, home, origin, time.monotonic() - started)
            return Located(tool=tool, executable=home / "bin" / tool.name, origin=origin)
    raise ToolMissingError(tool, failures)


def _insist_on(tool: Tool, executable: Path) -> None:
    if problem := problem_with(tool, executable):
        raise WayFailedError(f"what came of it is not the right tool: {problem}")


@contextlib.contextmanager
def _scratch(home: Path) -> Iterator[Path]:
    """Give an empty directory beside `home`, and leave nothing of it unless it was renamed."""
    staging = home.with_name(f"{home.name}.partial")
    # The lock is ours, so whatever lies here was left by a process that died.
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _publish(tool: Tool, staging: Path, home: Path, origin: str, seconds: float) -> None:
    size = (staging / "bin" / tool.name).stat().st_size
    record = {"tool": tool.name, "version": tool.version, "origin": origin, "bytes": size, "seconds": round(seconds, 1)}
    (staging / _RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(home, ignore_errors=True)  # at most the remains that `_cached` did not accept
    staging.rename(home)


@contextlib.contextmanager
def _alone(lock: Path, tool: Tool, tell: Tell) -> Iterator[None]:
    """Hold the lock file; the system frees it when this process ends, however it ends."""
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"waiting for another process that is getting {tool.name}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
