"""Picking records that show what redaction does: one for each of three rules, as sent and as stored."""

import re
from collections.abc import Iterable, Mapping

from sandbox.demo.arrivals import Arrived
from sandbox.demo.result import BeforeAfter

MARK = re.compile(r"\[([a-z][a-z0-9_]{2,30})\]|<([a-z][a-z0-9_]{2,30}):[0-9a-f]{8,}>")
"""What a masked value, and a pseudonym, look like in a sink."""
LONGEST = 900


def before_and_after(
    sent: Mapping[str, str], arrived: Iterable[Arrived], rules: Iterable[str], wanted: int = 3
) -> tuple[BeforeAfter, ...]:
    """Return up to `wanted` records, each showing another rule, the shortest lines first; `sent` maps uid to line."""
    known = set(rules)
    found: dict[str, BeforeAfter] = {}
    for item in sorted(arrived, key=lambda item: len(sent.get(item.uid, ""))):
        line = sent.get(item.uid)
        if line is None or len(line) > LONGEST:
            continue
        marks = [name for pair in MARK.findall(item.text) for name in pair if name in known and name not in found]
        if marks:
            found[marks[0]] = BeforeAfter(item.sink, marks[0], line, item.text)
        if len(found) == wanted:
            break
    return tuple(found.values())
