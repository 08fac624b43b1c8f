"""JSON that is too large to be held at once: objects and arrays are walked through, and only the leaves are parsed."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from infra.archive.text_stream import Text

LARGEST_VALUE_CHARACTERS = 8 * 1024**2
"""A value that has not ended by then is no log record: the collector cuts one above 500,000 bytes (verify.py)."""
_SCAN: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined] # its stub lacks it
"""Parses the value that begins at an index of a text; StopIteration where none does."""
_SPACE = " \t\r\n"


def value(text: Text) -> Any:
    """Return the value that begins here, and go past it. Raises ArchiveError where none does, or it does not end."""
    _skip(text)
    while True:
        try:
            found, end = _SCAN(text.buffer, text.at)
        except (json.JSONDecodeError, StopIteration):
            if len(text.buffer) - text.at > LARGEST_VALUE_CHARACTERS:
                raise text.wrong("a value that is no JSON, or does not end") from None
            if not text.more():
                raise _unreadable(text) from None
            continue
        # A number may go on in the next piece.
        if end == len(text.buffer) and not text.ended:
            text.more()
            continue
        text.at = end
        return found


def members(text: Text) -> Iterator[str]:
    """Go through the object that begins here: yield each name, the value after it being next to read."""
    _expect(text, "{")
    if _next(text) == "}":
        text.at += 1
        return
    while True:
        name = value(text)
        if not isinstance(name, str):
            raise text.wrong("a member without a name")
        _expect(text, ":")
        yield name
        if not _goes_on(text, "}"):
            return


def items(text: Text) -> Iterator[None]:
    """Go through the array that begins here: yield once for each item, which is next to read."""
    _expect(text, "[")
    if _next(text) == "]":
        text.at += 1
        return
    while True:
        yield
        if not _goes_on(text, "]"):
            return


def values(text: Text) -> Iterator[Any]:
    """Go through the array that begins here and yield each item: what `items` and `value` do, for many small ones."""
    _expect(text, "[")
    if _next(text) == "]":
        text.at += 1
        return
    while True:
        yield value(text)
        # Whoever wrote millions of items put nothing but a comma between them.
        if text.buffer.startswith(",", text.at):
            text.at += 1
        elif not _goes_on(text, "]"):
            return


def end(text: Text) -> None:
    """Go past the end. Raises ArchiveError where anything but space is left."""
    _skip(text)
    if text.at < len(text.buffer):
        raise text.wrong("something stands after its end")


def _goes_on(text: Text, closing: str) -> bool:
    found = _next(text)
    if found not in (",", closing):
        raise text.wrong(f"neither a comma nor {closing}")
    text.at += 1
    return found == ","


def _expect(text: Text, character: str) -> None:
    if _next(text) != character:
        raise text.wrong(f"no {character} where one has to be")
    text.at += 1


def _next(text: Text) -> str:
    _skip(text)
    if text.at == len(text.buffer):
        raise _unreadable(text)
    return text.buffer[text.at]


def _skip(text: Text) -> None:
    while True:
        while text.at < len(text.buffer) and text.buffer[text.at] in _SPACE:
            text.at += 1
        if text.at < len(text.buffer) or not text.more():
            return


def _unreadable(text: Text) -> Exception:
    return text.wrong("it is cut short, or no JSON")
