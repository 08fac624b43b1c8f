"""What is handed over: a directory of files, each encrypted with age as it is made.

Nothing is ever written in the clear: what a crash leaves behind is a directory `<OUT>.partial` of ciphertext without
its end, and the next run removes it.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyrage

from infra.problems import InputError, Problem

PARTIAL = ".partial"


@dataclass(frozen=True)
class Sealed:
    """One encrypted file: digests are SHA-256 in hex, sizes in bytes."""

    name: str
    plain_sha256: str
    plain_bytes: int
    sealed_sha256: str
    sealed_bytes: int


def recipient(key: str) -> "pyrage.x25519.Recipient":
    """Return the recipient that `key` names. Raises InputError where it is no age key, or a secret one."""
    allowed = "a public key of age, age1...; `age-keygen` makes one, and the person keeps the other half"
    if key.upper().startswith("AGE-SECRET-KEY"):
        raise InputError([Problem("command line", "KEY", "a secret key; it was not used", allowed)])
    try:
        return pyrage.x25519.Recipient.from_str(key)
    except pyrage.RecipientError:
        raise InputError([Problem("command line", "KEY", "no age recipient", allowed)]) from None


def refuse_existing(out: Path) -> None:
    """Raise InputError where something is at `out` already."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError([Problem("command line", "OUT", "exists already", "a directory that is new or empty")])


@contextmanager
def packet(out: Path) -> Iterator[Path]:
    """Yield a directory that becomes `out` when the block ends well, and vanishes when it does not.

    Raises InputError where `out` exists already.
    """
    refuse_existing(out)
    partial = out.with_name(out.name + PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    try:
        yield partial
        os.replace(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def seal(directory: Path, name: str, pieces: Iterable[bytes], to: "pyrage.x25519.Recipient") -> Sealed:
    """Write `pieces` to `<name>.age`, encrypted as they come. What `pieces` raises comes through as it is."""
    source = _Pulled(pieces)
    path = directory / f"{name}.age"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        sink = _Counted(file)
        try:
            pyrage.encrypt_io(source, sink, [to])
        except pyrage.EncryptError:
            if source.raised is not None:
                raise source.raised from None
            raise
    return Sealed(path.name, source.sha256.hexdigest(), source.size, sink.sha256.hexdigest(), sink.size)


class _Pulled:
    """A stream that pyrage reads, made of pieces; it remembers what they raised, for pyrage keeps only the text."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.sha256, self.size = hashlib.sha256(), 0
        self.raised: BaseException | None = None
        self._pieces, self._left = iter(pieces), b""

    def read(self, size: int = -1) -> bytes:
        while not self._left:
            try:
                piece = next(self._pieces, None)
            except BaseException as error:
                self.raised = error
                raise
            if piece is None:
                return b""
            self._left = piece
        given = self._left if size < 0 else self._left[:size]
        self._left = self._left[len(given) :]
        self.sha256.update(given)
        self.size += len(given)
        return given


class _Counted:
    """A file that counts and hashes what is written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.sha256, self.size, self._file = hashlib.sha256(), 0, file

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        self.size += len(data)
        self._file.write(data)
        return len(data)

    def flush(self) -> None:
        self._file.flush()
