"""The gate before redaction: records in which no rule can find anything pass; all others, and all doubt, go on.

Each record's text lies in its body meanwhile, in lower case and with names, while the body waits in an attribute. The
redaction processor looks for the policy's clues in it, natively and so at a tenth of OTTL's cost; whatever it finds it
overwrites with `****`. Text that is still whole holds no clue, so no pattern can match: that is the residual scan of
such a record. A name that is not among the policy's familiar names is a clue by itself.
What records share (resource and scope) is looked at once a batch, and its verdict stands in an attribute of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.documents.collector import clues, finish, route
from infra.documents.collector.normalise import flat
from infra.documents.collector.ottl import (
    ATTRIBUTES,
    NAMED,
    NORMAL,
    OK,
    PENDING,
    REASON,
    REDACTION,
    TEXT,
    attribute,
    cache,
    group,
    names,
    text,
)
from infra.documents.collector.pseudonym import shortened
from infra.documents.collector.readable import BROKEN
from infra.documents.collector.rules import exact_names
from infra.policy.redaction import Redaction

ROUTER = "routing/gate"
REDACT = "redact"
MASK = "****"
"""What the redaction processor writes over a clue (contrib v0.158, processor.go maskValue)."""
DOUBT = "in doubt"
"""Text of a record that is not to pass: no mask stands at its end."""
SHARED = "tinybeans.shared"
"""Attribute of a resource or scope: whether nothing was found in it."""
LONGEST_BYTES = 32_768
"""A longer text is cut or withheld further on; Go's regexp also slows down on such texts."""
OWN_NAMES = (TEXT, REDACTION, SHARED)
_FAMILIAR, _NORMAL = cache("familiar"), attribute(NORMAL)
PAIR, NEXT = ";\t", ";\n"
"""What stands between a name and its value, and between two pairs, in the text that is searched: nothing that a pattern
takes for a value's beginning."""
UNMASKED = rf"(?m)^[^\t\n]*{PAIR}[^\[]"
"""A value that does not begin like a mask, where names and values are laid out a pair a line."""
CANARY = "canary-at-the-end-of-the-text"


def shared(policy: Redaction) -> dict[str, Any]:
    """Return the transform processor that gives each resource and each scope its verdict."""
    return {
        "error_mode": "silent",
        "log_statements": [
            group("resource", list(_verdict(policy, "resource", []))),
            group("scope", list(_verdict(policy, "scope", ["scope.name", "scope.version"]))),
        ],
    }


def scan(policy: Redaction) -> dict[str, Any]:
    """Return the transform processor that lays each record's text out in its body.

    What stood under a name that a rule covers is a mask or pseudonym by now (names.py). It is left out, and so are
    its digits: a record in which something else stands there does not pass.
    """
    return {
        "error_mode": "silent",
        "log_statements": [group("log", list(_laid_out(policy)))],
    }


def _laid_out(policy: Redaction) -> Iterator[str]:
    named, covered = cache("named"), cache("covered")
    masked = f"not IsMatch({laid_out(named)}, {text(UNMASKED)}) and Index({laid_out(named)}, {text(clues.MARKER)}) < 0"
    yield f"set({attribute(REDACTION)}, {text(PENDING)})"
    yield f"set({cache('text')}, true) where IsString(log.body) or log.body == nil"
    # An unfamiliar name lets nothing pass here, and the second look asks for it.
    yield f'set({attribute(REASON)}, "shape") where {_NORMAL} == nil'
    yield f"set({covered}, true) where {attribute(NAMED)} != nil"
    yield f"delete_key({ATTRIBUTES}, {text(NORMAL)})"
    yield f"delete_key({ATTRIBUTES}, {text(NAMED)}) where {covered} == true"
    yield f'set({attribute(TEXT)}, "")'
    yield f"set({attribute(TEXT)}, log.body) where IsString(log.body)"
    yield from kept(_FAMILIAR, ATTRIBUTES, familiar(policy))
    yield f"set(log.body, {text(DOUBT)}) where {cache('text')} == true"
    yield f"set({cache('known')}, true) where {covered} == nil and Len({_FAMILIAR}) == Len({ATTRIBUTES})"
    yield f"set({named}, {ATTRIBUTES}) where {covered} == true"
    yield f"keep_keys({named}, {names(exact_names(policy.rules))}) where {covered} == true"
    yield f"{shortened(policy, named)} where {covered} == true"
    yield f'merge_maps({ATTRIBUTES}, {named}, "upsert") where {covered} == true'
    everything = f"Len({_FAMILIAR}) + Len({named}) == Len({ATTRIBUTES})"
    yield f"set({cache('known')}, true) where {covered} == true and {everything} and {masked}"
    yield f"set(log.body, {searchable(laid_out(_FAMILIAR))}) where {cache('text')} == true and {cache('known')} == true"
    yield f"set(log.body, {text(DOUBT)}) where Index(log.body, {text(BROKEN)}) >= 0"


def search(found: Iterable[str]) -> dict[str, Any]:
    """Return the redaction processor that overwrites the clues `found` in bodies and touches no attribute."""
    return {
        "allow_all_keys": True,
        "ignored_key_patterns": ["^"],
        "blocked_values": [clue.replace("$", "$$") for clue in (*found, CANARY)],  # `${` would be expanded
        "summary": "silent",
    }


def judge() -> dict[str, Any]:
    """Return the transform processor that marks records in which nothing was found, and makes them whole again."""
    verdicts = " and ".join(
        f'{part}.attributes[{text(SHARED)}] == "{OK}"' for part in ("resource", "instrumentation_scope")
    )
    return {"error_mode": "silent", "log_statements": [passed(verdicts), *unmarked()]}


def passed(condition: str) -> dict[str, Any]:
    """Return the group of statements for records whose text the search left whole, where `condition` holds too."""
    only_canary = f"Index(body, {text(MASK)}) == Len(body) - {len(MASK)}"
    laid_out_here = f"attributes[{text(TEXT)}] != nil"  # else a body that ends in asterisks would do
    untouched = f"IsString(body) and {only_canary} and Len(body) < {LONGEST_BYTES} and {laid_out_here}"
    statements = [
        f"set(log.body, {attribute(TEXT)})",
        f"delete_key({ATTRIBUTES}, {text(TEXT)})",
        *finish.statements(),
        f"set({attribute(REDACTION)}, {text(OK)}) where IsString(log.body)",
    ]
    return group("log", statements, [f"{untouched} and {condition}"])


def unmarked() -> Iterator[dict[str, Any]]:
    """Yield the groups of statements that take the verdicts off resources and scopes."""
    for context in ("resource", "scope"):
        yield group(context, [f"delete_key({context}.attributes, {text(SHARED)})"])


def connector(ways: Mapping[str, str]) -> dict[str, Any]:
    """Return the routing connector: passed records to their class's pipeline, everything else to redaction."""
    return route.by_class(ways, otherwise=REDACT)


def laid_out(target: str) -> str:
    """Return an expression for all names and values of `target` as one text; only quotation marks get a backslash."""
    return f"ToKeyValueString({target}, {text(PAIR)}, {text(NEXT)})"


def searchable(laid: str) -> str:
    """Return an expression for the text `laid` in the form in which it is searched, the canary at its end.

    The search must have overwritten the canary: where it has not, it did not run, and nothing it left whole is proven.
    """
    return f"ToLowerCase(Concat([{laid}, {text(CANARY)}], {text(NEXT)}))"


def familiar(policy: Redaction) -> list[str]:
    """Return the attribute names that no rule covers and that say nothing by themselves."""
    return [*policy.familiar_names, *OWN_NAMES]


def kept(target: str, source: str, listed: Iterable[str]) -> Iterator[str]:
    """Yield statements that make `target` a copy of `source` with none but the listed names."""
    yield f"set({target}, {source})"
    yield f"keep_keys({target}, {names(listed)})"


def _verdict(policy: Redaction, context: str, own: list[str]) -> Iterator[str]:
    target, known, scanned = f"{context}.attributes", cache("familiar", context), cache("scan", context)
    mark = f"{target}[{text(SHARED)}]"
    parts = ", ".join([*own, laid_out(target)])
    yield f"set({mark}, {text(PENDING)})"
    yield f'set({context}.schema_url, "")'
    yield from flat(target)
    yield from kept(known, target, familiar(policy))
    yield f"set({scanned}, ToLowerCase(Concat([{parts}], {text(NEXT)})))"
    nothing = f"Index({scanned}, {text(BROKEN)}) < 0 and not ({clues.any_clue(clues.of(policy), scanned)})"
    yield f"set({mark}, {text(OK)}) where Len({known}) == Len({target}) and IsString({scanned}) and {nothing}"
