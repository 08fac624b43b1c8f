"""Cheap signs that a rule may have something to find: the tests that come before any costly pattern.

Go's regexp jumps from one occurrence of a literal to the next, and walks where a pattern begins with a choice; so each
clue begins with a literal, and one that begins with a set of digits is tried digit by digit. Clues are compared with
text in lower case.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from infra.documents.collector.ottl import text
from infra.policy.redaction import Redaction, RedactionRule

QUOTED_NAMES = (r'"\s*:', r"'\s*:")
"""What stands behind a name in JSON, or in what Python prints of a dict: names in text that a rule may cover."""
SEPARATORS = ("=", ":", "%3d", "u003d")
NAME_ENDS = ("[=:]", "(?:[=:]|%3d|u003d)")
"""How clues end that look for a name with a value behind it; what they end in is one of SEPARATORS."""
MARKER = "hmac-of="
"""What a value to be made a pseudonym of stands behind, until the redaction processor has hashed it."""
COMMON = "bgfhp/mud_clrsnioate "
"""Characters by how often they stand in log text in lower case, commonest last; those that are missing are rarer."""
KEPT = 5
"""Literal characters that a clue keeps, so that it still says something."""
_LITERALS = re.compile(r"[a-z0-9 _/:=@%-]+")
_SET = re.compile(r"^\[([0-9-]+)\]")


def of(policy: Redaction) -> list[str]:
    """Return every clue that a record may hold something which `policy` names."""
    return [MARKER, *QUOTED_NAMES, *clues(policy.rules)]


def clues(rules: Iterable[RedactionRule]) -> list[str]:
    """Return the clues of all `rules`, each once, as patterns that begin with a literal."""
    return list(dict.fromkeys(tried for rule in rules for clue in rule.clues for tried in led_by_literals(clue)))


def led_by_literals(clue: str) -> list[str]:
    """Return what is tried in place of `clue`: one pattern for each digit of the set that it begins with, or one that
    begins at the rarest character of its literal beginning. Either matches wherever the clue does."""
    found = _SET.match(clue)
    if found is None:
        return [clue[_rarest(clue) :]]
    rest = clue[found.end() :]
    first = re.match(r"\{([0-9]+)\}", rest)
    if first:
        left = int(first[1]) - 1
        rest = (f"{found[0]}{{{left}}}" if left > 1 else found[0] * left) + rest[first.end() :]
    return [f"{digit}{rest}" for digit in "0123456789" if re.match(found[0], digit)]


def _rarest(clue: str) -> int:
    """Return where in the literal beginning of `clue` its rarest character stands, with enough left behind it."""
    run = _LITERALS.match(clue)
    if run is None:
        return 0
    last = run.end() - (run.end() < len(clue) and clue[run.end()] in "?*{")
    places = range(max(1, last - KEPT + 1))
    return min(places, key=lambda place: (COMMON.find(clue[place]), place))


def any_clue(found: Iterable[str], scanned: str) -> str:
    """Return the OTTL condition that one of the clues `found` is in `scanned`, an expression of text in lower case."""
    return " or ".join(f"IsMatch({scanned}, {text(clue)})" for clue in found)


def shared(rules: Iterable[RedactionRule]) -> list[str]:
    """Return the clues that more than one of `rules` has: they are tried once for all of them."""
    counted = Counter(clue for rule in rules for clue in clues([rule]))
    return [clue for clue, times in counted.items() if times > 1]


def separated(flag: str, scanned: str) -> str:
    """Return the statement that sets `flag` where `scanned` has anything that can stand between a name and its value."""
    return f"set({flag}, true) where {any_clue(SEPARATORS, scanned)}"


def may_match(rule: RedactionRule, scanned: str, flag: str, known: Mapping[str, str]) -> str:
    """Return the OTTL condition that `rule` may have something to find in `scanned`.

    Clues that end in a separator are only tried where `flag` says that there is one: in most texts there is none.
    `known` are clues that were tried before, with the flags that say whether they were found.
    """
    found = clues([rule])
    tried = [known[clue] for clue in found if clue in known]
    pairs = [clue for clue in found if clue.endswith(NAME_ENDS) and clue not in known]
    others = [clue for clue in found if clue not in pairs and clue not in known]
    ways = [f"({flag} == true and ({any_clue(pairs, scanned)}))"] if pairs else []
    return " or ".join(
        [*(f"{item} == true" for item in tried), *([any_clue(others, scanned)] if others else []), *ways]
    )
