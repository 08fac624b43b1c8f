"""The second way: the official release, believed only when it matches the release's own checksum file."""

import hashlib
import http.client
import queue
import tarfile
import threading
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from shutil import copyfileobj
from typing import IO
from urllib.parse import urlsplit

from sandbox.tools.catalogue import Release, Tool, this_platform
from sandbox.tools.errors import Tell, WayFailedError

# From the start of the name look-up to the last byte of the checksum file: what a closed network costs.
ANSWER_SECONDS = 5.0
# Without a byte for this long, a download is given up.
_STALL_SECONDS = 30.0
_CHUNK_BYTES = 1 << 20
_CHECKSUM_FILE_BYTES = 1 << 20


def fetch(tool: Tool, into: Path, tell: Tell) -> str:
    """Put the release's files into `into`/bin and return the URL that they came from.

    The archive is unpacked only after its SHA-256 equals the one in the release's checksum file.

    Raises:
        WayFailedError: no release for this machine, no answer, a wrong checksum, or an archive without the program.
    """
    if tool.release is None:
        raise WayFailedError("this tool has no official release that fits")
    words = _words(tool, tool.release)
    folder, archive = tool.release.folder.format(**words), tool.release.archive.format(**words)
    sums_url = f"{folder}/{tool.release.checksums.format(**words)}"
    tell(f"asking {urlsplit(folder).netloc} for {archive}")
    try:
        sums = _within(ANSWER_SECONDS, lambda: _read_small(sums_url))
        expected = _expected(sums, archive, sums_url)
        packed = into / "archive"
        actual = _download(f"{folder}/{archive}", packed, tell)
    except (OSError, http.client.HTTPException) as error:
        raise WayFailedError(f"could not get {folder}/{archive}: {_reason(error)}") from error
    if actual != expected:
        packed.unlink()
        raise WayFailedError(f"refused {archive}: its SHA-256 is {actual}, but {sums_url} says {expected}")
    tell(f"unpacking {archive}")
    try:
        executable = tool.release.executable.format(**words)
        _unpack(packed, archive, executable, tool.release.companions, into / "bin", tool.name)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, zlib.error) as error:
        raise WayFailedError(f"{archive} cannot be unpacked: {error}") from error
    packed.unlink()
    return f"{folder}/{archive}"


def _words(tool: Tool, release: Release) -> dict[str, str]:
    system, architecture = this_platform()
    if system not in {"linux", "darwin"} or architecture not in {"amd64", "arm64"}:
        raise WayFailedError(f"there is no release for {system} on {architecture}")
    arch = release.amd64 if architecture == "amd64" else architecture
    return {"version": tool.version, "os": system, "arch": arch}


def _within(seconds: float, work: Callable[[], str]) -> str:
    """Return what `work` returns, or raise what it raises, or TimeoutError.

    A socket's timeout starts anew with each address and each read and does not cover the name look-up,
    so the whole exchange gets one deadline; a daemon thread that hangs in it does not keep Python alive.
    """
    answers: queue.SimpleQueue[str | OSError | http.client.HTTPException] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(work())
        except (OSError, http.client.HTTPException) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if isinstance(answer, str):
        return answer
    raise answer


def _open(url: str, seconds: float) -> http.client.HTTPResponse:
    _insist_on_https(url)
    response: http.client.HTTPResponse = urllib.request.urlopen(url, timeout=seconds)  # noqa: S310 - checked above
    try:
        _insist_on_https(response.url)  # where redirects led
    except OSError:
        response.close()
        raise
    return response


def _insist_on_https(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname != "127.0.0.1":
        raise OSError(f"{url} is not https")


def _read_small(url: str) -> str:
    with _open(url, ANSWER_SECONDS) as response:
        return response.read(_CHECKSUM_FILE_BYTES).decode("utf-8", "replace")


def _expected(sums: str, archive: str, sums_url: str) -> str:
    for line in sums.splitlines():
        digest, _, name = line.partition(" ")
        if name.strip().removeprefix("*") == archive:
            return digest.lower()
    raise WayFailedError(f"{sums_url} does not mention {archive}")


def _download(url: str, target: Path, tell: Tell) -> str:
    digest, done, told = hashlib.sha256(), 0, 0
    with _open(url, _STALL_SECONDS) as response, target.open("wb") as file:
        total = int(response.headers.get("Content-Length") or 0)
        while chunk := response.read(_CHUNK_BYTES):
            file.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            if done - told >= 5 * _CHUNK_BYTES:
                told = done
                tell(f"downloaded {done / 1e6:.0f} of {total / 1e6:.0f} MB")
    if total and done != total:
        raise OSError(f"the connection ended after {done} of {total} bytes")
    return digest.hexdigest()


def _unpack(packed: Path, name: str, executable: str, companions: str, into: Path, program: str) -> None:
    into.mkdir()
    unpacked = _from_zip(packed) if name.endswith(".zip") else _from_tar(packed)
    for member, content in unpacked:
        is_program = member == executable
        if not (is_program or fnmatchcase(member, companions)):
            continue
        # Only the last name: no member can land outside `into`.
        target = into / (program if is_program else Path(member).name)
        with content, target.open("wb") as file:
            copyfileobj(content, file, _CHUNK_BYTES)
        target.chmod(0o755)
    if not (into / program).exists():
        raise tarfile.ReadError(f"there is no {executable} in it")


def _from_tar(packed: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the plain files in an archive, each to be read before the next is asked for."""
    with tarfile.open(packed, "r:gz") as archive:
        for member in archive:
            if member.isfile() and (content := archive.extractfile(member)) is not None:
                yield member.name, content


def _from_zip(packed: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(packed) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                yield member.filename, archive.open(member)


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        return str(error.reason)
    return str(error) or type(error).__name__
