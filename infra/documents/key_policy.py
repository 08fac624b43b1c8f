"""Key policies: who may administer a KMS key, who may use it, and through which service.

Two rules of KMS shape them. A key policy may only name principals that exist, so roles come before keys; and
nobody but those it names may do anything, so the account must be able to change it or the key is lost. Whoever may
change a key policy (PutKeyPolicy) could give themselves more, which KMS cannot prevent: it leaves a record in
CloudTrail, and the next preview shows the difference.

`*` as Resource means "this key" in a key policy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.context import Context

Statement = dict[str, Any]

DESCRIPTION = ("kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags")
NAMING = ("kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias")
DEPLOYMENT = (
    *DESCRIPTION,
    *NAMING,
    "kms:EnableKeyRotation",
    "kms:PutKeyPolicy",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateKeyDescription",
)
"""What the provider calls to create a key and to keep it as declared."""
ADMINISTRATION = (
    *DEPLOYMENT,
    "kms:CancelKeyDeletion",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:RevokeGrant",
    "kms:RotateKeyOnDemand",
)
"""What people do to a key; grants can be looked at and revoked, but none given."""
DELETION = "kms:ScheduleKeyDeletion"
"""Allowed to nobody while the stack is protected: with a key go all the records under it."""
USE = ("kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*")
"""Everything that turns text into ciphertext or back, or lets somebody else do it."""


@dataclass(frozen=True)
class Duties:
    """Who looks after the keys of a stack."""

    account_root: str
    """ARN that stands for the account: whoever its IAM policies allow."""
    administrators: Sequence[str]
    deployers: Sequence[str]
    deletable: bool
    """Whether keys may be scheduled for deletion."""


@dataclass(frozen=True)
class LogGroupUse:
    """What one class's key encrypts: its log group and, through S3, its archive bucket."""

    account_id: str
    log_group_arn: str
    """Without the `:*` of its streams: CloudWatch Logs puts it into the encryption context in this form."""
    bucket_arn: str
    logs_service: str
    """Regional service name of CloudWatch Logs, such as logs.us-east-1.amazonaws.com."""
    s3_service: str
    """Regional service name of Amazon S3."""


@dataclass(frozen=True)
class SecretUse:
    """What the secrets' key encrypts."""

    secret_arns: Sequence[str]
    """ARN patterns; Secrets Manager ends each ARN with six characters of its own."""
    service: str
    """Regional service name of Secrets Manager."""


def duties_of(context: Context) -> Duties:
    """Return who looks after the keys of a stack."""
    access = context.settings.access
    return Duties(
        account_root=context.global_arn("iam", "root"),
        administrators=access.key_administrators,
        deployers=access.deployers,
        deletable=not context.protect,
    )


def class_key_policy(
    duties: Duties,
    use: LogGroupUse,
    *,
    writer: str,
    hot_readers: Sequence[str],
    archive_readers: Sequence[str],
    also: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return the key policy of one data class.

    CloudWatch Logs may use the key for this class's log group only, and for exports of this group. The writer
    encrypts what it logs and archives, readers decrypt, both only through CloudWatch Logs for this group or through
    S3 for this bucket. `also` are further statements, such as one for replication.
    """
    return service_key_policy(
        duties,
        _association(duties, use),
        _log_group(use),
        _exports(use),
        _through_logs("WriterThroughLogs", [writer], ("kms:Decrypt", "kms:GenerateDataKey"), use),
        _through_logs("ReadersThroughLogs", hot_readers, ("kms:Decrypt",), use),
        # Decrypt is for multipart uploads, whose parts S3 reads back (S3 User Guide, "Protecting data with SSE-KMS").
        _through_s3("WriterThroughS3", [writer], ("kms:Decrypt", "kms:GenerateDataKey"), use),
        _through_s3("ReadersThroughS3", archive_readers, ("kms:Decrypt",), use),
        *also,
        deployers_through=use.logs_service,
    )


def secret_key_policy(
    duties: Duties, use: SecretUse, *, readers: Sequence[str], writers: Sequence[str]
) -> dict[str, Any]:
    """Return the policy of the key that encrypts secrets.

    Every use is through Secrets Manager. Readers decrypt; writers encrypt new values (Secrets Manager then also
    decrypts for them, to compare; the secrets' own policy refuses them the text). Deployers may only attach the key.
    """
    these = {
        "StringEquals": {"kms:ViaService": use.service},
        "StringLike": {"kms:EncryptionContext:SecretARN": list(use.secret_arns)},
    }
    # Secrets Manager User Guide, "Validating access to the KMS key": such calls carry this id; their results are unused.
    version = {"kms:EncryptionContext:SecretVersionId": "RequestToValidateKeyAccess"}
    validation = {"StringEquals": {"kms:ViaService": use.service, **version}}
    both = ("kms:Decrypt", "kms:GenerateDataKey")
    return service_key_policy(
        duties,
        _allow("DeployersAttachToSecrets", _aws(duties.deployers), both, validation),
        _allow("ReaderThroughSecretsManager", _aws(readers), ("kms:Decrypt",), these),
        *([_allow("WritersThroughSecretsManager", _aws(writers), both, these)] if writers else []),
        deployers_through=use.service,
    )


def service_key_policy(
    duties: Duties, *statements: Mapping[str, Any], deployers_through: str | Sequence[str] = ""
) -> dict[str, Any]:
    """Return the policy of a key whose only uses are those that `statements` allow; administrators and deployers
    look after it and have none. `deployers_through` are the services that may act in a deployer's name, where
    `statements` allow it.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            *_administration(duties),
            _never(duties.administrators, "DenyUseToAdministrators"),
            _never(duties.deployers, "DenyUseToDeployers", except_through=deployers_through),
            *(dict(statement) for statement in statements),
        ],
    }


def _aws(arns: Sequence[str]) -> dict[str, list[str]]:
    return {"AWS": sorted(set(arns))}


def _allow(
    sid: str, principal: Mapping[str, Any], actions: Sequence[str], condition: Mapping[str, Any] | None = None
) -> Statement:
    statement = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": sorted(actions), "Resource": "*"}
    return {**statement, "Condition": condition} if condition else statement


def _administration(duties: Duties) -> list[Statement]:
    ending = (DELETION,) if duties.deletable else ()
    return [
        # Without it the key is lost once the named principals are gone (KMS Developer Guide, "Default key policy").
        _allow("AccountAdministers", _aws([duties.account_root]), (*ADMINISTRATION, *ending)),
        _allow("AdministratorsAdminister", _aws(duties.administrators), (*ADMINISTRATION, *ending)),
        _allow("DeployersDeploy", _aws(duties.deployers), (*DEPLOYMENT, *ending)),
    ]


def _never(principals: Sequence[str], sid: str, *, except_through: str | Sequence[str] = "") -> Statement:
    """Return the refusal of every use; a request without the condition's key meets StringNotEquals too."""
    statement = {"Sid": sid, "Effect": "Deny", "Principal": _aws(principals), "Action": list(USE), "Resource": "*"}
    if not except_through:
        return statement
    return {**statement, "Condition": {"StringNotEquals": {"kms:ViaService": except_through}}}


def _association(duties: Duties, use: LogGroupUse) -> Statement:
    """Return what attaching the key to its log group takes.

    CloudWatch Logs tries the key in the caller's name when a group is created with it, so the caller needs Encrypt,
    Decrypt and GenerateDataKey (CloudWatch Logs User Guide, "Encrypt log data", kms:ViaService;
    awslabs/landing-zone-accelerator-on-aws issue 768). Reading records takes the logs actions besides, and those
    this program gives to reader roles only.
    """
    return _through_logs(
        "DeployersAttachToLogGroup", duties.deployers, ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"), use
    )


def _log_group(use: LogGroupUse) -> Statement:
    # The actions are those of the User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS", step 2.
    return _allow(
        "LogsEncryptThisGroup",
        {"Service": use.logs_service},
        ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"),
        {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": use.log_group_arn}},
    )


def _exports(use: LogGroupUse) -> Statement:
    # An export writes through S3, whose encryption context does not name the group: the source does.
    return _allow(
        "LogsExportThisGroup",
        {"Service": use.logs_service},
        ("kms:Decrypt", "kms:GenerateDataKey*"),
        {
            "StringEquals": {"aws:SourceAccount": use.account_id},
            "ArnLike": {"aws:SourceArn": [use.log_group_arn, f"{use.log_group_arn}:*"]},
        },
    )


def _through_logs(sid: str, principals: Sequence[str], actions: Sequence[str], use: LogGroupUse) -> Statement:
    only_here = {"kms:ViaService": use.logs_service, "kms:EncryptionContext:aws:logs:arn": use.log_group_arn}
    return _allow(sid, _aws(principals), actions, {"StringEquals": only_here})


def _through_s3(sid: str, principals: Sequence[str], actions: Sequence[str], use: LogGroupUse) -> Statement:
    # With S3 Bucket Keys the encryption context is the bucket's ARN, not the object's (S3 User Guide, "Bucket Keys").
    return _allow(
        sid,
        _aws(principals),
        actions,
        {"StringEquals": {"kms:ViaService": use.s3_service, "kms:EncryptionContext:aws:s3:arn": use.bucket_arn}},
    )
