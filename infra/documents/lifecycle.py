"""S3 lifecycle rules as data, one action a rule, computed from the policy's retention of a class.

One action a rule, each with an explicit filter: S3 keeps what it is given, and the provider shows a difference on
every preview for a rule without a filter or one that mixes days and delete markers (pulumi-aws#2128).
"""

from collections.abc import Sequence
from typing import Any

from infra.policy.archive import ArchiveRetention

Rule = dict[str, Any]

ABORT_UPLOADS_DAYS = 7
"""Days after which an upload that was never completed is dropped: its parts are billed and nobody can read them."""
MINIMUM_TRANSITION_SIZE = "all_storage_classes_128K"
"""Objects below 128 KiB stay in STANDARD until they expire: each move is billed by the object, STANDARD_IA and
GLACIER_IR bill 128 KiB at least, and the archival classes add 40 KiB to each object (S3 User Guide, "Transitioning
objects using Amazon S3 Lifecycle"). It is S3's own default since September 2024, stated so that no older account or
later default decides otherwise."""


RECORDS = ("otlp/", "export/")
"""Prefixes of an archive below which records lie: what the collector writes, and what CloudWatch exports."""
PROOFS = ("manifests/", "erasures/")
"""Prefixes below which lies what proves or explains records that are there or are gone. A register of holds and
certificates lies beside them, below no rule: each of its entries is held for good."""


def proven_archive_rules(
    retention: ArchiveRetention, proofs_outlive_days: int, older: Sequence[str] = ()
) -> list[Rule]:
    """Return the rules of a class's archive in which proofs of its records lie.

    Records, and what an adopted bucket held below the prefixes `older`, are moved and expire as `archive_rules` says.
    Proofs stay in STANDARD, where they can be read at once, and expire `proofs_outlive_days` after the last record
    that they prove: they are written after it. Of two rules that meet one object, S3 takes the earlier expiry (User
    Guide, "Managing your storage lifecycle", conflicting actions), so no rule is for the whole bucket that removes
    what is current.
    """
    records = [
        rule | {"id": f"{rule['id']}-{_slug(prefix)}", "filter": {"prefix": prefix}}
        for prefix in (*RECORDS, *older)
        for rule in [*_tiers(retention), _rule("expire", expiration={"days": retention.keep_days})]
    ]
    proofs = [
        _rule(f"expire-{_slug(prefix)}", expiration={"days": proofs_kept_days(retention, proofs_outlive_days)})
        | {"filter": {"prefix": prefix}}
        for prefix in PROOFS
    ]
    return [*records, *proofs, *tidying_rules(retention.replaced_versions_keep_days)]


def proofs_kept_days(retention: ArchiveRetention, proofs_outlive_days: int) -> int:
    """Return the days after which a proof expires: those of the records, of an expired record too, and policy's more."""
    return retention.keep_days + retention.replaced_versions_keep_days + proofs_outlive_days


def archive_rules(retention: ArchiveRetention) -> list[Rule]:
    """Return the rules of an archive that holds records only, in days since an object was written.

    Nothing is removed while it is locked. Current versions expire at keep_days, which the policy model keeps at or
    above the lock; a version that was replaced or deleted early is held by the lock itself, for S3 lets no lifecycle
    rule remove a locked version (S3 User Guide, "Object Lock considerations"). Replaced versions therefore need no
    longer period than the policy's: with one as long as the lock, every object would be kept for twice its term,
    since an object that expires becomes a replaced version first.
    """
    return [*_tiers(retention), *expiry_rules(retention.keep_days, retention.replaced_versions_keep_days)]


def expiry_rules(keep_days: int, replaced_versions_keep_days: int) -> list[Rule]:
    """Return the rules of a bucket whose objects only ever expire: at `keep_days`, and for good
    `replaced_versions_keep_days` later.
    """
    return [_rule("expire", expiration={"days": keep_days}), *tidying_rules(replaced_versions_keep_days)]


def tidying_rules(replaced_versions_keep_days: int) -> list[Rule]:
    """Return the rules of a bucket whose objects are kept for good: only what was replaced, deleted or left half-done
    goes.
    """
    return [
        _rule(
            "remove-replaced-versions", noncurrent_version_expiration={"noncurrent_days": replaced_versions_keep_days}
        ),
        _rule("remove-lone-delete-markers", expiration={"expired_object_delete_marker": True}),
        _rule("abort-uploads", abort_incomplete_multipart_upload={"days_after_initiation": ABORT_UPLOADS_DAYS}),
    ]


def _tiers(retention: ArchiveRetention) -> list[Rule]:
    moves = [{"days": tier.after_days, "storage_class": tier.storage_class.value} for tier in retention.tiers]
    return [_rule("move-down", transitions=moves)] if moves else []


def _rule(name: str, **action: Any) -> Rule:
    return {"id": name, "status": "Enabled", "filter": {"prefix": ""}, **action}


def _slug(prefix: str) -> str:
    return prefix.strip("/").replace("/", "-")
