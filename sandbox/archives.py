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
"""About 4.4 MB of JSON: the archive's exporter closes a batch at 4 MiB of OTLP, or after policy's wait."""
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


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A made-up archive: `records` records of class `cls`, spread evenly over `hours` hours from `start` (UTC).

    Any object can be made by itself, in any order.
    """

    cls: str
    start: datetime.datetime
    records: int
    hours: int
    an_object: int = RECORDS_AN_OBJECT
    prefix: str = "otlp"

    @property
    def step_ns(self) -> int:
        """Return the nanoseconds between two records."""
        return self.hours * 3_600 * 10**9 // self.records

    def keys(self) -> list[str]:
        """Return the keys of all objects, in order."""
        return [self._key(first) for first in range(0, self.records, self.an_object)]

    def object(self, at: int) -> ArchivedObject:
        """Return the object number `at`."""
        first, templates = at * self.an_object, _templates(self.cls)
        numbers = range(first, min(first + self.an_object, self.records))
        body = b",".join(
            [_record(templates[number % len(templates)], number, self._time_ns(number)) for number in numbers]
        )
        return ArchivedObject(self._key(first), gzip.compress(_HEAD + body + _TAIL, COMPRESSION, mtime=0), len(numbers))

    def _time_ns(self, number: int) -> int:
        return int(self.start.timestamp()) * 10**9 + number * self.step_ns

    def _key(self, first: int) -> str:
        last = min(first + self.an_object, self.records) - 1
        return _key(self.prefix, self._time_ns(last), first)


def objects(
    *, cls: str, start: datetime.datetime, records: int, hours: int, an_object: int = RECORDS_AN_OBJECT
) -> Iterator[ArchivedObject]:
    """Yield every object of such an archive, in order."""
    archive = Archive(cls=cls, start=start, records=records, hours=hours, an_object=an_object)
    yield from (archive.object(at) for at in range(-(-records // an_object)))


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
