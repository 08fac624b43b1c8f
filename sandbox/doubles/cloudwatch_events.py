"""OTLP records as CloudWatch Logs events: their text, which of them are too old or too new, and their batches.

The numbers are those of PutLogEvents in the CloudWatch Logs API reference: a batch has at most 10,000 events and
1,048,576 bytes, counted as each message's UTF-8 bytes plus 26; it spans at most 24 hours and is in order of
time; an event is neither more than 2 hours ahead nor older than 14 days or than its group's retention.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.doubles.otlp_codec import LogRecord

BATCH_BYTES = 1_048_576
BATCH_EVENTS = 10_000
EVENT_OVERHEAD_BYTES = 26

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
BATCH_SPAN_MS = _DAY_MS
TOO_OLD_MS = 14 * _DAY_MS
TOO_NEW_MS = 2 * _HOUR_MS


@dataclass(frozen=True, slots=True)
class Event:
    """One log event: its time in Unix milliseconds, its text, and what it counts for in a batch, in bytes."""

    timestamp_ms: int
    message: str
    size: int


@dataclass(frozen=True, slots=True)
class Sorted:
    """The events that can be stored, oldest first, and how many could not be, by reason."""

    events: tuple[Event, ...]
    too_old: int
    too_new: int
    expired: int
    too_large: int

    @property
    def rejected(self) -> int:
        """How many records could not be stored."""
        return self.too_old + self.too_new + self.expired + self.too_large

    @property
    def message(self) -> str:
        """The errorMessage of a partial success: JSON, in the service's own words. Empty when all was stored.

        tooLargeLogEventCount is the double's: the service truncates such an event (in some regions keeping
        the rest as a Large Log Object) where this rejects it.
        """
        if not self.rejected:
            return ""
        counts = {
            "tooOldLogEventCount": self.too_old,
            "tooNewLogEventCount": self.too_new,
            "expiredLogEventCount": self.expired,
        }
        if self.too_large:
            counts["tooLargeLogEventCount"] = self.too_large
        return json.dumps(counts)


def sort_by_time(records: Iterable[LogRecord], *, now_ms: int, retention_days: int | None) -> Sorted:
    """Return `records` as events in order of time, without those the service rejects. None: no expiry."""
    oldest_kept = None if retention_days is None else now_ms - retention_days * _DAY_MS
    events: list[Event] = []
    too_old = too_new = expired = too_large = 0
    for record in records:
        # OTLP's data model: where timeUnixNano is 0 (unknown), the observed time stands for it.
        nanoseconds = record.time_unix_nano or record.observed_time_unix_nano
        timestamp_ms = nanoseconds // 1_000_000 if nanoseconds else now_ms
        if timestamp_ms > now_ms + TOO_NEW_MS:
            too_new += 1
        elif timestamp_ms < now_ms - TOO_OLD_MS:
            too_old += 1
        elif oldest_kept is not None and timestamp_ms < oldest_kept:
            expired += 1
        else:
            message = render(record)
            event = Event(timestamp_ms, message, len(message.encode()) + EVENT_OVERHEAD_BYTES)
            if event.size > BATCH_BYTES:
                too_large += 1
            else:
                events.append(event)
    events.sort(key=lambda event: event.timestamp_ms)
    return Sorted(tuple(events), too_old, too_new, expired, too_large)


def render(record: LogRecord) -> str:
    """Return the event's text: one JSON object in the form in which CloudWatch Logs shows OTLP records.

    Attributes are a plain object, times are numbers, ids are hex. Fields the record does not have are left out.
    """
    fields: dict[str, Any] = {
        "resource": {"attributes": record.resource},
        "scope": record.scope,
        "timeUnixNano": record.time_unix_nano,
        "observedTimeUnixNano": record.observed_time_unix_nano,
        "severityNumber": record.severity_number,
        "severityText": record.severity_text,
        "body": record.body,
        "attributes": record.attributes,
        "flags": record.flags,
        "traceId": record.trace_id,
        "spanId": record.span_id,
        "eventName": record.event_name,
    }
    kept = {name: value for name, value in fields.items() if name == "body" or value not in ("", 0, {}, None)}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def batches(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Yield `events`, which are in order of time, in lists that one PutLogEvents call may carry."""
    batch: list[Event] = []
    size = 0
    for event in events:
        full = len(batch) == BATCH_EVENTS or size + event.size > BATCH_BYTES
        if batch and (full or event.timestamp_ms - batch[0].timestamp_ms > BATCH_SPAN_MS):
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += event.size
    if batch:
        yield batch
