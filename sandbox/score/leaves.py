"""The texts in what is sent, taken apart as the collector takes a line apart."""

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

MOVED = frozenset({"timestamp", "level", "trace_id", "span_id", "tinybeans.log.class", "log.record.uid"})
"""Last keys whose values become fields of the record (docs/logging-contract.md): not looked for as text."""
_SYNTAX = re.compile(r'[\s{}\[\]",:\\]+')


def leaves(node: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path (keys and positions, joined by dots) and the text of every value below `node`.

    Numbers and booleans read as JSON writes them.
    """
    match node:
        case dict():
            for name, value in node.items():
                yield from leaves(value, f"{key}.{name}" if key else str(name))
        case list() | tuple():
            for position, value in enumerate(node):
                yield from leaves(value, f"{key}.{position}")
        case None:
            return
        case bool():
            yield key, "true" if node else "false"
        case float() if math.isfinite(node) and node == int(node):
            yield key, str(int(node))
        case _:
            yield key, str(node)


def document(text: str) -> Any:
    """Return the JSON object that `text` is, else None."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        parsed = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def taken_apart(sent: Any) -> list[tuple[str, str]]:
    """Return path and text of every value that is sent: a line, or a record's parts with its body's if that is a line."""
    if isinstance(sent, str):
        parsed = document(sent)
        return list(leaves(parsed)) if parsed is not None else [("", sent)]
    parts = dict(sent)
    body = parts.pop("body", None)
    return [*(taken_apart(body) if isinstance(body, str) else leaves(body)), *leaves(parts)]


def moved(path: str) -> bool:
    """Return whether the value at `path` becomes a field of the record."""
    return any(path == name or path.endswith(f".{name}") for name in MOVED)


def keys_of(node: Any) -> Iterator[str]:
    """Yield every key below `node`."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield str(name)
            yield from keys_of(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from keys_of(value)


def texts_of(sent: Any) -> Iterator[str]:
    """Yield every text that can be read in what is sent: raw, keys, values."""
    line = sent if isinstance(sent, str) else sent.get("body")
    if isinstance(line, str):
        yield line
    yield from names_of(sent)
    yield from (text for _, text in taken_apart(sent))


def names_of(sent: Any) -> Iterator[str]:
    """Yield every name in what is sent, those of a line inside it too."""
    line = sent if isinstance(sent, str) else sent.get("body")
    yield from keys_of(document(line) if isinstance(line, str) else line)
    if not isinstance(sent, str):
        yield from keys_of({name: part for name, part in sent.items() if name != "body"})


def pieces_missing(text: str, texts: Iterable[str]) -> list[str]:
    """Return what of `text` stands in none of `texts`; text that reaches across JSON syntax is looked for in pieces."""
    texts = tuple(texts)
    if any(text in item for item in texts):
        return []
    return [piece for piece in _SYNTAX.split(text) if piece and not any(piece in item for item in texts)]
