"""Made-up records as an archive holds them: in the collector's form, and in the form that CloudWatch Logs exports.

They are those of the contract (docs/logging-contract.md) after redaction: attribute values are text, addresses are
pseudonyms. Everything follows from a record's number, so that a test knows what a question must answer. What differs
from one block of BLOCK records to the next stands in places, which sandbox/stitched.py fills in; behind each of them
stand some bytes that are the same in every record, as it asks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

BLOCK = 10_000
"""Records of which all but HIGH and SECOND, or ISO_SECOND, are those of any other block."""
HIGH, SECOND, ISO_SECOND = bytes(range(0x80, 0x88)), bytes(range(0x90, 0x9A)), bytes(range(0xA0, 0xB3))
"""Places: the number of the block in eight digits; the records' second as Unix time and as ISO 8601."""
USERS, CIRCLES, ADDRESSES = 997, 97, 251
"""How many there are of each; primes, so that every combination comes up."""
RECORDS_A_REQUEST = 4
SERVICE = "tinybeans-web"

_EVENTS = (
    ("audit.user.login.success", "mysite.audit", "INFO", 9),
    ("auth.login.failed", "mysite.auth.views.account", "WARN", 13),
    ("audit.keep.created", "mysite.audit", "INFO", 9),
    ("audit.keep.deleted", "mysite.audit", "INFO", 9),
    ("http.request", "mysite.access", "INFO", 9),
    ("keeps.thumbnail.generated", "mysite.keeps.tasks", "INFO", 9),
    ("circle.access.denied", "mysite.security", "WARN", 13),
)
_PLAIN = "latin-1"
"""Places are bytes that no text of a record holds: one a character."""
_HIGH, _SECOND, _ISO_SECOND = (place.decode(_PLAIN) for place in (HIGH, SECOND, ISO_SECOND))


def uid_of(number: int) -> str:
    """Return the uid of record `number`: in the order of numbers, as UUIDv7 is in the order of time."""
    return _uid(f"{number // BLOCK:08d}", number % BLOCK)


def request_of(number: int) -> str:
    """Return the request id of record `number`."""
    return _request(f"{number // BLOCK:08d}", number % BLOCK)


def user_of(number: int) -> str:
    """Return the user of record `number`."""
    return str(number % BLOCK % USERS)


def event_of(number: int) -> str:
    """Return the event of record `number`."""
    return _EVENTS[number % BLOCK % len(_EVENTS)][0]


def address_of(number: int) -> str:
    """Return the pseudonym of the address that record `number` came from."""
    return f"[ip_address:{hashlib.sha256(str(number % BLOCK % ADDRESSES).encode()).hexdigest()[:24]}]"


def _uid(high: str, low: int) -> str:
    mixed = hashlib.blake2b(low.to_bytes(2, "big"), digest_size=4).hexdigest()
    return f"{high}-0000-7000-8000-{low:04d}{mixed}"


def _request(high: str, low: int) -> str:
    return f"00000000{high}{low // RECORDS_A_REQUEST:016d}"


def collected_records(cls: str, lows: range, an_object: int) -> Iterator[bytes]:
    """Yield records of a block, by their numbers in it, as OTLP's JSON."""
    for low in lows:
        event, severity, level, attributes = _content(cls, low)
        written = ",".join(
            f'{{"key":"{name}","value":{{"{"stringValue" if isinstance(value, str) else "doubleValue"}":{_json(value)}}}}}'
            for name, value in attributes.items()
        )
        time = f"{_SECOND}{_nanoseconds(low, an_object):09d}"
        yield (
            f'{{"timeUnixNano":"{time}","observedTimeUnixNano":"{time}","severityNumber":{severity},'
            f'"severityText":"{level}","body":{{"stringValue":{_body(event, low)}}},"attributes":[{written}],'
            f'"traceId":"{_request(_HIGH, low)}","eventName":"{event}"}}'
        ).encode(_PLAIN)


def exported_lines(cls: str, lows: range, an_object: int) -> Iterator[bytes]:
    """Yield the same records as lines of an export, in the form in which CloudWatch Logs holds OTLP records."""
    for low in lows:
        event, severity, level, attributes = _content(cls, low)
        nanoseconds = _nanoseconds(low, an_object)
        time = f"{_SECOND}{nanoseconds:09d}"
        yield (
            f"{_ISO_SECOND}.{nanoseconds // 10**6:03d}Z "
            f'{{"resource":{{"attributes":{{"service.name":"{SERVICE}"}}}},"timeUnixNano":{time},'
            f'"observedTimeUnixNano":{time},"severityNumber":{severity},"severityText":"{level}",'
            f'"body":{_body(event, low)},"attributes":{_json(attributes)},'
            f'"traceId":"{_request(_HIGH, low)}","eventName":"{event}"}}\n'
        ).encode(_PLAIN)


def _content(cls: str, low: int) -> tuple[str, int, str, dict[str, Any]]:
    """Return a record's event, severity and attributes."""
    event, logger, level, severity = _EVENTS[low % len(_EVENTS)]
    attributes = {
        "log.record.uid": _uid(_HIGH, low),
        "event": event,
        "request_id": _request(_HIGH, low),
        "user_id": user_of(low),
        "circle_id": str(low % CIRCLES),
        "remote_ip": address_of(low),
        "logger.name": logger,
        "host.name": "web-1",
        "duration_ms": 12.5,
        "tinybeans.log.class": cls,
    }
    return event, severity, level, attributes


def _body(event: str, low: int) -> str:
    """Return the record's text as JSON."""
    return _json(f'{event} in {_HIGH} number {low} "quoted", with what a message says besides')


def _json(value: Any) -> str:
    # As it is: escaped, a place would be no place any more.
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _nanoseconds(low: int, an_object: int) -> int:
    """Return where in its second a record lies: those of an object are spread over the first millisecond."""
    return low % an_object * (10**6 // an_object)
