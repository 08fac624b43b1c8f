"""Picking records that show what redaction does: one field for each of three rules, as sent and as stored."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sandbox.demo.arrivals import Arrived
from sandbox.demo.result import BeforeAfter

MARK = re.compile(r"\[([a-z][a-z0-9_]{2,30})(?::[0-9a-f]{8,})?\]")
"""What a masked value, and a pseudonym, look like in a sink."""
BODY = "message"
"""The field of an application's line that becomes a record's body."""
LONGEST = 400


def before_and_after(
    sent: Mapping[str, str], arrived: Iterable[Arrived], rules: Iterable[str], wanted: int = 3
) -> tuple[BeforeAfter, ...]:
    """Return up to `wanted` fields, each showing another rule, the shortest first; `sent` maps uid to line."""
    known = set(rules)
    pairs = sorted(
        (pair for item in arrived if item.uid in sent for pair in _changed(item, sent[item.uid])),
        key=lambda pair: (pair.field != BODY, len(pair.sent) + len(pair.stored)),
    )
    found: dict[str, BeforeAfter] = {}
    for pair in pairs:
        if pair.rule in known and pair.rule not in found:
            found[pair.rule] = pair
        if len(found) == wanted:
            break
    return tuple(found.values())


def _changed(item: Arrived, line: str) -> Iterator[BeforeAfter]:
    """Yield the fields of a stored record in which a rule left its mark, beside what was sent in them."""
    before = dict(_leaves(_document(line)))
    stored = _document(item.text)
    fields = {BODY: item.body, **dict(_leaves(stored.get("attributes", {})))}
    for field, value in fields.items():
        mark = MARK.search(value)
        if mark and before.get(field, value) != value and len(value) <= LONGEST:
            yield BeforeAfter(item.sink, mark.group(1), field, before[field], value)


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def _leaves(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text below `node` by the last part of its key."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            yield from _leaves(value, str(name).rsplit(".", 1)[-1])
    elif isinstance(node, str):
        yield key, node
