"""Which values must not arrive anywhere, and whether one did, however a sink may have escaped it."""

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

from infra.policy.redaction import Redaction

SHORTEST = 6
"""Characters below which a text is too common to be searched for (a port, a year)."""


@dataclass(frozen=True, order=True)
class Sensitive:
    """One value that must not arrive; never shown, except by its kind."""

    kind: str
    value: str = field(repr=False)

    @property
    def spellings(self) -> frozenset[str]:
        """Return the value as it may stand in JSON text, in a URL, or plainly."""
        value = self.value
        inside_json = json.dumps(value)[1:-1]
        html_safe = inside_json.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
        return frozenset(
            {value, inside_json, html_safe, json.dumps(inside_json)[1:-1], quote(value, safe=""), quote_plus(value)}
        )


@dataclass(frozen=True, order=True)
class Leak:
    """A sensitive value that arrived: what kind, where, how often. The value itself is not kept."""

    kind: str
    place: str
    count: int


def leaks(listed: Iterable[Sensitive], places: Mapping[str, str]) -> list[Leak]:
    """Return the listed values that stand in the text of a place, most frequent first."""
    found: dict[tuple[str, str], int] = {}
    for item in listed:
        for place, text in places.items():
            count = sum(text.count(spelling) for spelling in item.spellings)
            if count:
                found[item.kind, place] = found.get((item.kind, place), 0) + count
    return sorted((Leak(kind, place, count) for (kind, place), count in found.items()), key=lambda leak: -leak.count)


def found_by_policy(lines: Sequence[str], redaction: Redaction) -> tuple[Sensitive, ...]:
    """Return every value in `lines` that a rule recognises, by pattern anywhere or by the key it stands under."""
    patterns = [(rule.name, re.compile(rule.pattern)) for rule in redaction.rules if rule.pattern]
    keys = {key.lower(): rule.name for rule in redaction.rules for key in rule.keys}
    found: set[Sensitive] = set()
    for line in lines:
        texts = [line, *(text for _, text in _values(_parsed(line)))]
        for name, pattern in patterns:
            found.update(Sensitive(name, match.group(0)) for text in texts for match in pattern.finditer(text))
        found.update(Sensitive(keys[key], text) for key, text in _values(_parsed(line)) if key in keys)
    return tuple(sorted(item for item in found if len(item.value) >= SHORTEST and not _loopback(item.value)))


def _loopback(value: str) -> bool:
    """Return whether `value` is an address of this machine itself, which the sandbox's own servers have too."""
    try:
        return ipaddress.ip_address(value).is_loopback
    except ValueError:
        return False


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None


def _values(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every string below `node` with the last key above it, in lower case."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from _values(value, str(name).lower())
    elif isinstance(node, list):
        for value in node:
            yield from _values(value, key)
    elif isinstance(node, str):
        yield key, node
