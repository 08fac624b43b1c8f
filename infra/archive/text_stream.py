"""An object of the archive as text that is read piece by piece, with the place of whatever is wrong in it."""

import codecs
import zlib
from collections.abc import Iterable, Iterator

from infra.archive.errors import ArchiveError

PIECE_BYTES = 256 * 1024
"""How much is asked of S3, and made of it when it is unpacked, at a time."""
_GZIP = b"\x1f\x8b"


def unpacked(pieces: Iterable[bytes], bucket: str, key: str) -> Iterator[bytes]:
    """Yield the object's bytes, unpacked where they are gzip, in pieces of at most PIECE_BYTES.

    Raises ArchiveError for gzip that is broken or ends before its end, at the place up to which it was whole.
    """
    given = iter(pieces)
    first = b""
    for piece in given:
        first += piece
        if len(first) >= len(_GZIP):
            break
    if not first.startswith(_GZIP):
        yield from (piece for piece in (first, *given) if piece)
        return
    done, unpacker = 0, zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    for piece in _after(first, given):
        rest = piece
        while rest:
            if unpacker.eof:  # gzip members may follow one another (RFC 1952, 2.2)
                unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            try:
                plain = unpacker.decompress(rest, PIECE_BYTES)
            except zlib.error:
                raise ArchiveError(bucket, key, "its gzip is broken", done) from None
            rest = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
            done += len(plain)
            if plain:
                yield plain
    if not unpacker.eof:
        raise ArchiveError(bucket, key, "it is cut short: its gzip ends too early", done)


def _after(first: bytes, given: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from given


class Text:
    """Text that comes piece by piece, of which only what is being looked at is kept."""

    def __init__(self, pieces: Iterable[bytes], bucket: str, key: str) -> None:
        self.bucket, self.key = bucket, key
        self.buffer, self.at, self.ended = "", 0, False
        self._pieces = iter(pieces)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._dropped = 0

    @property
    def offset(self) -> int:
        """Return the place that is being looked at, in bytes of the unpacked object."""
        return self._dropped + len(self.buffer[: self.at].encode())

    def more(self) -> bool:
        """Take in another piece, let go of what was passed, and return whether there was any."""
        if self.ended:
            return False
        if self.at:
            self._dropped += len(self.buffer[: self.at].encode())
            self.buffer, self.at = self.buffer[self.at :], 0
        piece = next(self._pieces, None)
        self.ended = piece is None
        try:
            self.buffer += self._decoder.decode(piece or b"", final=self.ended)
        except UnicodeDecodeError:
            raise ArchiveError(self.bucket, self.key, "not UTF-8", self.offset + len(self.buffer.encode())) from None
        return not self.ended

    def wrong(self, what: str) -> ArchiveError:
        """Return the error that says `what` is wrong here."""
        return ArchiveError(self.bucket, self.key, what, self.offset)
