"""What the role that erases one person's records may do, and what keys and archives say of it. Pure.

It reads every class, writes objects of records again and removes their earlier versions, in the archives of classes
that policy does not lock in COMPLIANCE mode, and adds to `erasures/` what it did. It never reaches a manifest or the
register, never lifts, shortens or places a lock, and what S3 holds locked it cannot remove.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.context import Context
from infra.documents.reader_policy import ALTER_KEY
from infra.documents.secret_policy import secret_reader_policy
from infra.documents.statement import Statement, allow, deny, on_this_key
from infra.documents.subject_policy import announcing
from infra.export.erasure import ERASURES
from infra.policy.archive import LockMode

RECORDS = ("otlp/year=", "export/")
"""Prefixes of what holds records that an erasure may alter. Records in quarantine had their text withheld."""
NEVER = (
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket*",
    "s3:DeleteObject",
    "s3:PutBucket*",
    "s3:PutObjectAcl",
    "s3:PutObjectLegalHold",
    "s3:PutObjectRetention",
    "s3:ReplicateObject",
)
"""What erasing never takes, whatever else is attached to the role."""
SHORTEST_RECOVERY_DAYS = 7
"""Secrets Manager's own (DeleteSecret, API reference)."""


@dataclass(frozen=True)
class ErasedClass:
    """One class as the role reaches it."""

    log_group_arn: str
    """Without the `:*` of its streams."""
    bucket_arn: str
    key_arn: str
    erasable: bool
    """Whether policy lets anything in its archive be erased."""
    replica_arn: str = ""
    replica_key_arn: str = ""


def erasable(context: Context, cls: str) -> bool:
    """Return whether the archive of `cls` may be erased from at all: nothing that COMPLIANCE locks may."""
    archive = context.policy.data_classes.classes[cls].archive.at(context.settings.environment)
    return archive.object_lock.mode is not LockMode.COMPLIANCE


def role_name(context: Context) -> str:
    """Return the name of the role; it exists where settings name somebody who may take it."""
    return context.name("subject-eraser")


def eraser_trust(principals: Sequence[str]) -> dict[str, Any]:
    """Return the trust policy of the role: the stated principals, in a session whose name says which request it is for.

    No condition on MFA: a principal that is a role itself, as people's are who come through an identity provider, has
    no such key in its session (IAM User Guide, "AWS global condition context keys", aws:MultiFactorAuthPresent).
    """
    statement = {
        "Sid": "TakenByErasers",
        "Effect": "Allow",
        "Principal": {"AWS": sorted(principals)},
        "Action": "sts:AssumeRole",
        "Condition": {"StringLike": {"sts:RoleSessionName": f"{SESSION}*"}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


SESSION = "subject-request-"
"""How the name of each session begins; the request's id follows, so that CloudTrail tells requests apart."""


def eraser_reading(context: Context, classes: Sequence[ErasedClass]) -> dict[str, Any]:
    """Return the permission to find a person's records, hot and archived, in every version and replica."""
    buckets = [arn for it in classes for arn in (it.bucket_arn, it.replica_arn) if arn]
    logs, s3 = context.regional_service("logs"), context.regional_service("s3")
    statements = [
        allow("SearchLogGroups", ["logs:FilterLogEvents"], _both_forms(it.log_group_arn for it in classes)),
        allow("ListVersions", ["s3:ListBucket", "s3:ListBucketVersions"], buckets),
        # A lock is left out of the answer of who may not see it (HeadObject, API reference).
        allow(
            "ReadVersions",
            ["s3:GetObject", "s3:GetObjectLegalHold", "s3:GetObjectRetention", "s3:GetObjectVersion"],
            [f"{arn}/*" for arn in buckets],
        ),
        allow("Decrypt", ["kms:Decrypt"], [it.key_arn for it in classes], {"kms:ViaService": [logs, s3]}),
    ]
    if copies := [it.replica_key_arn for it in classes if it.replica_key_arn]:
        statements.append(allow("DecryptCopies", ["kms:Decrypt"], copies, {"kms:ViaService": replica_service(context)}))
    return {"Version": "2012-10-17", "Statement": statements}


def eraser_writing(context: Context, classes: Sequence[ErasedClass], *, signing_key_arn: str) -> dict[str, Any]:
    """Return the permission to erase, to sign the record of it, and the refusal of everything beyond."""
    these = [it for it in classes if it.erasable]
    copies = [it.replica_arn for it in these if it.replica_arn]
    through = {
        "kms:ViaService": context.regional_service("s3"),
        "kms:EncryptionContext:aws:s3:arn": [it.bucket_arn for it in these],
    }
    mine = [f"{it.bucket_arn}/{prefix}*" for it in these for prefix in RECORDS]
    return {
        "Version": "2012-10-17",
        "Statement": [
            allow("WriteAgain", ["s3:PutObject"], [*mine, *(f"{it.bucket_arn}/{ERASURES}*" for it in these)]),
            allow(
                "RemoveVersions",
                ["s3:DeleteObjectVersion"],
                [*mine, *(f"{arn}/{prefix}*" for arn in copies for prefix in RECORDS)],
            ),
            allow("Encrypt", ["kms:GenerateDataKey"], [it.key_arn for it in these], through),
            allow("SignErasures", ["kms:GetPublicKey", "kms:Sign"], [signing_key_arn]),
            deny("NeverBeyond", [*NEVER, *ALTER_KEY], ["*"]),
        ],
    }


def eraser_announcing(
    context: Context,
    *,
    log_group_arn: str,
    log_key_arn: str,
    secret_arns: Sequence[str],
    earlier_arns: Sequence[str],
    key_arn: str,
) -> dict[str, Any]:
    """Return the permission to write audit records, to read every pepper, and to delete those of earlier epochs.

    `secret_arns` are all peppers, `earlier_arns` those that the collector has no more. A secret is deleted with the
    days of recovery that the stack's settings ask for, where they ask for any.
    """
    document = secret_reader_policy(
        secret_arns=secret_arns, key_arn=key_arn, service=context.regional_service("secretsmanager")
    )
    at_once = {"secretsmanager:ForceDeleteWithoutRecovery": "true"}
    dropping: list[Statement] = []
    if earlier_arns:
        dropping = [allow("DropEarlierEpochs", ["secretsmanager:DeleteSecret"], earlier_arns)]
        if context.settings.secret_recovery_days >= SHORTEST_RECOVERY_DAYS:
            refusal = deny("NeverWithoutRecovery", ["secretsmanager:DeleteSecret"], earlier_arns)
            dropping.append({**refusal, "Condition": {"Bool": at_once}})
    return {
        "Version": "2012-10-17",
        "Statement": [
            *announcing(log_group_arn, log_key_arn, context.regional_service("logs")),
            *document["Statement"],
            *dropping,
        ],
    }


def eraser_key_statements(context: Context, cls: str, role: str, *, announced: bool) -> list[Statement]:
    """Return what the key of `cls` must say besides, so that the role can write its archive's objects again.

    Reading is among what the key says of readers. With `announced` it may write to the class's log group, too.
    """
    archive = {
        "kms:ViaService": context.regional_service("s3"),
        "kms:EncryptionContext:aws:s3:arn": context.bucket_arn(context.archive_bucket(cls)),
    }
    group = {
        "kms:ViaService": context.regional_service("logs"),
        "kms:EncryptionContext:aws:logs:arn": context.log_group_arn(cls),
    }
    return [
        *(
            [on_this_key("EraserThroughS3", {"AWS": role}, ["kms:GenerateDataKey"], archive)]
            if erasable(context, cls)
            else []
        ),
        *([on_this_key("EraserThroughLogs", {"AWS": role}, ["kms:GenerateDataKey"], group)] if announced else []),
    ]


def eraser_replica_key_statements(roles: Sequence[str], *, service: str, replica_arn: str) -> list[Statement]:
    """Return what the key of a replica must say, so that each of `roles` can see which copies hold a person's records."""
    through = {"kms:ViaService": service, "kms:EncryptionContext:aws:s3:arn": replica_arn}
    return [on_this_key("EraserThroughS3", {"AWS": role}, ["kms:Decrypt"], through) for role in roles]


def eraser_signing_statements(roles: Sequence[str]) -> list[Statement]:
    """Return what the signing key must say, so that each of `roles` can sign records of erasures."""
    return [on_this_key("EraserSigns", {"AWS": role}, ["kms:GetPublicKey", "kms:Sign"]) for role in roles]


def replica_service(context: Context) -> str:
    """Return S3's name in the replica's region; nothing where there is no replica."""
    replica = context.settings.replica
    return context.regional_service("s3").replace(context.region, replica.region) if replica else ""


def _both_forms(arns: Any) -> list[str]:
    return [form for arn in arns for form in (arn, f"{arn}:*")]
