"""Records that come back from the archive: looked at once more, changed in nothing, and let through only when clean.

They were redacted when they were archived, and redacting them again would make pseudonyms of pseudonyms. So of the
cleaning only its two searches run: the gate's, and for what the gate cannot pass the second look of verify.py, both by
today's policy. What they do not pass, and what does not bear the marks that every archived record has, goes nowhere.
"""

from collections.abc import Iterator
from typing import Any

from infra.documents.collector import clues, gate, route, rules, verify
from infra.documents.collector.clean import Cleaning
from infra.documents.collector.normalise import UID_PATTERN
from infra.documents.collector.ottl import (
    ATTRIBUTES,
    CLASS,
    NORMAL,
    PENDING,
    REASON,
    REDACTION,
    UID,
    any_of,
    attribute,
    cache,
    group,
    text,
)
from infra.documents.collector.part import Part, pipeline
from infra.policy import Policy

RECHECK = "recheck"
NOT_ARCHIVED = "not_archived"
"""Reason of what no collector archived: without a uid, a class that may go there, or a time."""
WITHHELD_NAME = "tinybeans.replay.name"
"""Attribute of a resource or scope in which a covered name stands with a value that is no mask."""


def cleaning(policy: Policy, classes: tuple[str, ...]) -> Cleaning:
    """Return the stages between the replay's door and the pipelines of `classes`."""
    first: dict[str, Any] = {
        "transform/archived": archived(policy, classes),
        "transform/shared": gate.shared(policy.redaction),
        "transform/scan": gate.scan(policy.redaction),
        "redaction/gate": gate.search(clues.of(policy.redaction)),
        "transform/gate": gate.judge(),
    }
    second: dict[str, Any] = {
        "transform/rescan": verify.rescan(policy.redaction),
        "redaction/again": verify.search(policy.redaction),
        "transform/verify": verify.processor(policy.redaction),
    }
    ways = {name: route.pipeline(name) for name in classes}
    return Cleaning(
        Part(
            processors={**first, **second},
            connectors={
                gate.ROUTER: route.by_class(ways, otherwise=RECHECK),
                route.ROUTER: route.connector(ways),
            },
            pipelines={route.pipeline(RECHECK): pipeline([gate.ROUTER], second, [route.ROUTER])},
        ),
        tuple(first),
        gate.ROUTER,
        (gate.ROUTER, route.ROUTER),
    )


def archived(policy: Policy, classes: tuple[str, ...]) -> dict[str, Any]:
    """Return the transform processor that prepares archived records for the searches, and marks what is none."""
    return {
        "error_mode": "silent",
        "log_statements": [
            *(group(context, list(_names(policy, context))) for context in ("resource", "scope")),
            group("log", list(_record(classes))),
        ],
    }


def _record(classes: tuple[str, ...]) -> Iterator[str]:
    uid, cls, known = attribute(UID), attribute(CLASS), text(f"^(?:{any_of(classes)})$")
    # Archived records are flat already; in what is not, a name could hide from the searches.
    yield f"flatten({ATTRIBUTES})"
    yield f"set({attribute(REDACTION)}, {text(PENDING)})"
    for missing in (
        f"{uid} == nil or not IsMatch({uid}, {text(UID_PATTERN)})",
        f"{cls} == nil or not IsMatch({cls}, {known})",
        "log.time_unix_nano == 0",
    ):
        yield f"set({attribute(REASON)}, {text(NOT_ARCHIVED)}) where {missing}"
    for context in ("resource", "instrumentation_scope"):
        yield f'set({attribute(REASON)}, "name") where {context}.attributes[{text(WITHHELD_NAME)}] != nil'
    # As on the first way: a UUID can look like a card number, and waits where no rule looks (normalise.py).
    yield 'set(log.event_name, "")'
    yield f"set(log.event_name, {uid}) where {uid} != nil"
    yield f"delete_key({ATTRIBUTES}, {text(UID)})"
    yield f"set({attribute(NORMAL)}, true)"


def _names(policy: Policy, context: str) -> Iterator[str]:
    """Yield statements that mark a resource or scope in which a covered name has a value that is no mask.

    The second look asks this of a record's own names only, for on the first way redaction has seen to the others.
    """
    target, named = f"{context}.attributes", cache("named", context)
    everywhere = [rule for rule in policy.redaction.rules if rule.keys and not rule.classes]
    yield f"flatten({target})"
    yield f"delete_key({target}, {text(WITHHELD_NAME)})"
    yield f"set({named}, {target})"
    yield f"keep_matching_keys({named}, {text(rules.any_name(everywhere))})"
    unmasked = f"Len({named}) > 0 and IsMatch({gate.laid_out(named)}, {text(gate.UNMASKED)})"
    yield f"set({target}[{text(WITHHELD_NAME)}], true) where {unmasked}"
