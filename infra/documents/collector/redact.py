"""What policy/redaction.yaml says, as statements: names first, then values, wherever they stand.

The same statements run three times: on a record (its body lies among the attributes meanwhile), on its resource and
on its scope; paths without a prefix mean the group's own context, so the rendered file holds each rule once.
Pseudonyms are made in two steps, for OTTL has no HMAC: OTTL wraps a SHA-256 in a marker, and the redaction
processor replaces each marker by the HMAC of it under the stack's pepper.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from infra.documents.collector import normalise, rules
from infra.documents.collector.ottl import CLASS, DROP, group, text
from infra.policy.redaction import Action, Redaction, RedactionRule
from infra.secrets import CATALOGUE

MARKER = "hmac-of="
PSEUDONYM_DIGITS = 24
"""Hexadecimal digits of a pseudonym that are kept: 96 bits."""
SCOPE_TEXT = {"tinybeans.scope.name": "scope.name", "tinybeans.scope.version": "scope.version"}
"""Attributes that hold a scope's own text while it is redacted."""
PEPPER = next(entry.environment_variable for entry in CATALOGUE if entry.name == "redaction-pepper")


def processor(policy: Redaction) -> dict[str, Any]:
    """Return the transform processor that applies every rule to records, resources and scopes."""
    ordered = rules.in_order(policy.rules)
    named = [rule for rule in ordered if rule.keys]
    shape = [f'delete_key(attributes, "{CLASS}")', *normalise.flat("attributes")]
    steps: list[tuple[list[str], list[str] | None]] = [
        (list(_by_name(named)), [f"IsMatch(String(Keys(attributes)), {text(rules.names_as_json(named))})"]),
        (
            list(_named_in_text(named)),
            [f"Index(String(Values(attributes)), {text(mark)}) >= 0" for mark in ('":', "':")],
        ),
        (list(_by_value(ordered)), None),
    ]
    return {
        "error_mode": "silent",
        "log_statements": [
            *(group("log", *step) for step in steps),
            *([group("log", drops)] if (drops := list(_drops(ordered))) else []),
            group("resource", ['set(resource.schema_url, "")']),
            group("resource", shape),
            *(group("resource", *step) for step in steps),
            group("scope", ['set(scope.schema_url, "")']),
            group("scope", shape),
            group("scope", [f'set(attributes["{name}"], {path})' for name, path in SCOPE_TEXT.items()]),
            *(group("scope", *step) for step in steps),
        ],
    }


def pseudonyms() -> dict[str, Any]:
    """Return the redaction processor that turns markers into pseudonyms."""
    return {
        "allow_all_keys": True,
        "blocked_values": [f"{MARKER}[0-9a-f]{{64}}"],
        "hash_function": "hmac-sha256",
        "hmac_key": f"${{env:{PEPPER}}}",
        "summary": "silent",
    }


def shortened(policy: Redaction) -> str:
    """Return the statement that cuts pseudonyms to the length that is kept."""
    names = "|".join(rule.name for rule in policy.rules if rule.action is Action.PSEUDONYM)
    kept, rest = PSEUDONYM_DIGITS, 64 - PSEUDONYM_DIGITS
    pattern = rf"(\[(?:{names}):[0-9a-f]{{{kept}}})[0-9a-f]{{{rest}}}\]"
    return f'replace_all_patterns(attributes, "value", {text(pattern)}, {text("${1}]")})'


def for_classes(rule: RedactionRule) -> str:
    """Return the condition that a record is of the rule's classes; what records share has no class and is covered."""
    cls = f'attributes["{CLASS}"]'
    return " or ".join([f"{cls} == nil", *(f'{cls} == "{name}"' for name in rule.classes)]) if rule.classes else ""


def where(*conditions: str) -> str:
    """Return the clause that all of `conditions` hold; empty ones are left out."""
    held = " and ".join(f"({condition})" for condition in conditions if condition)
    return f" where {held}" if held else ""


def scope_text_back() -> Iterator[str]:
    """Yield statements that give a scope its own text back, pseudonyms in place."""
    for name, path in SCOPE_TEXT.items():
        yield f'set({path}, attributes["{name}"])'
        yield f'delete_key(attributes, "{name}")'


def _by_name(named: Iterable[RedactionRule]) -> Iterator[str]:
    for rule in named:
        names, limited = text(rules.attribute_names(rule)), where(for_classes(rule))
        if rule.action is Action.DROP_ATTRIBUTE:
            yield f"delete_matching_keys(attributes, {names}){limited}"
            continue
        whole = (
            ("(?s)^.+$", _pseudonym(rule)) if rule.action is Action.PSEUDONYM else ("(?s)^.*$", text(rule.replacement))
        )
        yield f'set(cache["found"], attributes){limited}'
        yield f'keep_matching_keys(cache["found"], {names}){limited}'
        yield f'replace_all_patterns(cache["found"], "value", {text(whole[0])}, {whole[1]}){limited}'
        yield f'merge_maps(attributes, cache["found"], "upsert"){limited}'


def _named_in_text(named: Iterable[RedactionRule]) -> Iterator[str]:
    for rule in named:
        pattern, mask = text(rules.named_in_text(rule)), text(f"${{1}}{rule.replacement}")
        yield f'replace_all_patterns(attributes, "value", {pattern}, {mask}){where(for_classes(rule))}'


def _by_value(ordered: Iterable[RedactionRule]) -> Iterator[str]:
    # Only now: a name that rules cover by its own word must still have been there for them.
    yield rules.mask_names("attributes")
    yield 'set(cache["text"], String(Values(attributes)))'
    for rule in ordered:
        if rule.pattern is not None:
            pattern, replacement = _value(rule, rule.pattern)
            limited = where(rules.gate(rule, 'cache["text"]'), for_classes(rule))
            yield f'replace_all_patterns(attributes, "value", {text(pattern)}, {replacement}){limited}'


def _value(rule: RedactionRule, pattern: str) -> tuple[str, str]:
    match rule.action:
        case Action.PSEUDONYM:
            return pattern, _pseudonym(rule)
        case Action.DROP_ATTRIBUTE:
            # OTTL cannot remove an attribute by its value; nothing of the value stays.
            return f"(?s)^.*(?:{pattern}).*$", text(rule.replacement)
        case _:
            keep = "${keep}" if "(?P<keep>" in pattern else ""
            return pattern, text(f"{keep}{rule.replacement}")


def _drops(ordered: Iterable[RedactionRule]) -> Iterator[str]:
    """Yield statements that mark records to be dropped: those that now hold the mask of such a rule."""
    for rule in ordered:
        if rule.action is Action.DROP_RECORD:
            masked = f"Index(String(Values(attributes)), {text(rule.replacement)}) >= 0"
            yield f'set(attributes["{DROP}"], {text(rule.name)}){where(masked, for_classes(rule))}'


def _pseudonym(rule: RedactionRule) -> str:
    return f"{text('${0}')}, SHA256, {text(f'[{rule.name}:{MARKER}%s]')}"
