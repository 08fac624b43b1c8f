"""The Python environment that every `make` target runs in. Needs only the standard library of Python 3.11.

It lives in the per-user cache, so that each checkout and each branch with the same locks shares one,
and `.venv` in the checkout is a link to it.
"""

import contextlib
import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from sandbox.cache import cache_dir

_REPOSITORY = Path(__file__).parents[2]
_UV_LOCK = Path("requirements/bootstrap.lock")
_LOCK = Path("requirements/develop.lock")
_MARKER = ".ready"
# uv does not read pip's settings; these are the ones that decide where packages come from.
_PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}


class EnvironmentFailedError(Exception):
    """The environment cannot be made; the message says which step failed, and how."""


def ensure(checkout: Path) -> Path:
    """Return the environment's directory, made if need be, with `.venv` in the checkout pointing at it.

    A `.venv` that is somebody's own directory, or their link to one, is used as it is and never changed.

    Raises:
        EnvironmentFailedError: a step failed.
    """
    link = checkout / ".venv"
    if _is_foreign(link):
        if not os.access(link / "bin" / "python", os.X_OK):
            raise EnvironmentFailedError(
                f"{link} was not made by `make` and has no bin/python: remove it, and run again"
            )
        _say(f"using {link} as it is: `make` did not create it. Remove it to get one made from {_LOCK}.")
        return link
    home = apart(checkout, _LOCK)
    if not link.is_symlink() or link.readlink() != home:
        fresh = checkout / f".venv.{os.getpid()}"
        fresh.symlink_to(home)
        fresh.replace(link)
    return home


def apart(checkout: Path, lock: Path) -> Path:
    """Return the directory of an environment with what is in `lock` (relative to the checkout), made if need be.

    Raises:
        EnvironmentFailedError: a step failed.
    """
    home = cache_dir() / "environments" / _key(checkout, lock)
    if not _is_ready(home):
        with _alone(home):
            if not _is_ready(home):
                _create(home, checkout, lock)
    return home


def _key(checkout: Path, lock: Path) -> str:
    # The interpreter counts: an environment is bound to the Python that it was made with.
    parts = [sys.version.encode(), sys.base_prefix.encode(), os.uname().machine.encode()]
    parts += [(checkout / pins).read_bytes() for pins in (lock, _UV_LOCK)]
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()
    return f"python{sys.version_info.major}.{sys.version_info.minor}-{digest[:12]}"


def _is_foreign(link: Path) -> bool:
    if link.is_symlink() and ((link / _MARKER).exists() or link.readlink().is_relative_to(cache_dir())):
        return False
    return link.exists()


def _is_ready(home: Path) -> bool:
    # bin/python is a link to the interpreter, which may have been uninstalled since.
    return (home / _MARKER).exists() and (home / "bin" / "python").exists()


def _create(home: Path, checkout: Path, lock: Path) -> None:
    """Fill `home` in place, for scripts in an environment name their own path; the marker comes last."""
    started = time.monotonic()
    _say(f"making the Python environment in {home} (once per change of {lock})")
    shutil.rmtree(home, ignore_errors=True)
    base = str(getattr(sys, "_base_executable", sys.executable))
    _step("create a virtual environment", [base, "-m", "venv", str(home)], checkout)
    python = str(home / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes", "-r"]
    try:
        _step("install uv", [*pip, str(_UV_LOCK)], checkout)
        # Compiled now, once: pulumi_datadog without its .pyc files costs 20 s and 1 GB at each import.
        uv = [python, "-m", "uv", "pip", "install", "--quiet", "--python", python, "--compile-bytecode"]
        _step(
            "install the packages with uv", [*uv, "--require-hashes", "-r", str(lock)], checkout, _uv_settings(python)
        )
    except EnvironmentFailedError as error:
        _say(f"{error}\nuv did not work here; trying pip, which takes longer")
        _step("install the packages with pip", [*pip, str(lock)], checkout)
    (home / _MARKER).touch()
    _say(f"the Python environment is ready after {time.monotonic() - started:.0f} s")


def _uv_settings(python: str) -> dict[str, str]:
    """Return the environment variables that make uv use the package index that pip is set up for."""
    listing = subprocess.run([python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    settings: dict[str, str] = {}
    for line in listing.stdout.splitlines():
        name, _, value = line.partition("=")
        variable = _PIP_TO_UV.get(name.rpartition(".")[2])
        if variable and variable not in os.environ:
            plain = value.strip("'\"")
            lists = variable in {"UV_INDEX", "UV_FIND_LINKS"}
            settings[variable] = (" " if variable == "UV_INDEX" else ",").join(plain.split()) if lists else plain
    return settings


def _step(what: str, command: list[str], checkout: Path, settings: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command,
        cwd=checkout,
        env={**os.environ, **(settings or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise EnvironmentFailedError(
            f"could not {what} (status {done.returncode}): {shlex.join(command)}\n{done.stdout.strip()[-3000:]}"
        )


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    home.parent.mkdir(parents=True, exist_ok=True)
    with home.with_name(f"{home.name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _say(text: str) -> None:
    print(f"bootstrap: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        ensure(_REPOSITORY)
    except EnvironmentFailedError as error:
        _say(str(error))
        sys.exit(1)
