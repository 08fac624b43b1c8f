"""What two archives of one record are compared by: a key and a hash of its content, a few bytes each."""

import hashlib
import marshal
import uuid
from typing import Any

from infra.archive.records import ArchivedRecord
from infra.documents.collector.sink_window import ORIGINAL

CONTENT_BYTES = 12
"""Of the hash: that one of 50 million unlike pairs passes for alike has a chance below 10^-21."""
UUID_BYTES = 16
BY_VALUE = 2
"""Version of marshal's format: the last in which equal values are equal bytes, wherever they lie in memory."""


def content(record: ArchivedRecord) -> bytes:
    """Return a hash of everything in a record but its times.

    The collector may have moved the one for CloudWatch Logs; and of a record that a client sent again, for want of an
    answer, one archive may hold the first copy and the other the second, which were observed at different times.
    """
    attributes = record.attributes
    if ORIGINAL in attributes:
        attributes = {name: value for name, value in attributes.items() if name != ORIGINAL}
    fields = (
        record.severity_number, record.severity_text, _alike(record.body), _alike(attributes), _alike(record.resource),
        _alike(record.scope), record.trace_id, record.span_id, record.event_name,
    )  # fmt: skip
    return hashlib.blake2b(marshal.dumps(fields, BY_VALUE), digest_size=CONTENT_BYTES).digest()


def _alike(value: Any) -> Any:
    """Return a value that is written down alike wherever it was read.

    Members of an object in order of their names, and whole numbers without a point: OTLP tells 5.0 from 5, and
    CloudWatch's text does not.
    """
    if isinstance(value, dict):
        names = sorted(value)
        return names, [it if type(it) is str else _alike(it) for it in map(value.__getitem__, names)]
    if isinstance(value, list):
        return [_alike(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def key(record: ArchivedRecord) -> bytes:
    """Return what a record is found by on the other side: its uid's bytes, or those of its place where it has none."""
    return uid_key(record.uid or f"{record.object_key}#{record.number}")


def uid_key(uid: str) -> bytes:
    """Return the sixteen bytes that a uid is compared by: a UUID's own, a hash of any other, such as a ULID."""
    try:
        # What UUID() answers, in a third of the time; what is written otherwise is left to it.
        digits = uid.replace("-", "")
        found = bytes.fromhex(digits) if len(digits) == 2 * UUID_BYTES else b""
        return found if len(found) == UUID_BYTES else uuid.UUID(uid).bytes
    except ValueError:
        return hashlib.blake2b(uid.encode(), digest_size=UUID_BYTES).digest()
