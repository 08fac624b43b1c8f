"""Who may take a reader role and what it may do: read hot records, read archives, see masked values. Never alter.

Which action takes which resource is the Service Authorization Reference's, "Actions, resources, and condition keys"
for Amazon CloudWatch Logs, Amazon S3 and AWS KMS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.documents.statement import Statement, allow, deny

SEARCH = (
    "logs:DescribeLogStreams",
    "logs:FilterLogEvents",
    "logs:GetLogGroupFields",
    "logs:GetLogRecord",
    "logs:GetQueryResults",
    "logs:StartLiveTail",
    "logs:StartQuery",
)
"""Reading actions that take a log group."""
WITHOUT_RESOURCE = (
    "logs:DescribeLogGroups",
    "logs:DescribeQueryDefinitions",
    "logs:StopLiveTail",
    "logs:StopQuery",
)
"""Actions that take no resource or only all of them: names of groups, saved queries, the end of one's own query."""
ALTER_LOG_GROUP = (
    "logs:AssociateKmsKey",
    "logs:CreateExportTask",
    "logs:CreateLogStream",
    "logs:DeleteDataProtectionPolicy",
    "logs:DeleteIndexPolicy",
    "logs:DeleteLogGroup",
    "logs:DeleteLogStream",
    "logs:DeleteMetricFilter",
    "logs:DeleteRetentionPolicy",
    "logs:DeleteSubscriptionFilter",
    "logs:DeleteTransformer",
    "logs:DisassociateKmsKey",
    "logs:PutDataProtectionPolicy",
    "logs:PutIndexPolicy",
    "logs:PutLogEvents",
    "logs:PutLogGroupDeletionProtection",
    "logs:PutMetricFilter",
    "logs:PutRetentionPolicy",
    "logs:PutSubscriptionFilter",
    "logs:PutTransformer",
)
ALTER_ACCOUNT_LOGS = (
    "logs:DeleteAccountPolicy",
    "logs:DeleteQueryDefinition",
    "logs:DeleteResourcePolicy",
    "logs:PutAccountPolicy",
    "logs:PutQueryDefinition",
    "logs:PutResourcePolicy",
)
"""Actions that take no log group and change what becomes of every one."""
ALTER_ARCHIVE = (
    "s3:BypassGovernanceRetention",
    "s3:Delete*",
    "s3:Put*",
    "s3:Replicate*",
)
ALTER_KEY = (
    "kms:CreateGrant",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:UpdateAlias",
)


@dataclass(frozen=True)
class ClassStore:
    """Where one class's records are and what encrypts them."""

    log_group_arn: str
    """Without the `:*` of its streams."""
    bucket_arn: str
    key_arn: str
    needs_restore: bool = False
    """Whether objects grow into a storage class that has to be restored before it can be read."""


@dataclass(frozen=True)
class Reach:
    """The classes that one reader group reaches, by what it may do there."""

    hot: Sequence[ClassStore]
    archived: Sequence[ClassStore]
    unmask: Sequence[ClassStore]


def reader_trust(*, saml_provider_arn: str | None, principals: Sequence[str], partition: str) -> dict[str, Any]:
    """Return the trust policy of a reader role: people who come through the identity provider, stated principals."""
    statements: list[Statement] = []
    if saml_provider_arn:
        statements.append(
            {
                "Sid": "PeopleOfTheIdentityProvider",
                "Effect": "Allow",
                "Principal": {"Federated": saml_provider_arn},
                "Action": "sts:AssumeRoleWithSAML",
                "Condition": {"StringEquals": {"SAML:aud": SAML_AUDIENCE[partition]}},
            }
        )
    if principals:
        statements.append(
            {
                "Sid": "StatedPrincipals",
                "Effect": "Allow",
                "Principal": {"AWS": sorted(principals)},
                "Action": "sts:AssumeRole",
            }
        )
    return {"Version": "2012-10-17", "Statement": statements}


SAML_AUDIENCE = {
    "aws": "https://signin.aws.amazon.com/saml",
    "aws-us-gov": "https://signin.amazonaws-us-gov.com/saml",
    "aws-cn": "https://signin.amazonaws.cn/saml",
}
"""The only audience that a sign-in to AWS has, by partition (IAM User Guide, "Configuring SAML assertions")."""


def reader_policy(
    reach: Reach, *, every_class: Sequence[ClassStore], logs_service: str, s3_service: str
) -> dict[str, Any]:
    """Return what one reader group may do, and the refusal to alter any class's records, whatever else is attached."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            *(_search(reach.hot, logs_service) if reach.hot else []),
            *(_archives(reach.archived, s3_service) if reach.archived else []),
            *([allow("SeeMaskedValues", ["logs:Unmask"], _groups(reach.unmask))] if reach.unmask else []),
            *_never_alter(every_class),
        ],
    }


def _search(stores: Sequence[ClassStore], logs_service: str) -> list[Statement]:
    return [
        allow("SearchLogGroups", SEARCH, _groups(stores)),
        allow("ReadStreams", ["logs:GetLogEvents"], [f"{store.log_group_arn}:log-stream:*" for store in stores]),
        allow("FindTheWay", WITHOUT_RESOURCE, ["*"]),
        *(
            # CloudWatch Logs decrypts in the reader's name (User Guide, "Encrypt log data", kms:ViaService).
            {
                **allow(f"DecryptLogGroup{at}", ["kms:Decrypt"], [store.key_arn]),
                "Condition": {
                    "StringEquals": {
                        "kms:ViaService": logs_service,
                        "kms:EncryptionContext:aws:logs:arn": store.log_group_arn,
                    }
                },
            }
            for at, store in enumerate(stores, start=1)
        ),
    ]


def _archives(stores: Sequence[ClassStore], s3_service: str) -> list[Statement]:
    objects = [f"{store.bucket_arn}/*" for store in stores]
    asleep = [f"{store.bucket_arn}/*" for store in stores if store.needs_restore]
    return [
        allow("ReadObjects", ["s3:GetObject", "s3:GetObjectVersion"], objects),
        allow(
            "ListObjects",
            ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketVersions"],
            [store.bucket_arn for store in stores],
        ),
        *([allow("RestoreObjects", ["s3:RestoreObject"], asleep)] if asleep else []),
        *(
            {
                **allow(f"DecryptArchive{at}", ["kms:Decrypt"], [store.key_arn]),
                "Condition": {
                    "StringEquals": {
                        "kms:ViaService": s3_service,
                        "kms:EncryptionContext:aws:s3:arn": store.bucket_arn,
                    }
                },
            }
            for at, store in enumerate(stores, start=1)
        ),
    ]


def _never_alter(stores: Sequence[ClassStore]) -> list[Statement]:
    buckets = [arn for store in stores for arn in (store.bucket_arn, f"{store.bucket_arn}/*")]
    return [
        deny("NeverAlterLogGroups", ALTER_LOG_GROUP, _groups(stores)),
        deny("NeverAlterTheAccountsLogs", ALTER_ACCOUNT_LOGS, ["*"]),
        deny("NeverAlterArchives", ALTER_ARCHIVE, buckets),
        deny("NeverAlterKeys", ALTER_KEY, [store.key_arn for store in stores]),
    ]


def _groups(stores: Sequence[ClassStore]) -> list[str]:
    """Return each group in both forms: most actions are checked with the `:*` of its streams, some without."""
    return [arn for store in stores for arn in (store.log_group_arn, f"{store.log_group_arn}:*")]
