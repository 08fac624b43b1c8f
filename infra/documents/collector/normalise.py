"""Every record in one shape: flat attributes of text, the body aside, names as in docs/logging-contract.md.

A body that is a JSON object (a line of container stdout, or a structured body) is taken apart; other bodies
stay as they are. Nothing is refused here: what could not be read is delivered with `tinybeans.problem`.
"""

from collections.abc import Iterator
from typing import Any

from infra.documents.collector.ottl import (
    ATTRIBUTES,
    NORMAL,
    PENDING,
    PROBLEM,
    REDACTION,
    UID,
    any_of,
    attribute,
    cache,
    group,
    text,
)
from infra.documents.collector.receive.door import PROBLEMS
from infra.policy.severity import Severity

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

RESERVED = r"^(?:tinybeans\.(?:redaction|problem|drop|text|normal|named|shared|quarantine|original_timestamp|cut|replayed)|sampling)(?:\.|$)"

_OBJECT = r"^\s*\{"
_LINE = cache("line")
_IS_LINE = f"{_LINE} != nil"


def processor() -> dict[str, Any]:
    """Return the transform processor that brings every record into the contract's shape."""
    return {
        "error_mode": "silent",
        "log_statements": [
            group("log", [*_flat(), f"set({attribute(REDACTION)}, {text(PENDING)})"]),
            group("log", list(_line()), ["not IsString(body)", f"IsMatch(body, {text(_OBJECT)})"]),
            group("log", list(_severity()), [_other_severity()]),
            group("log", list(_every_record())),
        ],
    }


def _flat() -> Iterator[str]:
    """Yield statements after which attributes are one level deep and none has a name that is the collector's own."""
    problem, found = attribute(PROBLEM), text(f"^(?:{any_of(PROBLEMS)})$")
    yield f"set({cache('door')}, {problem}) where {problem} != nil and IsMatch({problem}, {found})"
    yield f"flatten({ATTRIBUTES})"
    yield f"delete_matching_keys({ATTRIBUTES}, {text(RESERVED)})"
    yield f"set({problem}, {cache('door')}) where {cache('door')} != nil"


def _every_record() -> Iterator[str]:
    yield "set(log.observed_time, Now()) where log.observed_time_unix_nano == 0"
    yield "set(log.time, log.observed_time) where log.time_unix_nano == 0"
    # Without a logger of its own, an SDK's record has its logger's name as its scope's (Logs Data Model).
    yield f'set({attribute("logger.name")}, scope.name) where {attribute("logger.name")} == nil and scope.name != ""'
    yield f'set({attribute("event")}, log.event_name) where log.event_name != "" and {attribute("event")} == nil'
    # A UUID can look like a card number. Its shape is checked, so it waits where no rule looks.
    yield 'set(log.event_name, "")'
    yield f"set(log.event_name, {attribute(UID)}) where IsMatch({attribute(UID)}, {text(UID_PATTERN)})"
    yield f"delete_key({ATTRIBUTES}, {text(UID)})"
    yield f"stringify_all({ATTRIBUTES})"
    yield f"set({attribute(NORMAL)}, true)"


def _line() -> Iterator[str]:
    """Yield statements that take a JSON line, a map or a list apart, or make text of any other body."""
    yield from _take_line_apart()
    yield from _time()
    yield f'set(log.severity_text, {attribute("level")}) where IsString({_LINE}["level"])'
    yield f'delete_key({ATTRIBUTES}, "level") where {_IS_LINE} and IsString({_LINE}["level"])'
    yield from _trace_context()
    yield from _names()
    yield from _flat()
    yield f"set({attribute(REDACTION)}, {text(PENDING)})"
    # What the door saw explains what was found here.
    yield f"set({attribute(PROBLEM)}, {cache('problem')}) where {cache('problem')} != nil and {cache('door')} == nil"


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


def _other_severity() -> str:
    """Return the condition that severity is anything but a number and its own short name."""
    usual = (Severity.INFO, Severity.DEBUG, Severity.WARN, Severity.ERROR)
    return " and ".join(f"not (severity_number == {item.number} and severity_text == {text(item)})" for item in usual)


def _severity() -> Iterator[str]:
    level = cache("level")
    yield f"set({level}, log.severity_text)"
    for severity, names in LEVELS.items():
        known = f"IsMatch({level}, {text(f'(?i)^(?:{any_of(names)})$')})"
        yield f"set(log.severity_number, {severity.number}) where log.severity_number == 0 and {known}"
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


def flat(target: str) -> Iterator[str]:
    """Yield statements after which `target` is one level of text values."""
    # A list becomes name.0, name.1; where a flat name meets a nested one of the same spelling, the later stays.
    yield f"flatten({target})"
    yield f"stringify_all({target})"
