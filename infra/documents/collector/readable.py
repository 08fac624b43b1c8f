"""Bytes that are not UTF-8, replaced before a record leaves.

OTLP's own decoders let them in; a sink's do not, and refuse for good the whole request that holds such a record, so
that one client could lose the records of all others.
"""

from collections.abc import Iterator

from infra.documents.collector.ottl import PROBLEM, text

BROKEN = "\ufffd"
"""What a byte that is not UTF-8 becomes in lower-cased text (Go, strings.ToLower)."""
AS_JSON = r"\ufffd"
"""How JSON spells such a byte (Go, encoding/json); the replacement character itself it leaves as it is."""
ANY_BROKEN = r"[\x{FFFD}\x{FFFF}]"
"""Go's regular expressions read such a byte as U+FFFD, unless the pattern is that one character and is searched as text."""


def statements(scanned: str) -> Iterator[str]:
    """Yield statements for a group's own attributes; `scanned` is the path of their text in lower case."""
    broken = f"Index({scanned}, {text(BROKEN)}) >= 0 and Index(String(Values(attributes)), {text(AS_JSON)}) >= 0"
    # Said first: once the bytes are replaced, the condition holds no more.
    yield f'set(attributes["{PROBLEM}"], "utf8") where {broken}'
    yield f'replace_all_patterns(attributes, "value", {text(ANY_BROKEN)}, {text(BROKEN)}) where {broken}'
