"""Fail closed: a record leaves for a sink only when redaction came to its end and a second look finds nothing.

The first statement takes back whatever marker a client forged; the last sets `ok`, and only when nothing was found.
Everything else the router sends to quarantine.
"""

from collections.abc import Iterator
from typing import Any

from infra.documents.collector import clues, finish, gate, pseudonym, redact, rules
from infra.documents.collector.ottl import (
    ATTRIBUTES,
    OK,
    PENDING,
    PROBLEM,
    REASON,
    REDACTION,
    TEXT,
    attribute,
    cache,
    group,
    text,
)
from infra.policy.redaction import Redaction

LONG_BYTES, LONGEST_VALUE_BYTES = 500_000, 32_768
"""A record above the first has each value cut to the second; one that is still above it is withheld. CloudWatch
Logs takes 1 MB a record, and the exporter's batches are kept below that."""
_SCAN, _LOW, _REASON = cache("scan"), cache("low"), cache("reason")
_DOUBT, _PAIRS = cache("doubt"), cache("pairs")


def rescan(policy: Redaction) -> dict[str, Any]:
    """Return the transform processor that lays the text of a redacted record out once more, masks left out.

    The gate's search runs over it again; a record in which a name or its length is doubtful keeps a mask as its text.
    """
    short = [pseudonym.shortened(policy)]
    return {
        "error_mode": "silent",
        "log_statements": [
            *(group(context, short) for context in ("resource", "scope", "log")),
            group("scope", list(redact.text_back(redact.SCOPE_TEXT))),
            group("log", list(_laid_out_again(policy))),
        ],
    }


def search(policy: Redaction) -> dict[str, Any]:
    """Return the redaction processor that looks for clues of values once more.

    That a name stands in quotation marks is no clue here: what stands behind it was covered, and a value that was not
    has a clue of its own.
    """
    return gate.search([clue for clue in clues.of(policy) if clue not in clues.QUOTED_NAMES])


def processor(policy: Redaction) -> dict[str, Any]:
    """Return the transform processor that tries each rule's pattern where the search found a clue, and sets the marker."""
    return {
        "error_mode": "silent",
        "log_statements": [
            gate.passed("true"),
            group("log", list(_statements(policy)), [f'attributes["{REDACTION}"] != "{OK}"']),
        ],
    }


def _laid_out_again(policy: Redaction) -> Iterator[str]:
    yield f"set({attribute(REDACTION)}, {text(PENDING)})"
    yield f'set({attribute(PROBLEM)}, "attribute_name") where {attribute(rules.MASKED_NAME)} != nil'
    yield from doubtful_names(policy)
    yield f"set({_SCAN}, {_everything()})"
    yield from _long_records()
    yield without_masks(policy)
    yield f"set({_DOUBT}, true) where {attribute(REASON)} != nil"
    yield f"set({cache('text')}, true) where IsString(log.body) and IsString({_SCAN})"
    yield f"set(log.body, {text(gate.DOUBT)}) where {cache('text')} == true"
    yield f"set(log.body, {gate.searchable(_SCAN)}) where {cache('text')} == true and {_DOUBT} == nil"


def _statements(policy: Redaction) -> Iterator[str]:
    yield from _scanned(policy)
    yield f"set({_LOW}, ToLowerCase({_SCAN}))"
    yield clues.separated(_PAIRS, _LOW)
    yield f"set({_REASON}, {attribute(REASON)})"
    yield f'set({_REASON}, "shape") where not IsString({_LOW}) or not IsString(log.body)'
    yield f'set({_REASON}, "size") where Len({_SCAN}) > {LONG_BYTES}'
    yield from doubtful_names(policy)
    yield f'set({_REASON}, "name") where {_DOUBT} == true'
    yield from look_again(policy)
    clean = f"{_REASON} == nil"
    yield f"set(log.body, {attribute(TEXT)}) where {clean}"
    yield f"delete_key({ATTRIBUTES}, {text(TEXT)}) where {clean}"
    yield from finish.statements()
    yield f"set({attribute(REASON)}, {_REASON}) where {_REASON} != nil"
    yield f"set({attribute(REDACTION)}, {text(OK)}) where {clean} and IsString(log.body) and IsString({_LOW})"


def _scanned(policy: Redaction) -> Iterator[str]:
    """Yield statements that lay out all text that a sink would see, with nothing where masks stand."""
    yield f"set({_SCAN}, {_everything()})"
    yield without_masks(policy)


def without_masks(policy: Redaction, context: str = "log") -> str:
    """Return the statement that leaves nothing of the policy's masks in the text that is looked at again."""
    mask = rf"\[(?:{'|'.join(rule.name for rule in policy.rules)})(?::[0-9a-f]+)?\]"
    return f'replace_pattern({cache("scan", context)}, {text(mask)}, "[]")'


def _everything() -> str:
    parts = ", ".join(gate.laid_out(name) for name in (ATTRIBUTES, "resource.attributes", "scope.attributes"))
    return f'Concat([{parts}, "scope", scope.name, scope.version], {text(gate.NEXT)})'


def _long_records() -> Iterator[str]:
    long = f"{cache('long')} == true"
    yield f"set({cache('long')}, true) where Len({_SCAN}) > {LONG_BYTES} or not IsString({_SCAN})"
    yield f"truncate_all({ATTRIBUTES}, {LONGEST_VALUE_BYTES}) where {long}"
    yield f'set({attribute(PROBLEM)}, "truncated") where {long}'
    yield f"set({_SCAN}, {_everything()}) where {long}"


def doubtful_names(policy: Redaction, context: str = "log") -> Iterator[str]:
    """Yield statements that find a covered name whose value does not begin like a mask."""
    everywhere = [rule for rule in policy.rules if rule.keys and not rule.classes]
    target, known, named = f"{context}.attributes", cache("familiar", context), cache("named", context)
    yield from gate.kept(known, target, gate.familiar(policy))
    yield from gate.kept(named, target, rules.exact_names(everywhere))
    strange = f"where Len({known}) + Len({named}) != Len({target})"
    yield f"set({named}, {target}) {strange}"
    yield f"keep_matching_keys({named}, {text(rules.any_name(everywhere))}) where Len({named}) == Len({target})"
    unmasked = f"IsMatch({gate.laid_out(named)}, {text(gate.UNMASKED)})"
    yield f"set({cache('doubt', context)}, true) where Len({named}) > 0 and {unmasked}"


def look_again(policy: Redaction, context: str = "log") -> Iterator[str]:
    """Yield statements that name as the reason whatever marker or value of a rule the text still holds."""
    scan, low, reason = cache("scan", context), cache("low", context), cache("reason", context)
    yield f'set({reason}, "pseudonym") where Index({scan}, {text(clues.MARKER)}) >= 0'
    for rule in rules.in_order(policy.rules):
        if rule.pattern is not None:
            found = f"IsMatch({scan}, {text(rule.pattern)})"
            clued = clues.may_match(rule, low, cache("pairs", context), {})
            yield f"set({reason}, {text(rule.name)}){redact.where(clued, redact.for_classes(rule), found)}"
