"""What a redaction rule looks for, as RE2: names of attributes, names inside text, and values."""

import re
from collections.abc import Iterable

from infra.documents.collector.ottl import any_of, text
from infra.policy.redaction import Action, RedactionRule

NAMESPACES = ("code",)
"""Names that semantic conventions use as a namespace of harmless attributes (code.function.name): sensitive as the
last part of a name, not in its midst."""
GATE_CHARACTERS = re.compile(r"^[A-Za-z0-9 @%:/_.=+-]+$")
"""Literals that stand in JSON text as they stand in the value; only such a literal can be looked for there."""
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


def attribute_names(rule: RedactionRule) -> str:
    """Return a pattern of the attribute names that `rule` covers, with everything that lay below them.

    Flattening has turned {"cookie": {"id": 1}} into cookie.id and a list into name.0, name.1.
    """
    whole = [key for key in rule.keys if key not in NAMESPACES]
    last = [key for key in rule.keys if key in NAMESPACES]
    patterns = [rf"(?:{any_of(whole)})(?:\.|$)"] if whole else []
    patterns += [rf"(?:{any_of(last)})(?:\.[0-9]+(?:\..*)?)?$"] if last else []
    return rf"(?i)(?:^|\.)(?:{'|'.join(patterns)})"


def names_as_json(rules: Iterable[RedactionRule]) -> str:
    """Return a pattern that matches the names of a record, as a JSON list, when any rule may cover one of them."""
    return rf'(?i)[".](?:{any_of(key for rule in rules for key in rule.keys)})[".]'


def unmasked_name(rules: Iterable[RedactionRule]) -> str:
    """Return a pattern that finds, in attributes as JSON, a covered name whose value does not begin like a mask."""
    keys = [key for rule in rules if not rule.classes for key in rule.keys]
    below = rf'(?:{any_of(key for key in keys if key not in NAMESPACES)})(?:\.[^"]*)?'
    return rf'(?i)[".](?:{below}|{any_of(key for key in keys if key in NAMESPACES) or below})":"[^"\[]'


def named_in_text(rule: RedactionRule) -> str:
    """Return a pattern of `"name": value` for the rule's names inside any text: JSON, or what Python prints of a dict.

    Quotation marks may be escaped, for JSON in JSON. The first group is what stays readable.
    """
    value = r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|\\+"[^"]*"?|[\[{][^\]}]*[\]}]?|[^\s,}\]"'\\]+)"""
    return rf"""(?is)(["'](?:{any_of(rule.keys)})\\*["']\s*:\s*){value}"""


def gate(rule: RedactionRule, scanned: str) -> str:
    """Return the OTTL condition that one of the rule's literals is in `scanned`; empty where that cannot be said.

    A pattern that ignores case is always tried: its literals cannot name every way to write them.
    """
    if not rule.literals or "(?i" in (rule.pattern or "") or not all(map(GATE_CHARACTERS.match, rule.literals)):
        return ""
    return " or ".join(f'Index({scanned}, "{literal}") >= 0' for literal in rule.literals)


def mask_names(target: str) -> str:
    """Return the statement that replaces every attribute name in `target` that could carry a value."""
    names = f"String(Keys({target}))"
    doubtful = f"not IsMatch({names}, {text(GOOD_NAMES)}) or IsMatch({names}, {text(_NAME_SUSPECT)})"
    return f'replace_all_patterns({target}, "key", {text(BAD_NAME)}, {text(MASKED_NAME)}) where {doubtful}'
