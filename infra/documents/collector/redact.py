"""What policy/redaction.yaml says, as statements: names first, then values, wherever they stand.

The same statements run three times: on a record (its body lies among the attributes meanwhile), on its resource and
on its scope; paths without a prefix mean the group's own context, so the rendered file holds each rule once.
A record's own attributes with names that stand in the policy were covered before (names.py).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.documents.collector import clues, gate, normalise, pseudonym, readable, rules
from infra.documents.collector.ottl import CLASS, DROP, any_of, group, names, text
from infra.policy.redaction import Action, Redaction, RedactionRule

SCOPE_TEXT = {"tinybeans.scope.name": "scope.name", "tinybeans.scope.version": "scope.version"}
"""Attributes that hold a scope's own text while it is redacted."""
_NAMED, _LOW, _PAIRS = 'cache["named"]', 'cache["low"]', 'cache["pairs"]'
_STRANGE, _USUAL = 'cache["unfamiliar"] == true', 'cache["unfamiliar"] == nil'


def processor(policy: Redaction) -> dict[str, Any]:
    """Return the transform processor that applies every rule to records, resources and scopes."""
    named, every = by_exact_name(covering(policy)), steps(policy)
    return {
        "error_mode": "silent",
        "log_statements": [
            group("log", every),
            *(group("resource", statements) for statements in (shape({}), named, every)),
            *(group("scope", statements) for statements in (shape(SCOPE_TEXT), named, every)),
        ],
    }


def by_exact_name(named_rules: Iterable[RedactionRule]) -> list[str]:
    """Return the statements that cover what stands under the very names of `named_rules`, whatever it is."""
    ordered = rules.in_order(named_rules)
    named = gate.kept(_NAMED, "attributes", rules.exact_names(ordered))
    return [*named, 'set(cache["covered"], true)', *_by_name(ordered)]


def steps(policy: Redaction) -> list[str]:
    """Return the statements that apply every rule to a group's own attributes; those with exact names are covered."""
    ordered, named = rules.in_order(policy.rules), covering(policy)
    return [
        *_unusual_names(policy),
        *_by_name(named),
        *_bad_names(),
        *_named_in_text(named),
        *_by_value(ordered),
        *_drops(ordered),
    ]


def covering(policy: Redaction) -> list[RedactionRule]:
    """Return the rules that cover attributes by name, strongest action first."""
    return [rule for rule in rules.in_order(policy.rules) if rule.keys]


def shape(own_text: Mapping[str, str]) -> list[str]:
    """Return the statements after which a group's attributes are flat text, its own text (attribute to path) with them."""
    flat = [f'delete_key(attributes, "{CLASS}")', *normalise.flat("attributes")]
    return [*flat, *(f'set(attributes["{name}"], {path})' for name, path in own_text.items())]


def for_classes(rule: RedactionRule) -> str:
    """Return the condition that a record is of the rule's classes; what records share has no class and is covered."""
    cls = f'attributes["{CLASS}"]'
    return " or ".join([f"{cls} == nil", *(f'{cls} == "{name}"' for name in rule.classes)]) if rule.classes else ""


def where(*conditions: str) -> str:
    """Return the clause that all of `conditions` hold; empty ones are left out."""
    held = " and ".join(f"({condition})" for condition in conditions if condition)
    return f" where {held}" if held else ""


def text_back(own_text: Mapping[str, str]) -> Iterator[str]:
    """Yield statements that give what `own_text` names its text back, pseudonyms in place."""
    for name, path in own_text.items():
        yield f'set({path}, attributes["{name}"])'
        yield f'delete_key(attributes, "{name}")'


def _unusual_names(policy: Redaction) -> Iterator[str]:
    """Yield statements that keep, beside the record, what stands under names that only a pattern knows.

    Names are compared as they are; only where one is neither familiar nor exactly a rule's own are patterns tried.
    """
    exact = rules.exact_names(policy.rules)
    yield from gate.kept('cache["familiar"]', "attributes", gate.familiar(policy))
    yield from gate.kept(_NAMED, "attributes", exact)
    yield f'set(cache["unfamiliar"], true) where Len(cache["familiar"]) + Len({_NAMED}) != Len(attributes)'
    yield f"set({_NAMED}, attributes){where(_STRANGE)}"
    yield f"keep_matching_keys({_NAMED}, {text(rules.any_name(policy.rules))}){where(_STRANGE)}"
    yield f"delete_matching_keys({_NAMED}, {text(f'^(?:{any_of(exact)})$')}){where(_STRANGE)}"
    yield f'set(cache["covered"], true){where(_STRANGE, f"Len({_NAMED}) > 0")}'


def _by_name(covering: Iterable[RedactionRule]) -> Iterator[str]:
    for rule in covering:
        covered = ['cache["covered"] == true', for_classes(rule)]
        pattern = text(rules.attribute_names(rule))
        if rule.action is Action.DROP_ATTRIBUTE:
            yield f"delete_matching_keys(attributes, {pattern}){where(*covered)}"
            continue
        whole = (
            ("(?s)^.+$", pseudonym.marked(rule))
            if rule.action is Action.PSEUDONYM
            else ("(?s)^.*$", text(rule.replacement))
        )
        some = where(*covered, 'Len(cache["found"]) > 0')
        yield f'set(cache["found"], {_NAMED}){where(*covered)}'
        yield f'keep_keys(cache["found"], {names(rules.exact_names([rule]))}){where(*covered, _USUAL)}'
        yield f'keep_matching_keys(cache["found"], {pattern}){where(*covered, _STRANGE)}'
        yield f'replace_all_patterns(cache["found"], "value", {text(whole[0])}, {whole[1]}){some}'
        yield f'merge_maps(attributes, cache["found"], "upsert"){some}'


def _bad_names() -> Iterator[str]:
    # Only now: a name that rules cover by its own word must still have been there for them.
    yield rules.mask_names("attributes", first=_STRANGE)


def _named_in_text(covering: Iterable[RedactionRule]) -> Iterator[str]:
    """Yield statements for names that stand, with their values, inside text: JSON, or what Python prints of a dict."""
    yield f"set({_LOW}, ToLowerCase({gate.laid_out('attributes')}))"
    yield f'set(cache["quoted"], true) where {clues.any_clue(clues.QUOTED_NAMES, _LOW)}'
    for rule in covering:
        mask = text(f"${{1}}{rule.replacement}")
        here = f'cache["{rule.name}"]'
        found = where('cache["quoted"] == true', clues.any_clue(rules.quoted_names(rule), _LOW), for_classes(rule))
        yield f"set({here}, true){found}"
        for pattern in rules.named_in_text(rule):
            yield f'replace_all_patterns(attributes, "value", {text(pattern)}, {mask}){where(f"{here} == true")}'
    # What was masked has no clues any more; a pattern that is tried in vain costs ten times what this does.
    yield f'set({_LOW}, ToLowerCase({gate.laid_out("attributes")})) where cache["quoted"] == true'
    # A name before its mask is a clue of its rule, and the rule would look for nothing.
    masked = rf":\s*\[(?:{any_of(rule.name for rule in covering)})\]"
    yield f'replace_pattern({_LOW}, {text(masked)}, "") where cache["quoted"] == true'


def _by_value(ordered: list[RedactionRule]) -> Iterator[str]:
    yield from readable.statements(_LOW)
    yield clues.separated(_PAIRS, _LOW)
    known = {clue: f'cache["clue {at}"]' for at, clue in enumerate(clues.shared(ordered))}
    yield from (f"set({flag}, true) where {clues.any_clue([clue], _LOW)}" for clue, flag in known.items())
    for rule in ordered:
        if rule.pattern is not None:
            yield from _usual(rule, clues.may_match(rule, _LOW, _PAIRS, known))
            pattern, replacement = _value(rule, rule.pattern)
            limited = where(clues.may_match(rule, _LOW, _PAIRS, known), for_classes(rule))
            yield f'replace_all_patterns(attributes, "value", {text(pattern)}, {replacement}){limited}'


def _usual(rule: RedactionRule, clued: str) -> Iterator[str]:
    """Yield statements that try the rule's usual spellings, after which most texts have no clue for its pattern left."""
    if not rule.usual:
        return
    here = f'cache["usual {rule.name}"]'
    yield f"set({here}, true){where(clued, for_classes(rule))}"
    for usual in rule.usual:
        pattern, replacement = _value(rule, usual)
        yield f'replace_all_patterns(attributes, "value", {text(pattern)}, {replacement}){where(f"{here} == true")}'
    yield f"set({_LOW}, ToLowerCase({gate.laid_out('attributes')})){where(f'{here} == true')}"


def _value(rule: RedactionRule, pattern: str) -> tuple[str, str]:
    match rule.action:
        case Action.PSEUDONYM:
            return pattern, pseudonym.marked(rule)
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
