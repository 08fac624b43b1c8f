"""Values longer than New Relic keeps are cut with a mark; nothing is cut for any other sink, and the record says so.

The whole record is in CloudWatch and in the archive, under the same log.record.uid.
"""

from collections.abc import Iterator
from typing import Any

from infra.documents.collector.ottl import ATTRIBUTES, attribute, cache, group, text

CUT = "tinybeans.cut"
"""Attribute of a record that was shortened on the way to one sink only: that sink's name."""
MARK = "[cut]"
VALUE_CHARACTERS = 4_095
"""New Relic, OTLP limits: longest attribute value."""
BODY_BYTES = 128_000
"""New Relic, Log event data: a long message is kept as a blob of up to 128 KB, searchable in its first 4,094."""
MOST_ATTRIBUTES = 200
"""New Relic, Log event data: 255 attributes, the resource's and New Relic's own included. Names are at most 255
characters there; redaction lets none pass that is longer than 128."""
KEPT_FIRST = ("log.record.uid", "tinybeans.log.class", "logger.name", "event", "request_id", "exception.type")
_LARGEST_REPEAT = 1_000
"""RE2 repeats nothing more often."""


def newrelic() -> list[dict[str, Any]]:
    """Return the groups of statements that keep a record, its resource and its scope within New Relic's limits."""
    shortened = _shortened(VALUE_CHARACTERS)
    shared = [
        group(context, [f'replace_all_patterns({context}.attributes, "value", {shortened}) where {_long(context)}'])
        for context in ("resource", "scope")
    ]
    return [*shared, group("log", list(_record()))]


def _record() -> Iterator[str]:
    values, before = f"String(Values({ATTRIBUTES}))", cache("before")
    yield f"set({before}, {values}) where {_long('log')}"
    yield f'replace_all_patterns({ATTRIBUTES}, "value", {_shortened(VALUE_CHARACTERS)}) where {before} != nil'
    yield f'set({attribute(CUT)}, "newrelic") where {before} != nil and {before} != {values}'
    yield f'set({attribute(CUT)}, "newrelic") where Len(log.body) > {BODY_BYTES}'
    cut_body = f'Concat([Substring(log.body, 0, {BODY_BYTES - len(MARK) - 4}, true), {text(MARK)}], "")'
    yield f"set(log.body, {cut_body}) where Len(log.body) > {BODY_BYTES}"
    many = f"Len({ATTRIBUTES}) > {MOST_ATTRIBUTES}"
    kept = ", ".join(map(text, (*KEPT_FIRST, CUT)))
    yield f'set({attribute(CUT)}, "newrelic") where {many}'
    yield f"limit({ATTRIBUTES}, {MOST_ATTRIBUTES}, [{kept}]) where {many}"


def _long(context: str) -> str:
    """Return the condition that all values together, and so perhaps one, exceed the limit: a cheap first look."""
    return f"Len(String(Values({context}.attributes))) > {VALUE_CHARACTERS}"


def _shortened(characters: int) -> str:
    """Return pattern and replacement that cut a value to `characters`, the mark included."""
    whole, rest = divmod(characters - len(MARK), _LARGEST_REPEAT)
    kept = f".{{{_LARGEST_REPEAT}}}" * whole + f".{{{rest}}}"
    return f"{text(f'(?s)^({kept}).{{{len(MARK) + 1},}}$')}, {text(f'${{1}}{MARK}')}"
