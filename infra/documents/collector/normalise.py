"""Every record in one shape: flat attributes of text, the body aside, names as in docs/logging-contract.md.

A body that is a JSON object (a line of container stdout, or a structured body) is taken apart; other bodies
stay as they are. Nothing is refused here: what could not be read is delivered with `tinybeans.problem`.
"""

from collections.abc import Iterator
from typing import Any

from infra.documents.collector.ottl import (
    ATTRIBUTES,
    PENDING,
    PROBLEM,
    REDACTION,
    TEXT,
    UID,
    any_of,
    attribute,
    cache,
    group,
    text,
)
from infra.policy.data_classes import Severity

RENAMED = {
    "logger": "logger.name",
    "service": "service.name",
    "environment": "deployment.environment.name",
    "hostname": "host.name",
    "exc_info": "exception.stacktrace",
    "path": "url.path",
    "method": "http.request.method",
    "status": "http.response.status_code",
    "route": "http.route",
    "user_agent": "user_agent.original",
}
"""Key of a JSON line to attribute (OpenTelemetry semantic conventions; `logger.name` as Datadog has it)."""

WHOLE_NUMBERS = (
    "http.response.status_code",
    "code.line.number",
    "thread.id",
    "process.pid",
    "messaging.message.body.size",
)
NUMBERS = ("duration_ms",)
"""Attributes that are numbers again once redacted; every other number stays text, so that patterns saw it."""

LEVELS = {
    Severity.TRACE: ("trace",),
    Severity.DEBUG: ("debug",),
    Severity.INFO: ("info", "information", "notice"),
    Severity.WARN: ("warn", "warning"),
    Severity.ERROR: ("error", "err", "exception"),
    Severity.FATAL: ("fatal", "critical", "alert", "emergency", "panic"),
}
UID_PATTERN = "^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-HJKMNP-TV-Z]{26})$"
"""UUID or ULID (semantic conventions, log.record.uid)."""

RESERVED = r"^(?:tinybeans\.(?:redaction|problem|drop|text|quarantine)|sampling)(?:\.|$)"

_OBJECT = r"^\s*\{"
_LINE = cache("line")
_IS_LINE = f"{_LINE} != nil"


def processor() -> dict[str, Any]:
    """Return the transform processor that brings every record into the contract's shape."""
    return {"error_mode": "silent", "log_statements": [group("log", list(_statements()))]}


def _statements() -> Iterator[str]:
    yield f"set({attribute(REDACTION)}, {text(PENDING)})"
    yield from _take_line_apart()
    yield from _time()
    yield from _severity()
    yield from _trace_context()
    yield from _names()
    yield from flat(ATTRIBUTES)
    yield f"delete_matching_keys({ATTRIBUTES}, {text(RESERVED)})"
    yield f"set({attribute(UID)}, UUIDv7()) where {attribute(UID)} == nil or not IsMatch({attribute(UID)}, {text(UID_PATTERN)})"
    # A UUID can look like a card number. Its shape is checked, so it waits where no rule looks.
    yield f"set(log.event_name, {attribute(UID)})"
    yield f"delete_key({ATTRIBUTES}, {text(UID)})"
    yield f"set({attribute(TEXT)}, log.body) where IsString(log.body)"
    yield 'set(log.body, "")'
    yield f"set({attribute(PROBLEM)}, {cache('problem')}) where {cache('problem')} != nil"


def _take_line_apart() -> Iterator[str]:
    looks_like_json = f"IsString(log.body) and IsMatch(log.body, {text(_OBJECT)})"
    other = "not IsString(log.body) and not IsMap(log.body)"
    yield f"set({_LINE}, log.body) where IsMap(log.body)"
    yield f'set(log.body, Decode(log.body, "utf-8")) where {other}'
    yield f"set(log.body, String(log.body)) where {other} and log.body != nil"
    yield f"set({_LINE}, ParseJSON(log.body)) where {looks_like_json}"
    yield f'set({cache("problem")}, "json") where {_LINE} == nil and {looks_like_json}'
    yield f'set(log.body, "") where {_IS_LINE}'
    yield f'set(log.body, String({_LINE}["message"])) where {_LINE}["message"] != nil'
    yield f'delete_key({_LINE}, "message") where {_IS_LINE}'
    yield f'merge_maps({ATTRIBUTES}, {_LINE}, "upsert") where {_IS_LINE}'
    nested = f'IsMap({_LINE}["context"])'
    yield f'delete_key({ATTRIBUTES}, "context") where {nested}'
    yield f'merge_maps({ATTRIBUTES}, {_LINE}["context"], "insert") where {nested}'


def _time() -> Iterator[str]:
    """Times of a line are ISO 8601. One that cannot be read stays as text, and the time of observation stands in."""
    time = cache("time")
    yield f'set({time}, {attribute("timestamp")}) where IsString({_LINE}["timestamp"])'
    yield f'replace_pattern({time}, "^([0-9-]{{10}}) ", "$${{1}}T")'
    yield f'replace_pattern({time}, "[zZ]$$", "+00:00")'
    yield f'replace_pattern({time}, "([+-][0-9]{{2}})([0-9]{{2}})$$", "$${{1}}:$${{2}}")'
    yield f"set(log.time_unix_nano, 0) where {time} != nil"
    # Go reads a fraction of any length after the seconds, though the layout has none.
    yield f'set(log.time, Time({time}, "%Y-%m-%dT%H:%M:%S%j")) where {time} != nil'
    yield f'delete_key({ATTRIBUTES}, "timestamp") where {time} != nil and log.time_unix_nano != 0'
    yield f'set({cache("problem")}, "timestamp") where {time} != nil and log.time_unix_nano == 0'
    yield "set(log.observed_time, Now()) where log.observed_time_unix_nano == 0"
    yield "set(log.time, log.observed_time) where log.time_unix_nano == 0"


def _severity() -> Iterator[str]:
    level = cache("level")
    yield f"set({level}, log.severity_text)"
    yield f'set({level}, {attribute("level")}) where IsString({_LINE}["level"])'
    for severity, names in LEVELS.items():
        known = f"IsMatch({level}, {text(f'(?i)^(?:{any_of(names)})$')})"
        yield f"set(log.severity_number, {severity.number}) where log.severity_number == 0 and {known}"
    yield f'delete_key({ATTRIBUTES}, "level") where {_IS_LINE} and log.severity_number > 0'
    yield f'set({attribute("level")}, {level}) where log.severity_number == 0 and {level} != ""'
    yield from severity_text()


def severity_text() -> Iterator[str]:
    """Yield statements that leave no other severity text than the six short names."""
    yield 'set(log.severity_text, "")'
    for severity in Severity:
        yield f"set(log.severity_text, {text(severity)}) where log.severity_number >= {severity.number} and log.severity_number < {severity.number + 4}"


def _trace_context() -> Iterator[str]:
    for key, digits in (("trace_id", 32), ("span_id", 16)):
        readable = f"{_IS_LINE} and IsMatch({attribute(key)}, {text(f'^[0-9a-fA-F]{{{digits}}}$')})"
        yield f"set(log.{key}.string, ToLowerCase({attribute(key)})) where {readable}"
        yield f"delete_key({ATTRIBUTES}, {text(key)}) where {readable}"


def _names() -> Iterator[str]:
    for key, name in RENAMED.items():
        yield f"set({attribute(name)}, {attribute(key)}) where {_IS_LINE}"
    yield f"delete_matching_keys({ATTRIBUTES}, {text(f'^(?:{any_of(RENAMED)})$')}) where {_IS_LINE}"
    # Without a logger of its own, an SDK's record has its logger's name as its scope's (Logs Data Model).
    yield f'set({attribute("logger.name")}, scope.name) where {attribute("logger.name")} == nil and scope.name != ""'
    yield f'set({attribute("event")}, log.event_name) where {attribute("event")} == nil and log.event_name != ""'


def flat(target: str) -> Iterator[str]:
    """Yield statements after which `target` is one level of text values."""
    # A list becomes name.0, name.1; where a flat name meets a nested one of the same spelling, the later stays.
    yield f"flatten({target})"
    yield f"stringify_all({target})"
