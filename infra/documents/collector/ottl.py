"""Writing OTTL: literals, names and the paths that every stage uses."""

import re
from collections.abc import Iterable
from typing import Any

ATTRIBUTES = "log.attributes"
PENDING, OK = "pending", "ok"
REDACTION = "tinybeans.redaction"
"""Attribute that says whether redaction came to its end; whatever a client puts there is overwritten."""
PROBLEM = "tinybeans.problem"
"""Attribute that names what was wrong with a record that is delivered all the same."""
REASON = "tinybeans.quarantine.reason"
TEXT = "tinybeans.text"
"""Attribute that holds the body while it is redacted, so that one statement reaches body and attributes alike."""
NORMAL = "tinybeans.normal"
"""Attribute that says that a record was brought into the contract's shape; without it nothing passes the gate."""
NAMED = "tinybeans.named"
"""Attribute that says that a record had attributes which rules cover by their very names; they are masks by then."""
DROP = "tinybeans.drop"
CLASS = "tinybeans.log.class"
UID = "log.record.uid"


def text(value: str) -> str:
    """Return `value` as an OTTL string; `$` is doubled, for the collector expands `${...}` before OTTL reads it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("$", "$$")
    return f'"{escaped}"'


def attribute(name: str) -> str:
    """Return the path of a record's attribute."""
    return f"{ATTRIBUTES}[{text(name)}]"


def cache(name: str, context: str = "log") -> str:
    """Return the path of a value that lives as long as one group of statements works on one record."""
    return f"{context}.cache[{text(name)}]"


def any_of(names: Iterable[str]) -> str:
    """Return an RE2 alternation that matches exactly these names."""
    return "|".join(re.sub(r"([.\\+*?()|\[\]{}^$])", r"\\\1", name) for name in names)


def group(context: str, statements: list[str], conditions: list[str] | None = None) -> dict[str, Any]:
    """Return a group of statements, run where any of `conditions` holds.

    A statement that fails is passed over without a word: its error would repeat parts of the record in the
    collector's own log, and what it should have done is checked by the last stage.
    """
    limited = {"conditions": conditions} if conditions else {}
    return {"context": context, **limited, "statements": statements}


def names(listed: Iterable[str]) -> str:
    """Return an OTTL list of attribute names; `keep_keys` looks them up in a set that it makes once."""
    return f"[{', '.join(map(text, listed))}]"
