"""Which trace a request belongs to (W3C Trace Context, `traceparent`)."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

# Version ff is forbidden, and so are all-zero identifiers; a later version may append fields.
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?"
)


@dataclass(frozen=True)
class Span:
    """The service's own span of one request."""

    trace_id: str
    span_id: str


def span_for(traceparent: str | None) -> Span:
    """Continue the caller's trace, or start one if the header is missing or malformed."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    trace_id = match["trace"] if match else secrets.token_hex(16)
    return Span(trace_id=trace_id, span_id=secrets.token_hex(8))
