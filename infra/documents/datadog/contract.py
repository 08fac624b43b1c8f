"""The logging contract's attributes (docs/logging-contract.md) and what they are called at Datadog.

Datadog's standard attributes are those of its docs, "Default standard attributes": dashboards, security rules and other
integrations look for these names. OTLP attributes arrive as text (DataDog/opentelemetry-mapping-go, pkg/otlp/logs,
flattenAttribute), so what is to be compared or averaged is made a number.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Standard:
    """One attribute of the contract under Datadog's name."""

    contract: str
    datadog: str
    number: str | None = None
    """integer or double, where it is one."""


STANDARD = (
    Standard("http.response.status_code", "http.status_code", "integer"),
    Standard("http.request.method", "http.method"),
    Standard("url.path", "http.url_details.path"),
    Standard("user_agent.original", "http.useragent"),
    Standard("request_id", "http.request_id"),
    Standard("user_id", "usr.id"),
    # A pseudonym: the same address stays the same, and says nothing of where it is.
    Standard("remote_ip", "network.client.ip"),
    Standard("event", "evt.name"),
    Standard("exception.stacktrace", "error.stack"),
    Standard("exception.type", "error.kind"),
    Standard("exception.message", "error.message"),
    Standard("thread.name", "logger.thread_name"),
    Standard("duration_ms", "duration_in_ms", "double"),
    Standard("sampling.adjusted_count", "sampling.represents", "double"),
)
AS_THEY_ARE = (
    "logger.name", "http.route", "circle_id", "keep_id", "auth_context.method", "outcome", "tinybeans.log.class",
)  # fmt: skip
"""Attributes of the contract that Datadog has no other name for, or the same."""
OF_THE_LOG = {
    "time": "date",
    "severity": "status",
    "body": "message",
    "trace id": "trace_id",
    "span id": "span_id",
    "service.name": "service",
    "deployment.environment.name": "env",
    "host.name": "host",
}
"""What the contract names and Datadog has as a field or tag of each log."""
SOURCES_OF = {
    "date": ("@timestamp", "timestamp"),
    "status": ("otel.severity_text", "status", "severity", "level"),
    "message": ("message", "body", "msg"),
    "service": ("service.name", "service"),
    "trace-id": ("dd.trace_id", "otel.trace_id", "trace_id"),
    "span-id": ("dd.span_id", "otel.span_id", "span_id"),
}
"""Remapper to the attributes it reads, the likeliest first: those of OTLP's way in (opentelemetry-mapping-go,
pkg/otlp/logs/transform.go), then those of a JSON line that came by another way."""
COLLECTORS_OWN = (
    "log.record.uid", "sampling.adjusted_count", "session_id", "telemetry.sdk.language", "tinybeans.browser.removed",
    "tinybeans.door", "tinybeans.problem",
)  # fmt: skip
"""What the collector adds to records, or takes from every SDK."""
