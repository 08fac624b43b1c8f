"""Bucket policies, statement by statement: who may write what into a bucket, how, and what nobody may do.

No statement tests for a header that must be there: both archive writers (the collector's exporter and CloudWatch's
export) send no encryption header and rely on the bucket's default, so encryption is refused only where it is
present and different.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from infra.export.erasure import ERASURES

Statement = dict[str, Any]

MINIMUM_TLS = "1.2"
TAMPERING = (
    "s3:BypassGovernanceRetention",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    # A lock set on one object could outlast the bucket's: a COMPLIANCE lock of a century cannot be undone either.
    "s3:PutObjectRetention",
)
"""What no principal needs to do to an archived object: the lifecycle, which no bucket policy binds, removes them."""


REGISTER = "register/"
"""Where an archive's register of holds and certificates lies."""
PROOF = ("manifests/", REGISTER, ERASURES)
"""What proves the records of an archive, and what was done to them: no version of it is ever removed by hand."""


def bucket_policy(*groups: Sequence[Statement]) -> dict[str, Any]:
    """Return the policy document that holds the statements of all `groups`, in their order."""
    return {"Version": "2012-10-17", "Statement": [statement for group in groups for statement in group]}


def over_tls(bucket_arn: str) -> list[Statement]:
    """Return the denials of plain HTTP and of TLS older than MINIMUM_TLS, for everybody and every action."""
    return [
        _deny(
            "DenyInsecureTransport", "s3:*", [bucket_arn, f"{bucket_arn}/*"], {"Bool": {"aws:SecureTransport": "false"}}
        ),
        _deny(
            "DenyOldTls",
            "s3:*",
            [bucket_arn, f"{bucket_arn}/*"],
            {"NumericLessThan": {"s3:TlsVersion": MINIMUM_TLS}},
        ),
    ]


def encrypted_with(bucket_arn: str, key_arn: str) -> list[Statement]:
    """Return the denials of objects whose headers ask for another encryption, another key, or a key of their own.

    A request without any of these headers is not touched: the bucket's default encryption gives it `key_arn`.
    """
    encryption, key = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
    customer_key = "s3:x-amz-server-side-encryption-customer-algorithm"
    objects = f"{bucket_arn}/*"
    return [
        _deny(
            "DenyOtherEncryption",
            "s3:PutObject",
            objects,
            {"Null": {encryption: "false"}, "StringNotEquals": {encryption: "aws:kms"}},
        ),
        _deny("DenyOtherKey", "s3:PutObject", objects, {"Null": {key: "false"}, "StringNotEquals": {key: key_arn}}),
        # SSE-C comes in a header of its own, so that the two statements above would let it pass; what is
        # encrypted with it can be read by nobody but the sender.
        _deny("DenyCustomerProvidedKey", "s3:PutObject", objects, {"Null": {customer_key: "false"}}),
    ]


def written_only_by(objects_arn: str, *writer_arns: str, sid: str = "DenyOtherWriters") -> list[Statement]:
    """Return the denial of writes to `objects_arn` by anybody but the roles `writer_arns`.

    It gives them nothing: what a role may do stands in its own policy.
    """
    others = {"ArnNotEquals": {"aws:PrincipalArn": sorted(writer_arns)}} if writer_arns else {}
    return [_deny(sid, ["s3:PutObject", "s3:ReplicateObject"], objects_arn, others)]


def added_only(objects_arn: str) -> list[Statement]:
    """Return the denial of writes to `objects_arn` without If-None-Match: what lies there is never written over.

    Source: S3 User Guide, "Enforce conditional writes on Amazon S3 buckets". Multipart uploads, which begin without
    such a header, are refused with the rest.
    """
    return [_deny("DenyOverwriting", "s3:PutObject", objects_arn, {"Null": {"s3:if-none-match": "true"}})]


def written_only_by_services(objects_arn: str, *but_for: str) -> list[Statement]:
    """Return the denial of writes to `objects_arn` by any role or user but the roles `but_for`: AWS's own services
    only, in their own name.

    It gives them nothing: which service may write, and for whom, stands in another statement.
    """
    return [
        _deny(
            "DenyWritersOtherThanServices",
            "s3:PutObject",
            objects_arn,
            {
                "Bool": {"aws:PrincipalIsAWSService": "false"},
                **({"ArnNotEquals": {"aws:PrincipalArn": sorted(but_for)}} if but_for else {}),
            },
        )
    ]


def tamper_proof(bucket_arn: str) -> list[Statement]:
    """Return the denial of TAMPERING to everybody, the account's root user included.

    Configuration of the bucket stays with those who deploy it: they can take this statement away, in the open.
    """
    return [_deny("DenyTampering", list(TAMPERING), f"{bucket_arn}/*", {})]


def erased_only_by(bucket_arn: str, *eraser_arns: str) -> list[Statement]:
    """Return the denial of removing versions to anybody but the roles `eraser_arns`, and of removing what proves the
    rest to everybody. S3 itself lets nobody remove a locked version without s3:BypassGovernanceRetention.
    """
    others = {"ArnNotEquals": {"aws:PrincipalArn": sorted(eraser_arns)}} if eraser_arns else {}
    proof = [f"{bucket_arn}/{prefix}*" for prefix in PROOF] if eraser_arns else []
    return [
        _deny("DenyOtherErasers", "s3:DeleteObjectVersion", f"{bucket_arn}/*", others),
        *([_deny("DenyErasingProof", "s3:DeleteObjectVersion", proof, {})] if proof else []),
    ]


def tamper_proof_but_for_erasers(bucket_arn: str, *eraser_arns: str) -> list[Statement]:
    """Return the denial of TAMPERING to everybody, and to all but the roles `eraser_arns` that of removing versions."""
    actions = [action for action in TAMPERING if action != "s3:DeleteObjectVersion"]
    return [_deny("DenyTampering", actions, f"{bucket_arn}/*", {}), *erased_only_by(bucket_arn, *eraser_arns)]


def kept_by(
    bucket_arn: str, *, keepers: Sequence[str], batch: Sequence[str], mode: str, most_days: int
) -> list[Statement]:
    """Return the denial of holding, releasing and locking to anybody but the roles `keepers` and `batch`, and of writing
    the register to anybody but `keepers`; to everybody where there are none. A lock is extended in `mode` only, and to
    `most_days` from now at most. The hold on an entry of the register is lifted by nobody.

    It goes with `tamper_proof_but_for_locks`. S3 itself lets nobody shorten a lock without
    s3:BypassGovernanceRetention. Source: S3 User Guide, "Object Lock considerations", setting limits with a policy.
    """
    objects = f"{bucket_arn}/*"
    return [
        _deny(
            "DenyOtherKeepers",
            ["s3:PutObjectLegalHold", "s3:PutObjectRetention"],
            objects,
            _others([*keepers, *batch]),
        ),
        _deny("DenyOtherWritersOfRegister", "s3:PutObject", f"{bucket_arn}/{REGISTER}*", _others(keepers)),
        _deny(
            "DenyReleaseOfRegister",
            "s3:PutObjectLegalHold",
            f"{bucket_arn}/{REGISTER}*",
            {"StringEquals": {"s3:object-lock-legal-hold": "OFF"}},
        ),
        _deny(
            "DenyLongerLocks",
            "s3:PutObjectRetention",
            objects,
            {"NumericGreaterThan": {"s3:object-lock-remaining-retention-days": str(most_days)}},
        ),
        _deny("DenyOtherLocks", "s3:PutObjectRetention", objects, {"StringNotEquals": {"s3:object-lock-mode": mode}}),
    ]


def _others(arns: Sequence[str]) -> dict[str, dict[str, str | list[str]]]:
    return {"ArnNotEquals": {"aws:PrincipalArn": sorted(arns)}} if arns else {}


def tamper_proof_but_for_locks(bucket_arn: str, *eraser_arns: str) -> list[Statement]:
    """Return the denial of TAMPERING but for locks, whose limits `kept_by` sets, and to all but the roles
    `eraser_arns` that of removing versions.
    """
    apart = ("s3:PutObjectRetention", "s3:DeleteObjectVersion")
    actions = [action for action in TAMPERING if action not in apart]
    return [_deny("DenyTampering", actions, f"{bucket_arn}/*", {}), *erased_only_by(bucket_arn, *eraser_arns)]


def cloudwatch_export(
    bucket_arn: str, prefix: str, *, service: str, account_id: str, log_group_arn: str
) -> list[Statement]:
    """Return what CloudWatch Logs needs to export one log group under `prefix`, and for no other group or account.

    Source: CloudWatch Logs User Guide, "Exporting log data to Amazon S3", step 3. The source ARN is accepted with
    and without the `:*` of the group's streams, because that guide shows it only with a wildcard.
    """
    source = {
        "StringEquals": {"aws:SourceAccount": account_id},
        "ArnLike": {"aws:SourceArn": [log_group_arn, f"{log_group_arn}:*"]},
    }
    return [
        _allow("AllowExportToLookAtBucket", service, "s3:GetBucketAcl", bucket_arn, source),
        _allow("AllowExport", service, "s3:PutObject", f"{bucket_arn}/{prefix}*", _with_owner_acl(source)),
    ]


def access_log_delivery(
    bucket_arn: str, prefix: str, *, account_id: str, source_arns: Sequence[str]
) -> list[Statement]:
    """Return what S3 needs to deliver the server access logs of `source_arns` (buckets) under `prefix`.

    Source: S3 User Guide, "Enabling Amazon S3 server access logging", permissions for log delivery.
    """
    source = _from(account_id, source_arns)
    return [
        _allow("AllowServerAccessLogs", "logging.s3.amazonaws.com", "s3:PutObject", f"{bucket_arn}/{prefix}*", source)
    ]


def inventory_delivery(bucket_arn: str, prefix: str, *, account_id: str, source_arns: Sequence[str]) -> list[Statement]:
    """Return what S3 needs to deliver the inventories of `source_arns` (buckets) under `prefix`.

    Source: S3 User Guide, "Configuring Amazon S3 Inventory", destination bucket policy.
    """
    source = _with_owner_acl(_from(account_id, source_arns))
    return [_allow("AllowInventories", "s3.amazonaws.com", "s3:PutObject", f"{bucket_arn}/{prefix}*", source)]


def _from(account_id: str, source_arns: Sequence[str]) -> dict[str, Any]:
    return {"StringEquals": {"aws:SourceAccount": account_id}, "ArnLike": {"aws:SourceArn": list(source_arns)}}


def _with_owner_acl(condition: Mapping[str, Any]) -> dict[str, Any]:
    """Return `condition` plus the ACL that these services always send; owner-enforced buckets accept this one."""
    return {**condition, "StringEquals": {**condition["StringEquals"], "s3:x-amz-acl": "bucket-owner-full-control"}}


def _allow(sid: str, service: str, action: str, resource: str, condition: Mapping[str, Any]) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": action,
        "Resource": resource,
        "Condition": dict(condition),
    }


def _deny(
    sid: str, action: str | list[str], resource: str | list[str], condition: Mapping[str, Mapping[str, str | list[str]]]
) -> Statement:
    # A denial names everybody: whoever it left out would be allowed what it denies.
    statement: Statement = {"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource}
    return {**statement, "Condition": dict(condition)} if condition else statement
