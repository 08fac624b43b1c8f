"""A small evaluator of IAM policy documents: what AWS would decide, as far as this repository's documents go.

It knows the operators and keys that the documents use and refuses everything else, so that a condition it does not
understand can never pass for one that holds. Not modelled: account-root principals stand for themselves only (AWS
also delegates to the account's IAM policies), permission boundaries, session policies and service control policies.
Source: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any


class Decision(StrEnum):
    """What the documents together say; silence is a refusal."""

    ALLOWED = "allowed"
    DENIED = "denied"
    SILENT = "silent"


@dataclass(frozen=True)
class Request:
    """One call: by whom, what, on what, and the condition keys that it carries."""

    principal: str
    """ARN of a role, user or root, or a service such as cloudtrail.amazonaws.com."""
    action: str
    resource: str
    keys: Mapping[str, str] = field(default_factory=dict)
    """Condition keys that are present, in any case."""

    @property
    def context(self) -> dict[str, str]:
        """Return the condition keys in lower case, with the principal's own."""
        own = {"aws:principalarn": self.principal} if self.principal.startswith("arn:") else {}
        return {**own, **{key.lower(): value for key, value in self.keys.items()}}


def decide(request: Request, *documents: Mapping[str, Any]) -> Decision:
    """Return what `documents` say to `request`: one explicit deny outweighs every allow."""
    effects = {
        statement["Effect"]
        for document in documents
        for statement in document["Statement"]
        if applies(statement, request)
    }
    if "Deny" in effects:
        return Decision.DENIED
    return Decision.ALLOWED if "Allow" in effects else Decision.SILENT


def applies(statement: Mapping[str, Any], request: Request) -> bool:
    """Return whether `statement` speaks about `request`. Raises ValueError for elements it does not know."""
    known = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
    if unknown := statement.keys() - known:
        raise ValueError(f"statement {statement.get('Sid')}: cannot evaluate {sorted(unknown)}")
    return (
        _principal_matches(statement.get("Principal"), request.principal)
        and any(fnmatchcase(request.action.lower(), pattern.lower()) for pattern in listed(statement["Action"]))
        and any(_like(request.resource, pattern) for pattern in listed(statement.get("Resource", "*")))
        and all(
            _holds(operator, key.lower(), listed(values), request.context)
            for operator, wanted in statement.get("Condition", {}).items()
            for key, values in wanted.items()
        )
    )


def listed(value: Any) -> list[str]:
    """Return a policy element as a list: JSON policies may write a single value without brackets."""
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]


def _principal_matches(principal: Any, who: str) -> bool:
    if principal is None or principal == "*":  # an identity policy speaks about whoever it is attached to
        return True
    named: Iterable[str] = (name for names in principal.values() for name in listed(names))
    return any(name in ("*", who) for name in named)


def _like(value: str, pattern: str) -> bool:
    # fnmatch gives brackets a meaning that IAM does not.
    return fnmatchcase(value, pattern.replace("[", "[[]"))


_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "NumericGreaterThan": lambda given, limit: float(given) > float(limit),
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "NumericLessThan": lambda value, wanted: float(value) < float(wanted),
}


def _holds(operator: str, key: str, wanted: list[str], context: Mapping[str, str]) -> bool:
    if operator == "Null":
        return any((key not in context) == (value.lower() == "true") for value in wanted)
    base = operator.removesuffix("IfExists")
    positive = base.replace("Not", "", 1)
    if positive not in _COMPARISONS:
        raise ValueError(f"cannot evaluate the operator {operator}")
    negated = base != positive
    if key not in context:  # IAM: a missing key fails a positive operator and satisfies a negated one
        return negated or operator != base
    return any(_COMPARISONS[positive](context[key], value) for value in wanted) != negated
