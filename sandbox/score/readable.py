"""Whether a value can be read in texts, however it is spelt there."""

import html
import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote, unquote_plus

SHORT = 8
"""Characters below which a value counts only where it stands alone: four digits stand in many a number."""
ROUNDS = 3
"""How often escapes may lie in each other: JSON in JSON in a URL."""
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\"'\\/bfnrt]))")
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Readable:
    """Texts with everything that can be read in them; `value in readable` ignores case."""

    def __init__(self, texts: Iterable[str]) -> None:
        whole = "\n".join(texts)
        self._spelt = tuple({text.casefold() for text in _spelt_out(whole)})

    def __contains__(self, value: object) -> bool:
        return self.count(str(value)) > 0

    def count(self, value: str) -> int:
        """Return how often `value` can be read, in the spelling in which it stands most often."""
        wanted = value.casefold()
        if len(wanted) >= SHORT:
            return max(text.count(wanted) for text in self._spelt)
        alone = re.compile(rf"(?<![^\W_]){re.escape(wanted)}(?![^\W_])")
        return max(len(alone.findall(text)) for text in self._spelt)


def _spelt_out(text: str) -> set[str]:
    """Return `text` and what it becomes when escapes are resolved, one kind after the other, some rounds deep."""
    found, new = {text}, {text}
    for _ in range(ROUNDS):
        new = {read(item) for item in new for read in _WAYS} - found
        found |= new
    return found


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    return chr(int(code, 16)) if code else _PLAIN.get(match[3], match[3])


def _entities(text: str) -> str:
    return html.unescape(text) if "&" in text else text


def _percent(text: str) -> str:
    return unquote(text) if "%" in text else text


def _form(text: str) -> str:
    return unquote_plus(text) if "+" in text else text


def _visible(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))


_WAYS = (_unescaped, _percent, _form, _entities, _visible)
