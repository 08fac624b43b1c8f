"""What one stack exports: its log groups, the bucket of each, and under whose name."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from infra.export.problems import BadAssignmentError

EXPORTED, COLLECTED, MANIFESTS = "export/", "otlp/", "manifests/"
"""Prefixes in an archive: what CloudWatch exports, what the collector wrote, and what proves them."""
VERSION = 1


@dataclass(frozen=True, slots=True)
class Target:
    """One log group and where its days go."""

    cls: str
    """The data class whose records it holds."""
    log_group: str
    bucket: str | None
    """The class's archive; None where the class has none, and nothing is exported."""
    hot_days: int
    """Days until CloudWatch removes a record (the group's retention)."""
    keep_days: int
    """Days until the archive's lifecycle removes an object."""
    proofs_keep_days: int
    """Days until the archive's lifecycle removes a manifest; longer than its objects, and than what is left of them."""

    @property
    def slug(self) -> str:
        """Return the group's name as a part of keys and task names."""
        return self.log_group.strip("/").replace("/", "-")


@dataclass(frozen=True, slots=True)
class Assignment:
    """Everything that a run of the export is told."""

    environment: str
    targets: tuple[Target, ...]
    signing_key: str
    """Alias or ARN of the KMS key that signs manifests (ECC_NIST_P256)."""
    audit_group: str
    """Log group that each manifest's digest is announced in."""
    audit_stream: str
    policy_digest: str
    code_version: str

    def counted(self, target: Target) -> bool:
        """Return whether the collector's archive of the class holds what this group holds, and of no other group."""
        return target.bucket is not None and sum(other.cls == target.cls for other in self.targets) == 1


def dumps(assignment: Assignment) -> str:
    """Return `assignment` as the text that `loads` reads."""
    return json.dumps({"version": VERSION, **asdict(assignment)}, separators=(",", ":"), sort_keys=True)


def loads(text: str) -> Assignment:
    """Return the assignment in `text`. Raises BadAssignmentError when it is none."""
    try:
        values = json.loads(text)
        if values.pop("version") != VERSION:
            raise BadAssignmentError(
                f"the assignment is not of version {VERSION}: deploy program and function together"
            )
        targets = tuple(Target(**item) for item in values.pop("targets"))
        assignment = Assignment(targets=targets, **values)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadAssignmentError(f"the assignment cannot be read: {type(error).__name__}") from error
    places = [(target.bucket, target.slug) for target in targets]
    if len(set(places)) < len(places):
        raise BadAssignmentError(
            "two log groups would be exported to the same place: their names differ by / and - only"
        )
    return assignment
