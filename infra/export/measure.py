"""Exported objects, measured: size, checksum, records, first and last event. A chunk at a time, whatever the size."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from infra.export.problems import ObjectChangedError

CHUNK = 1 << 20
"""Bytes that are read at once."""
EVENT = re.compile(rb"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ", re.MULTILINE)
"""How each event of an export begins; other lines belong to the event before them."""
LONGEST_START = 25
"""Bytes of such a beginning."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One exported object."""

    key: str
    size: int
    """Bytes as stored."""
    sha256: str
    """Of the bytes as stored, in hex."""
    records: int
    first_event: str | None
    last_event: str | None


def measure(key: str, chunks: Iterable[bytes]) -> Measured:
    """Return the measures of the object `key`, whose stored bytes are `chunks`.

    Raises ObjectChangedError when the bytes are no complete gzip.
    """
    size, checksum = 0, hashlib.sha256()

    def counted() -> Iterator[bytes]:
        nonlocal size
        for chunk in chunks:
            size += len(chunk)
            checksum.update(chunk)
            yield chunk

    records, first, last = 0, b"", b""
    for lines in whole_lines(unzipped(key, counted())):
        for found in EVENT.finditer(lines):
            moment = found.group(1)
            records += 1
            first = min(first, moment) if first else moment
            last = max(last, moment)
    return Measured(key, size, checksum.hexdigest(), records, first.decode() or None, last.decode() or None)


def unzipped(key: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the text of a gzip of one or more members. Raises ObjectChangedError where it is damaged or cut short."""
    inflater, began = zlib.decompressobj(wbits=31), False
    for chunk in chunks:
        data = chunk
        while data:
            if inflater.eof:
                inflater = zlib.decompressobj(wbits=31)
            try:
                text = inflater.decompress(data, CHUNK)
            except zlib.error as error:
                raise ObjectChangedError(f"{key} is damaged: it is no gzip from some byte on ({error})") from error
            began = True
            if text:
                yield text
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
    if began and not inflater.eof:
        raise ObjectChangedError(f"{key} is truncated: its gzip has no end")


def whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes, cut after line breaks; a line longer than a chunk is cut where its chunk ends.

    The rest of such a line cannot be taken for the beginning of an event: it is yielded behind a byte that none
    begins with.
    """
    rest, within = b"", False
    for chunk in chunks:
        data = rest + chunk
        cut = data.rfind(b"\n") + 1
        if not cut and len(data) > LONGEST_START + CHUNK:
            yield b"\0" + data if within else data
            rest, within = b"", True
            continue
        if cut:
            yield b"\0" + data[:cut] if within else data[:cut]
            within = False
        rest = data[cut:]
    if rest:
        yield b"\0" + rest if within else rest
