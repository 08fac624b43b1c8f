"""What those may do who keep records longer than policy, and S3 in their name: names, trust and policies. Pure.

Keepers hold, release, lock for longer, certify and sign what they did. They read proofs and the register, and no
record: `GetObject` ends at those prefixes. S3 Batch Operations changes many versions in a role of its own, which reads
its list and writes its report in the access logs' bucket: it takes no list that is encrypted with a KMS key (S3 User
Guide, "Specifying a manifest"), and the archives take nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.context import Context
from infra.documents.bucket_policy import REGISTER
from infra.documents.lifecycle import RECORDS
from infra.documents.statement import Statement, allow, on_this_key

VERSION = "2012-10-17"
KEEPERS, BATCH = "archive-keepers", "archive-batch"
"""How the names of the two roles end."""
STREAM = "archive-keeping"
"""Log stream in which entries of registers are announced. Keepers cannot write to the one of the manifests."""
SIGNING_KEY = "register-signing"
"""Name of the key that signs registers, as its alias ends. Whoever may sign these must not sign manifests."""
LISTS, REPORTS = "batch-operations/lists/", "batch-operations/reports"
"""Below which lie, in the access logs' bucket, what a job is to change, and what it could not."""
OPERATIONS = ("S3PutObjectLegalHold", "S3PutObjectRetention")
SESSION_SECONDS = 3600
"""AWS ends the session of a role that was taken from another role after an hour (IAM User Guide, "Role chaining").
A hold that takes longer is carried on by the same command."""
HELD = (*RECORDS, "manifests/")
"""Prefixes below which versions are held and locked; the register's entries are held as they are written."""


@dataclass(frozen=True)
class Kept:
    """One class's archive and its key."""

    bucket_arn: str
    key_arn: str


def keeper_arns(context: Context) -> list[str]:
    """Return the ARN of the keepers' role; none where the settings name nobody who may take it."""
    return [role_arn(context, KEEPERS)] if context.settings.access.archive_keepers else []


def batch_arns(context: Context) -> list[str]:
    """Return the ARN of the role that S3 Batch Operations takes; none where there are no keepers."""
    return [role_arn(context, BATCH)] if context.settings.access.archive_keepers else []


def role_arn(context: Context, name: str) -> str:
    """Return the ARN of one of the two roles."""
    return context.global_arn("iam", f"role/{context.name(name)}")


def keeper_trust(principals: Sequence[str]) -> dict[str, Any]:
    """Return the trust policy of the keepers' role: the principals that the settings name, and nobody else."""
    return _trust("TakenByKeepers", {"AWS": sorted(principals)}, {})


def batch_trust(account_id: str) -> dict[str, Any]:
    """Return the trust policy of the batch role: S3 Batch Operations, for jobs of this account."""
    service = {"Service": "batchoperations.s3.amazonaws.com"}
    return _trust("TakenByBatchOperations", service, {"StringEquals": {"aws:SourceAccount": account_id}})


def keeper_policy(
    archives: Sequence[Kept],
    *,
    logs_bucket_arn: str,
    batch_role_arn: str,
    jobs_arn: str,
    signing_key_arn: str,
    stream_arn: str,
    announced: Kept,
    announced_group_arn: str,
    s3_service: str,
    logs_service: str,
) -> dict[str, Any]:
    """Return what keepers may do. `jobs_arn` stands for the account's jobs in the region, `announced` for the class
    whose log group takes the announcements.
    """
    buckets = sorted(it.bucket_arn for it in archives)
    through_s3 = {"kms:ViaService": s3_service, "kms:EncryptionContext:aws:s3:arn": buckets}
    through_logs = {"kms:ViaService": logs_service, "kms:EncryptionContext:aws:logs:arn": announced_group_arn}
    return {
        "Version": VERSION,
        "Statement": [
            allow(
                "LookAtArchives",
                ["s3:GetBucketObjectLockConfiguration", "s3:ListBucket", "s3:ListBucketVersions"],
                buckets,
            ),
            allow(
                "HoldAndLock",
                [
                    "s3:GetObjectLegalHold",
                    "s3:GetObjectRetention",
                    "s3:PutObjectLegalHold",
                    "s3:PutObjectRetention",
                ],
                _below(buckets, (*HELD, REGISTER)),
            ),
            allow("ReadProofs", ["s3:GetObject", "s3:GetObjectVersion"], _below(buckets, ("manifests/", REGISTER))),
            allow("WriteRegister", ["s3:PutObject"], _below(buckets, (REGISTER,))),
            allow(
                "UseClassKeys",
                ["kms:Decrypt", "kms:GenerateDataKey"],
                sorted(it.key_arn for it in archives),
                through_s3,
            ),
            allow("SignRegister", ["kms:GetPublicKey", "kms:Sign"], [signing_key_arn]),
            allow("Announce", ["logs:PutLogEvents"], [stream_arn]),
            allow("EncryptAnnouncements", ["kms:Decrypt", "kms:GenerateDataKey"], [announced.key_arn], through_logs),
            allow("WriteLists", ["s3:PutObject"], [f"{logs_bucket_arn}/{LISTS}*"]),
            allow("ReadReports", ["s3:GetObject"], [f"{logs_bucket_arn}/{REPORTS}/*"]),
            # No job exists yet, so that it takes no resource (Service Authorization Reference, Amazon S3).
            allow("CreateJobs", ["s3:CreateJob"], ["*"], {"s3:RequestJobOperation": list(OPERATIONS)}),
            allow("FollowJobs", ["s3:DescribeJob", "s3:UpdateJobStatus"], [jobs_arn]),
            allow(
                "PassBatchRole",
                ["iam:PassRole"],
                [batch_role_arn],
                {"iam:PassedToService": "batchoperations.s3.amazonaws.com"},
            ),
        ],
    }


def batch_policy(archives: Sequence[str], *, logs_bucket_arn: str) -> dict[str, Any]:
    """Return what S3 Batch Operations may do in `archives` (ARNs of buckets): hold, release and lock, and nothing to the
    registers. Source: S3 User Guide, "S3 Object Lock legal hold" and "retention" under Batch Operations.
    """
    return {
        "Version": VERSION,
        "Statement": [
            allow("HoldAndLock", ["s3:PutObjectLegalHold", "s3:PutObjectRetention"], _below(sorted(archives), HELD)),
            allow("LookAtLocks", ["s3:GetBucketObjectLockConfiguration"], sorted(archives)),
            allow("ReadLists", ["s3:GetObject", "s3:GetObjectVersion"], [f"{logs_bucket_arn}/{LISTS}*"]),
            allow("WriteReports", ["s3:PutObject"], [f"{logs_bucket_arn}/{REPORTS}/*"]),
        ],
    }


def class_key_statements(
    keeper_arns: Sequence[str],
    *,
    bucket_arn: str,
    s3_service: str,
    log_group_arn: str = "",
    logs_service: str = "",
) -> list[Statement]:
    """Return what a class's key must say besides, so that keepers can read proofs in its archive and add to its
    register; with `log_group_arn`, of the group in which they announce it, write there, too.
    """
    if not keeper_arns:
        return []
    both = ["kms:Decrypt", "kms:GenerateDataKey"]
    archive = {"kms:ViaService": s3_service, "kms:EncryptionContext:aws:s3:arn": bucket_arn}
    group = {"kms:ViaService": logs_service, "kms:EncryptionContext:aws:logs:arn": log_group_arn}
    return [
        on_this_key("KeepersThroughS3", {"AWS": sorted(keeper_arns)}, both, archive),
        *([on_this_key("KeepersThroughLogs", {"AWS": sorted(keeper_arns)}, both, group)] if log_group_arn else []),
    ]


def signing_key_statements(keeper_arns: Sequence[str]) -> list[Statement]:
    """Return who uses the key that signs registers: the keepers alone. Whoever has the public half checks."""
    return [on_this_key("KeepersSign", {"AWS": sorted(keeper_arns)}, ["kms:GetPublicKey", "kms:Sign"])]


def _below(buckets: Sequence[str], prefixes: Sequence[str]) -> list[str]:
    return [f"{arn}/{prefix}*" for arn in buckets for prefix in prefixes]


def _trust(sid: str, principal: dict[str, Any], condition: dict[str, Any]) -> dict[str, Any]:
    statement = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return {"Version": VERSION, "Statement": [{**statement, "Condition": condition} if condition else statement]}
