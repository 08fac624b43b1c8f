"""What a redaction rule looks for, as RE2: names of attributes, names inside text, and values."""

from collections.abc import Iterable

from infra.documents.collector.ottl import any_of, text
from infra.policy.redaction import NAMESPACES, Action, RedactionRule

_NAME_CHARACTERS = "A-Za-z0-9_./"
_NAME_SUSPECT = (
    r"[0-9][0-9 -]{5,}[0-9]|(?:[0-9]+\.){3}[0-9]|[A-Z0-9]{16}|[A-Za-z0-9]{15}[0-9]|[0-9][A-Za-z0-9]{15}|[A-Za-z0-9]{32}"
)
BAD_NAME = rf"(?s)^(?:.*(?:[^{_NAME_CHARACTERS}-]|{_NAME_SUSPECT}).*|.{{129,}}|)$"
"""An attribute name that could carry a value: characters no name needs, long runs, addresses."""
GOOD_NAMES = rf'^\[(?:"[{_NAME_CHARACTERS}-]{{1,128}}",?)*\]$'
"""All names of a record, as JSON, when none has other characters."""
MASKED_NAME = "[attribute_name]"
_ORDER = (Action.DROP_RECORD, Action.DROP_ATTRIBUTE, Action.MASK, Action.PSEUDONYM)


def in_order(rules: Iterable[RedactionRule]) -> list[RedactionRule]:
    """Return `rules` strongest action first, else as in the policy.

    Secrets are masked before pseudonyms are made: a password that looks like an address must not become one.
    """
    return sorted(rules, key=lambda rule: _ORDER.index(rule.action))


def any_key(keys: Iterable[str]) -> str:
    """Return an alternation of these key names; `*` stands for what one part of a dotted name may begin with."""
    return any_of(keys).replace(r"\*", r'[^".]*')


def attribute_names(rule: RedactionRule) -> str:
    """Return a pattern of the attribute names that `rule` covers, with everything that lay below them.

    Flattening has turned {"cookie": {"id": 1}} into cookie.id and a list into name.0, name.1.
    """
    return _covered(rule.keys)


def any_name(rules: Iterable[RedactionRule]) -> str:
    """Return a pattern of the attribute names that any of `rules` covers."""
    return _covered(dict.fromkeys(key for rule in rules for key in rule.keys))


def _covered(keys: Iterable[str]) -> str:
    """Return one pattern of the names that `keys` cover, so that what they have in common is tried once.

    A key that may begin with anything is looked for by its end alone: it ends a part of a name wherever it stands.
    """
    listed = list(keys)
    ends = [key.removeprefix("*") for key in listed if key.startswith("*")]
    whole = [key for key in listed if key not in NAMESPACES and not key.startswith("*")]
    last = [key for key in listed if key in NAMESPACES]
    parts = [rf"(?:^|\.)(?:{any_of(whole)})(?:\.|$)"] if whole else []
    parts += [rf"(?:{any_of(ends)})(?:\.|$)"] if ends else []
    parts += [rf"(?:^|\.)(?:{any_of(last)})(?:\.[0-9]+(?:\..*)?)?$"] if last else []
    return f"(?i)(?:{'|'.join(parts)})"


def exact_names(rules: Iterable[RedactionRule]) -> list[str]:
    """Return the attribute names that `rules` cover exactly as they stand in the policy."""
    return list(dict.fromkeys(key for rule in rules for key in rule.keys if not key.startswith("*")))


def quoted_names(rule: RedactionRule) -> list[str]:
    """Return clues that one of the rule's names stands in text, in quotation marks; a shorter ending covers a longer."""
    keys = list(dict.fromkeys(key.removeprefix("*") for key in rule.keys))
    shortest = [key for key in keys if not any(key != other and key.endswith(other) for other in keys)]
    return [rf"""{any_of([key])}\\*["']\s*:""" for key in shortest]


def named_in_text(rule: RedactionRule) -> list[str]:
    """Return patterns of `"name": value` for the rule's names inside any text: JSON, or what Python prints of a dict.

    Quotation marks may be escaped, for JSON in JSON. The first group is what stays readable. There is a pattern for
    each kind of quotation mark, since Go's regexp is fast from a literal on.
    """
    value = r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|\\+"[^"]*"?|[\[{][^\]}]*[\]}]?|[^\s,}\]"'\\]+)"""
    return [rf"""(?s)({mark}(?i:{any_key(rule.keys)})\\*{mark}\s*:\s*){value}""" for mark in "\"'"]


def mask_names(target: str, *, first: str) -> str:
    """Return the statement that replaces every name in `target` that could carry a value, where `first` holds."""
    names = f"String(Keys({target}))"
    doubtful = f"(not IsMatch({names}, {text(GOOD_NAMES)}) or IsMatch({names}, {text(_NAME_SUSPECT)}))"
    return f'replace_all_patterns({target}, "key", {text(BAD_NAME)}, {text(MASKED_NAME)}) where {first} and {doubtful}'
