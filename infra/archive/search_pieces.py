"""An archived object as many small documents, a record each, so that no engine ever holds a whole object.

What the exporter writes is one document without a line end (several megabytes): resources, their scopes, their records.
It is cut before each record, and every piece gets the beginnings of its resource and scope again. Cut by bytes, not
parsed: a quotation mark inside JSON text is escaped, so that `{"scope":` stands nowhere but where a scope begins, and
the exporter writes a record's time first (OTLP's JSON encoding in the collector's pdata).
"""

import re
from collections.abc import Iterable, Iterator

from infra.archive.errors import ArchiveError

_PLACES = re.compile(rb'\{"(?:(resource)|(scope)|(?:timeUnixNano|observedTimeUnixNano))":')
_RECORD, _RESOURCE, _SCOPE, _END, _NOWHERE = 0, 1, 2, 3, 4
_BEGIN, _EMPTY = b'{"resourceLogs":[', b'{"resourceLogs":[]}'
_MISSING = {_RECORD: b"]}]}]}", _SCOPE: b"]}]}", _RESOURCE: b"]}"}
"""What a document lacks that is cut at the comma before a place."""


def documents(pieces: Iterable[bytes], bucket: str, key: str) -> Iterator[bytes]:
    """Yield a document for each record of the object whose bytes are `pieces`, in order.

    Raises ArchiveError where it does not begin and end as the exporter's documents do.
    """
    resource = head = b""
    for kind, text, following in _segments(pieces, bucket, key):
        if kind == _RESOURCE:
            resource = text
        elif kind == _SCOPE:
            head = _BEGIN + resource + text
        else:
            yield head + (text if following == _END else text[:-1] + _MISSING[following])


def _segments(pieces: Iterable[bytes], bucket: str, key: str) -> Iterator[tuple[int, bytes, int]]:
    """Yield what stands from each place to the next: the kind of place, the text, the kind of the next."""
    held, kind, start, done = b"", _NOWHERE, 0, 0
    for piece in pieces:
        held = held[start:] + piece
        done, start, at = done + start, 0, 0
        for found in _PLACES.finditer(held):
            at, following = found.start(), found.lastindex or _RECORD
            if kind == _NOWHERE:
                if not held.startswith(_BEGIN) or at != len(_BEGIN):
                    raise ArchiveError(bucket, key, "does not begin as an OTLP document does", done)
            elif at > start:
                yield kind, held[start:at], following
            start, kind = at, following
    text = held[start:]
    if not text.endswith(b"]}") or (kind == _NOWHERE and text != _EMPTY):
        raise ArchiveError(bucket, key, "does not end as an OTLP document does", done + start)
    if kind != _NOWHERE:
        yield kind, text, _END
