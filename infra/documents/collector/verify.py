"""Fail closed: a record leaves for a sink only when redaction came to its end and a second look finds nothing.

The first statement takes back whatever marker a client forged; the last sets `ok`, and only when nothing was found.
Everything else the router sends to quarantine.
"""

from collections.abc import Iterator
from typing import Any

from infra.documents.collector import normalise, redact, rules
from infra.documents.collector.ottl import (
    ATTRIBUTES,
    OK,
    PENDING,
    PROBLEM,
    REASON,
    REDACTION,
    TEXT,
    UID,
    attribute,
    cache,
    group,
    text,
)
from infra.policy.redaction import Redaction, RedactionRule

LONG_BYTES, LONGEST_VALUE_BYTES = 500_000, 32_768
"""A record above the first has each value cut to the second; one that is still above it is withheld. CloudWatch
Logs takes 1 MB a record, and the exporter's batches are kept below that."""
NOT_TEXT = r'(?m)^\[[^"\]]|[^\\]",[^"]'
"""A value that is not text, in a JSON list of values."""

_SCAN, _REASON = cache("scan"), cache("reason")


def processor(policy: Redaction) -> dict[str, Any]:
    """Return the transform processor that looks again, puts the body back and sets the marker."""
    short = [redact.shortened(policy)]
    shortened = [group(context, short) for context in ("resource", "scope", "log")]
    scope = group("scope", list(redact.scope_text_back()))
    return {"error_mode": "silent", "log_statements": [*shortened, scope, group("log", list(_statements(policy)))]}


def _statements(policy: Redaction) -> Iterator[str]:
    yield f"set({attribute(REDACTION)}, {text(PENDING)})"
    yield f'set({attribute(PROBLEM)}, "attribute_name") where {attribute(rules.MASKED_NAME)} != nil'
    yield from _long_records()
    yield f"set({_SCAN}, {_everything()})"
    yield f'set({_REASON}, "shape") where not IsString({_SCAN}) or log.body != "" or IsMatch({_SCAN}, {text(NOT_TEXT)})'
    yield f'set({_REASON}, "size") where Len({_SCAN}) > {LONG_BYTES}'
    named = text(rules.unmasked_name(policy.rules))
    yield f'set({_REASON}, "name") where IsMatch(String({ATTRIBUTES}), {named})'
    yield f'set({_REASON}, "pseudonym") where Index({_SCAN}, {text(redact.MARKER)}) >= 0'
    masks = "|".join(rule.name for rule in policy.rules)
    mask = rf"\[(?:{masks})(?::[0-9a-f]+)?\]"
    yield f'replace_pattern({_SCAN}, {text(mask)}, "[]")'
    for rule in rules.in_order(policy.rules):
        if rule.pattern is not None:
            yield _look_again(rule, rule.pattern)
    clean = f"{_REASON} == nil"
    yield f"set({attribute(UID)}, log.event_name) where IsMatch(log.event_name, {text(normalise.UID_PATTERN)})"
    yield 'set(log.event_name, "")'
    yield f"set(log.body, {attribute(TEXT)}) where {clean}"
    yield f"delete_key({ATTRIBUTES}, {text(TEXT)}) where {clean}"
    yield f"set(log.event_name, {attribute('event')}) where {clean} and {attribute('event')} != nil"
    yield from _numbers()
    yield f"set({attribute(REASON)}, {_REASON}) where {_REASON} != nil"
    yield f"set({attribute(REDACTION)}, {text(OK)}) where {clean} and IsString(log.body) and IsString({_SCAN})"


def _everything() -> str:
    """Return an expression for all text that a sink would see; each list of names or values is a line."""
    places = (ATTRIBUTES, "resource.attributes", "scope.attributes")
    lists = ", ".join(f"String({part}({name}))" for name in places for part in ("Keys", "Values"))
    return f'Concat([{lists}, Concat(["scope", scope.name, scope.version], " ")], "\\n")'


def _long_records() -> Iterator[str]:
    size = f"Len(String(Values({ATTRIBUTES})))"
    yield f"set({cache('long')}, true) where {size} > {LONG_BYTES}"
    yield f"truncate_all({ATTRIBUTES}, {LONGEST_VALUE_BYTES}) where {cache('long')} == true"
    yield f'set({attribute(PROBLEM)}, "truncated") where {cache("long")} == true'


def _look_again(rule: RedactionRule, pattern: str) -> str:
    found = f"IsMatch({_SCAN}, {text(pattern)})"
    return f"set({_REASON}, {text(rule.name)}){redact.where(rules.gate(rule, _SCAN), redact.for_classes(rule), found)}"


def _numbers() -> Iterator[str]:
    for names, convert, shape in (
        (normalise.WHOLE_NUMBERS, "Int", r"^-?[0-9]{1,15}$"),
        (normalise.NUMBERS, "Double", r"^-?[0-9]{1,15}(?:\.[0-9]{1,15})?$"),
    ):
        for name in names:
            value = attribute(name)
            yield f"set({value}, {convert}({value})) where {value} != nil and IsMatch({value}, {text(shape)})"
