"""What stands under a name that a rule covers, made a mask or pseudonym before anything is searched.

Most records that hold something hold it there: the address of a client, the name of an account. Once it is covered,
the rest of such a record passes the gate like any other.
"""

from typing import Any

from infra.documents.collector import gate, redact, rules
from infra.documents.collector.ottl import ATTRIBUTES, NAMED, attribute, cache, group, names, text
from infra.policy.redaction import Action, Redaction

SECRET, PERSONAL = "secret", "personal"
"""What a record had under covered names: at least one value to be masked, or only such as become pseudonyms."""


def processor(policy: Redaction) -> dict[str, Any]:
    """Return the transform processor that covers attributes by their names and marks records that have any.

    Only names exactly as the policy has them: a record with other doubtful names is left to redaction.
    """
    covering = redact.covering(policy)
    pseudonyms = [rule for rule in covering if rule.action is Action.PSEUDONYM]
    others = [rule for rule in covering if rule not in pseudonyms]
    mark, found = f"attributes[{text(NAMED)}]", cache("named")
    return {
        "error_mode": "silent",
        "log_statements": [
            group(
                "log",
                [
                    *gate.kept(found, ATTRIBUTES, rules.exact_names(policy.rules)),
                    f"set({attribute(NAMED)}, {text(PERSONAL)}) where Len({found}) > 0",
                    f"keep_keys({found}, {names(rules.exact_names(others))}) where {attribute(NAMED)} != nil",
                    f"set({attribute(NAMED)}, {text(SECRET)}) where {attribute(NAMED)} != nil and Len({found}) > 0",
                ],
            ),
            group("log", redact.by_exact_name(others), [f"{mark} == {text(SECRET)}"]),
            group("log", redact.by_exact_name(pseudonyms), [f"{mark} != nil"]),
        ],
    }
