"""What an outside checker found, and which of it policy/exceptions.yaml accepts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from infra.policy.exceptions import AcceptedFinding, Checker
from tests.engine import Registered


@dataclass(frozen=True, order=True)
class Finding:
    """One complaint of one checker about one resource of one stack."""

    checker: Checker
    id: str
    """The checker's own identifier."""
    resource: str
    """`type/name`, as exceptions name it: `aws:s3/bucket:Bucket/audit-archive-bucket`."""
    message: str
    stack: str
    """The stack, or `stack+variation`."""

    @property
    def environment(self) -> str:
        """Return the environment that the stack belongs to."""
        return self.stack.partition("+")[0]


def named(item: Registered) -> str:
    """Return `type/name` of a resource."""
    return f"{item.type}/{item.name}"


def unaccepted(findings: Iterable[Finding], exceptions: Sequence[AcceptedFinding]) -> list[Finding]:
    """Return the findings that no exception covers."""
    return sorted({it for it in findings if not any(_covers(known, it) for known in exceptions)})


def stale(findings: Iterable[Finding], exceptions: Sequence[AcceptedFinding], checker: Checker) -> list[str]:
    """Return each part of an exception for `checker` that covers no finding any more, in words."""
    found = list(findings)
    return [
        f"{part.finding} on {part.resources[0]} in {part.environments[0]}"
        for known in exceptions
        if known.checker is checker
        for part in _parts(known)
        if not any(_covers(part, it) for it in found)
    ]


def _parts(known: AcceptedFinding) -> list[AcceptedFinding]:
    """Return one exception for each resource pattern and environment of `known`."""
    return [
        known.model_copy(update={"resources": (pattern,), "environments": (environment,)})
        for pattern in known.resources
        for environment in known.environments
    ]


def _covers(known: AcceptedFinding, it: Finding) -> bool:
    return known.covers(it.checker, it.id, it.resource, it.environment)


def complaint(findings: Sequence[Finding]) -> str:
    """Return what a person reads when findings are left over: each once, with its stacks, and what can be done."""
    stacks: dict[tuple[str, str, str, str], list[str]] = {}
    for it in findings:
        stacks.setdefault((it.checker.value, it.id, it.resource, it.message), []).append(it.stack)
    lines = [
        f"{checker} {id_} on {resource} ({', '.join(sorted(where))}): {message}"
        for (checker, id_, resource, message), where in sorted(stacks.items())
    ]
    return "\n".join(
        [
            f"policy/exceptions.yaml does not accept these findings ({len(lines)}):",
            *(f"  - {line}" for line in lines),
            "Mend the resource. Where that is wrong, accept it in policy/exceptions.yaml with",
            "checker, finding, resources, environments, reason, compensation, owner and expires.",
        ]
    )
