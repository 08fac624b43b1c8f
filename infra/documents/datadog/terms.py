"""Terms of Datadog's log search for what policy says of records: fields of the contract, events, values. One line each.

Syntax: Datadog docs, "Log Search Syntax". `/`, `.`, `_` and `-` inside a value need no escape, and `*` is what it says.
"""

import re
from collections.abc import Sequence

from infra.documents.datadog.contract import OF_THE_LOG, STANDARD

_RENAMED = {item.contract: item.datadog for item in STANDARD}
_RANGE = re.compile(r"([0-9]+)\.\.([0-9]+)")


def facet(field: str) -> str:
    """Return what a field of the logging contract is called in a query."""
    return OF_THE_LOG.get(field) or f"@{_RENAMED.get(field, field)}"


def event(names: Sequence[str]) -> str:
    """Return the term of records of these events; a name covers the names below it."""
    return one_of("event", [value for name in names for value in (name, f"{name}.*")])


def one_of(field: str, values: Sequence[str]) -> str:
    """Return the term of records whose `field` fits one of `values`: `*` stands for anything, `1..9` for a range."""
    found = [_RANGE.sub(r"[\1 TO \2]", value) for value in values]
    return f"{facet(field)}:{found[0]}" if len(found) == 1 else f"{facet(field)}:({' OR '.join(found)})"
