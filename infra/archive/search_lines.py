"""What a local engine is given of an archived object: lines of JSON, a record each, in the shape of the object's table."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from infra.archive import json_stream
from infra.archive.objects import ArchiveObject, pieces
from infra.archive.search_pieces import documents
from infra.archive.text_stream import Text
from infra.documents.search.tables import EXPORTED_LINE, Source

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LINE = re.compile(EXPORTED_LINE.encode())


def lines(s3: "S3Client", item: ArchiveObject, source: Source) -> Iterator[bytes]:
    """Yield the records of `item`, each as a line for the table of `source`, without its line end.

    Raises ArchiveError where the object cannot be read, is cut short or is not what its form asks.
    """
    given = pieces(s3, item)
    match source:
        case Source.COLLECTED:
            return documents(given, item.bucket, item.key)
        case Source.EXPORTED:
            return _exported(given)
        case Source.READS:
            return _reads(Text(given, item.bucket, item.key))


def _exported(given: Iterable[bytes]) -> Iterator[bytes]:
    """Yield events. What is no event, such as a line that somebody put there by hand, is passed over as Athena does."""
    held = b""
    for piece in given:
        *whole, held = (held + piece).split(b"\n")
        yield from _events(whole)
    yield from _events([held])


def _events(found: Iterable[bytes]) -> Iterator[bytes]:
    for line in found:
        if event := _LINE.match(line):
            time, message = event.groups()
            yield json.dumps(
                {"exported_time": time.decode(), "message": message.decode(errors="replace")}, ensure_ascii=False
            ).encode()


def _reads(text: Text) -> Iterator[bytes]:
    for name in json_stream.members(text):
        if name != "Records":
            json_stream.value(text)
            continue
        for _ in json_stream.items(text):
            yield json.dumps({"Records": [json_stream.value(text)]}, separators=(",", ":")).encode()
    json_stream.end(text)
