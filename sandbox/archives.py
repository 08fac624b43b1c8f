"""Archives of any size, written as fast as gzip goes, for measuring what reads them: the collector's objects, made up.

An object is what the awss3 exporter writes (marshaler otlp_json, gzip): one OTLP document without a line end, below
`otlp/`, in the partition of the hour (UTC) of its upload, named by UUIDv7. Records are those of the contract
(docs/logging-contract.md) after redaction: attribute values are text, addresses are pseudonyms. Everything follows from
the record's number, so that a test knows what a question must answer.
"""

from __future__ import annotations

import datetime
import gzip
import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

RECORDS_AN_OBJECT = 5_000
"""About 4.4 MB of JSON: the archive's exporter closes a batch at 4 MiB of OTLP or after ten seconds."""
USERS, CIRCLES, ADDRESSES = 997, 97, 251
"""How many there are of each; primes, so that every combination comes up."""
RECORDS_A_REQUEST = 4
COMPRESSION = 1
"""gzip's fastest: what is measured is the reading."""

_EVENTS = (
    ("audit.user.login.success", "mysite.audit", "INFO", 9),
    ("auth.login.failed", "mysite.auth.views.account", "WARN", 13),
    ("audit.keep.created", "mysite.audit", "INFO", 9),
    ("audit.keep.deleted", "mysite.audit", "INFO", 9),
    ("http.request", "mysite.access", "INFO", 9),
    ("keeps.thumbnail.generated", "mysite.keeps.tasks", "INFO", 9),
    ("circle.access.denied", "mysite.security", "WARN", 13),
)


@dataclass(frozen=True, slots=True)
class ArchivedObject:
    """One object of a made-up archive: its key, its gzipped bytes, and how many records are in it."""

    key: str
    content: bytes
    records: int


def objects(
    *,
    cls: str,
    start: datetime.datetime,
    records: int,
    hours: int,
    an_object: int = RECORDS_AN_OBJECT,
    prefix: str = "otlp",
) -> Iterator[ArchivedObject]:
    """Yield objects that hold `records` records of class `cls`, spread evenly over `hours` hours from `start` (UTC)."""
    first_ns = int(start.timestamp()) * 10**9
    templates = _templates(cls)
    step_ns = hours * 3_600 * 10**9 // records
    for first in range(0, records, an_object):
        count = min(an_object, records - first)
        body = b",".join(
            [
                _record(templates[number % len(templates)], number, first_ns + number * step_ns)
                for number in range(first, first + count)
            ]
        )
        uploaded_ns = first_ns + (first + count - 1) * step_ns
        yield ArchivedObject(
            _key(prefix, uploaded_ns, first), gzip.compress(_HEAD + body + _TAIL, COMPRESSION, mtime=0), count
        )


def request_of(number: int) -> str:
    """Return the request id of record `number`."""
    return f"{number // RECORDS_A_REQUEST:032x}"


def uid_of(number: int) -> str:
    """Return the uid of record `number`."""
    return f"{_UIDS}{number:012x}"


def event_of(number: int) -> str:
    """Return the event of record `number`."""
    return _EVENTS[number % len(_EVENTS)][0]


def address_of(number: int) -> str:
    """Return the pseudonym of the address that record `number` came from."""
    return f"[ip_address:{hashlib.sha256(str(number % ADDRESSES).encode()).hexdigest()[:24]}]"


_UIDS = "01990000-0000-7000-8000-"
_HEAD = (
    b'{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"tinybeans-web"}}]},'
    b'"scopeLogs":[{"scope":{},"logRecords":['
)
_TAIL = b"]}]}]}"
_RECORD = (
    '{{"timeUnixNano":"%d","observedTimeUnixNano":"%d","severityNumber":{severity},"severityText":"{level}",'
    '"body":{{"stringValue":"{event} in %d \\"quoted\\", with what a message says besides"}},"attributes":['
    '{{"key":"log.record.uid","value":{{"stringValue":"{uids}%012x"}}}},'
    '{{"key":"event","value":{{"stringValue":"{event}"}}}},'
    '{{"key":"request_id","value":{{"stringValue":"%032x"}}}},'
    '{{"key":"user_id","value":{{"stringValue":"%d"}}}},{{"key":"circle_id","value":{{"stringValue":"%d"}}}},'
    '{{"key":"remote_ip","value":{{"stringValue":"%s"}}}},'
    '{{"key":"logger.name","value":{{"stringValue":"{logger}"}}}},'
    '{{"key":"host.name","value":{{"stringValue":"web-1"}}}},'
    '{{"key":"duration_ms","value":{{"doubleValue":12.5}}}},'
    '{{"key":"tinybeans.log.class","value":{{"stringValue":"{cls}"}}}}],'
    '"traceId":"%032x","eventName":"{event}"}}'
)
_ADDRESSES = tuple(address_of(number).encode() for number in range(ADDRESSES))


def _templates(cls: str) -> list[bytes]:
    """Return what records of each event have in common, with places for the rest."""
    return [
        _RECORD.format(severity=severity, level=level, event=event, logger=logger, cls=cls, uids=_UIDS).encode()
        for event, logger, level, severity in _EVENTS
    ]


def _record(template: bytes, number: int, ns: int) -> bytes:
    request = number // RECORDS_A_REQUEST
    address = _ADDRESSES[number % ADDRESSES]
    return template % (ns, ns, number, number, request, number % USERS, number % CIRCLES, address, request)


def _key(prefix: str, uploaded_ns: int, first: int) -> str:
    uploaded = datetime.datetime.fromtimestamp(uploaded_ns // 10**9, datetime.UTC)
    unique = uuid.UUID(int=(uploaded_ns // 10**6 << 80) | (0x7 << 76) | (0x2 << 62) | first)
    return f"{prefix}/{uploaded:year=%Y/month=%m/day=%d/hour=%H}/logs_{unique}.json.gz"
