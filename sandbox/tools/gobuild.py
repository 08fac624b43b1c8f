"""The third way: built on this machine from published Go modules, by version."""

import collections
import os
import re
import shutil
import signal
import subprocess
import threading
from pathlib import Path

from sandbox.tools.catalogue import GoCollector, GoProgram, Tool
from sandbox.tools.errors import Tell, WayFailedError

_LEAST_GO = (1, 26)
# From 1.21 on, Go fetches a newer Go by itself when a module asks for one.
_LEAST_SWITCHING_GO = (1, 21)
# Go's own installer puts it here and leaves PATH to the user.
_GO_INSTALLER = "/usr/local/go/bin/go"
# The slowest known build takes 11 minutes on two cores; a build that takes this long hangs.
_DEADLINE_SECONDS = 3600.0
_REMEMBERED_LINES = 15


def build(tool: Tool, into: Path, log: Path, tell: Tell) -> str:
    """Build the tool into `into`/bin/<name> and return by which Go.

    Everything that Go prints goes to `log` and line by line to `tell`.

    Raises:
        WayFailedError: no Go, a Go that is too old, or a build that failed; with the last lines of its output.
    """
    if tool.go is None:
        raise WayFailedError("this tool has no Go recipe")
    go = _go()
    version = _usable_version(go)
    tell(f"building with {version}; everything that it prints goes to {log}")
    source = into / "source"
    source.mkdir()
    log.write_text("", encoding="utf-8")
    program = into / "bin" / tool.name
    if isinstance(tool.go, GoCollector):
        _build_collector(go, tool.go, source, program, log, tell)
    else:
        _build_program(go, tool.go, source, program, log, tell)
    if not program.is_file():
        raise WayFailedError(f"Go built something, but not {program.name}; see {log}")
    shutil.rmtree(source)
    return version


def _build_program(go: str, recipe: GoProgram, source: Path, program: Path, log: Path, tell: Tell) -> None:
    lines = ["module tinybeans.invalid/tools", f"go {_LEAST_GO[0]}.{_LEAST_GO[1]}"]
    lines += [f"require {path} {version}" for path, version in recipe.requires]
    lines += [f"replace {rule}" for rule in recipe.replaces]
    (source / "go.mod").write_text("\n".join(lines) + "\n", encoding="utf-8")
    # -mod=mod completes go.mod and go.sum. `go mod tidy` would want the tests' dependencies as well.
    command = [go, "build", "-mod=mod", *_flags(recipe.tags, recipe.ldflags), "-o", str(program), recipe.package]
    _run(command, source, log, tell)


def _build_collector(go: str, recipe: GoCollector, source: Path, program: Path, log: Path, tell: Tell) -> None:
    shutil.copyfile(recipe.manifest, source / "manifest.yaml")
    # Parts of another version than the Builder's are meant, hence no strict versioning. The Builder keeps the
    # compiler's output to itself, so it only writes the sources and the compiling is done here, where it shows.
    generate = ["--config", "manifest.yaml", "--skip-strict-versioning", "--skip-compilation"]
    _run([go, "run", recipe.builder, *generate], source, log, tell)
    command = [go, "build", *_flags(recipe.tags, "-s -w"), "-o", str(program), "."]
    _run(command, source / "distribution", log, tell)


def _flags(tags: str, ldflags: str) -> list[str]:
    # No VCS stamp: the cache may lie inside somebody's checkout. -v names each package as it is compiled.
    return ["-v", "-trimpath", "-buildvcs=false", f"-tags={tags}", f"-ldflags={ldflags}"]


def _go() -> str:
    found = shutil.which("go") or shutil.which(_GO_INSTALLER)
    if found is None:
        raise WayFailedError("Go is not installed (no `go` on PATH)")
    return found


def _usable_version(go: str) -> str:
    try:
        answer = subprocess.run(
            [go, "env", "GOVERSION", "GOTOOLCHAIN"], check=True, capture_output=True, text=True, timeout=60, cwd="/"
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise WayFailedError(f"{go} does not tell its version: {error}") from error
    version, _, toolchain = answer.stdout.strip().partition("\n")
    numbers = re.match(r"go(\d+)\.(\d+)", version)
    have = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    least = _LEAST_GO if toolchain == "local" else _LEAST_SWITCHING_GO
    if have < least:
        hint = " and GOTOOLCHAIN=local forbids it to fetch a newer one" if toolchain == "local" else ""
        raise WayFailedError(f"{go} is {version or 'of no known version'}, older than {least[0]}.{least[1]}{hint}")
    return version


def _run(command: list[str], folder: Path, log: Path, tell: Tell) -> None:
    """Run one Go command; raise WayFailedError with its last lines when it fails or does not end."""
    last: collections.deque[str] = collections.deque(maxlen=_REMEMBERED_LINES)
    with log.open("a", encoding="utf-8") as file:
        file.write(f"$ {' '.join(command)}\n")
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,  # so that the compilers it starts can be stopped with it
        )
        late = threading.Timer(_DEADLINE_SECONDS, _stop, [process])
        late.start()
        # Leaving `with process` waits for the process, so it has to be stopped inside.
        with process:
            try:
                for line in process.stdout or ():
                    file.write(line)
                    if line.strip():
                        last.append(line.rstrip())
                        tell(line.strip())
            except BaseException:  # an interrupt too must not leave compilers behind
                _stop(process)
                raise
            finally:
                late.cancel()
    if process.returncode != 0:
        shown = " ".join(command[:2])
        text = "\n".join(last)
        raise WayFailedError(
            f"`{shown}` ended with status {process.returncode}; all of its output is in {log}:\n{text}"
        )


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
