"""The subset of Datadog's grok that the pipelines use, as Python's regular expressions.

`number`, `data` (Datadog docs: anything, line ends too) and `regex("...")`, each with an attribute or without; what is
between them is a regular expression; a rule describes the whole text, and the first rule that does decides. It shows
that rules and samples fit each other by these definitions; Datadog's own engine may still differ.
"""

import re
from collections.abc import Mapping

from infra.documents.datadog.grok import Grok

TOKEN = re.compile(r'%\{(?P<kind>number|data|regex\("(?P<expression>[^"]*)"\))(?::(?P<attribute>[A-Za-z0-9_.]+))?\}')
MATCHERS = {"number": r"[+-]?[0-9]+(?:\.[0-9]+)?", "data": r"(?s:.*)"}


def parsed(parser: Grok, text: str) -> Mapping[str, str]:
    """Return attribute -> text as the first rule of `parser` that describes `text` reads it; nothing when none does."""
    for _, rule in parser.rules:
        pattern, attributes = _translated(rule)
        if match := re.fullmatch(pattern, text):
            return {name: match.group(f"g{number}") for number, name in enumerate(attributes)}
    return {}


def _translated(rule: str) -> tuple[str, list[str]]:
    attributes: list[str] = []

    def one(token: re.Match[str]) -> str:
        pattern = MATCHERS.get(token["kind"]) or token["expression"].replace("(", "(?:")
        if token["attribute"] is None:
            return f"(?:{pattern})"
        attributes.append(token["attribute"])
        return f"(?P<g{len(attributes) - 1}>{pattern})"

    translated = TOKEN.sub(one, rule)
    assert "%{" not in translated, f"a matcher that this subset does not have: {rule}"
    return translated, attributes
