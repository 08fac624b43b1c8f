"""What searching by Athena takes beyond reading an archive: a work group, its tables, a place for answers. Pure.

Which action takes which resource is the Service Authorization Reference's, for Amazon Athena and AWS Glue.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Statement = dict[str, Any]

ASK = (
    "athena:BatchGetNamedQuery",
    "athena:BatchGetQueryExecution",
    "athena:GetNamedQuery",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:GetWorkGroup",
    "athena:ListNamedQueries",
    "athena:ListQueryExecutions",
    "athena:StartQueryExecution",
    "athena:StopQueryExecution",
)
LOOK_UP = ("glue:GetDatabase", "glue:GetPartitions", "glue:GetTable", "glue:GetTables")
ANSWERS = ("s3:AbortMultipartUpload", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject")
"""Athena writes an answer, and reads it back, in the asker's name (User Guide, "Access to Amazon S3")."""


@dataclass(frozen=True)
class SearchReach:
    """What one reader group searches with, as ARNs."""

    workgroup: str
    catalog: str
    databases: Sequence[str]
    tables: Sequence[str]
    results_bucket: str
    results_prefix: str
    """Key prefix of the group's own answers, with its slash."""
    key: str


def search_policy(reach: SearchReach, *, s3_service: str) -> dict[str, Any]:
    """Return what one reader group may do besides reading objects: ask in its own work group, see its own answers."""
    bucket, prefix = reach.results_bucket, reach.results_prefix
    return {
        "Version": "2012-10-17",
        "Statement": [
            _allow("Ask", ASK, [reach.workgroup]),
            _allow("LookUpTables", LOOK_UP, [reach.catalog, *reach.databases, *reach.tables]),
            _allow("KeepAnswers", ANSWERS, [f"{bucket}/{prefix}*"]),
            _allow("FindAnswersBucket", ("s3:GetBucketLocation", "s3:ListBucketMultipartUploads"), [bucket]),
            {
                **_allow("ListOwnAnswers", ("s3:ListBucket",), [bucket]),
                "Condition": {"StringLike": {"s3:prefix": f"{prefix}*"}},
            },
            {
                **_allow("EncryptAnswers", ("kms:Decrypt", "kms:GenerateDataKey"), [reach.key]),
                "Condition": _through(s3_service, bucket),
            },
        ],
    }


def results_key_statement(reader_arns: Sequence[str], *, s3_service: str, bucket_arn: str) -> Statement:
    """Return what lets readers (roles) encrypt and read answers with the key whose policy holds this statement."""
    return {
        "Sid": "ReadersThroughS3",
        "Effect": "Allow",
        "Principal": {"AWS": sorted(reader_arns)},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",  # in a key policy: this key
        "Condition": _through(s3_service, bucket_arn),
    }


def own_answers_only(bucket_arn: str, prefixes: dict[str, str]) -> list[Statement]:
    """Return the denials that keep each reader out of the others' answers, whatever else is attached to a role.

    `prefixes` is role ARN to key prefix. Answers hold what archives hold, and groups do not read the same archives.
    """
    return [
        {
            "Sid": f"DenyOthersAnswers{at}",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
            "Resource": f"{bucket_arn}/{prefix}*",
            "Condition": {"ArnNotEquals": {"aws:PrincipalArn": role}},
        }
        for at, (role, prefix) in enumerate(sorted(prefixes.items()), start=1)
    ]


def _through(s3_service: str, bucket_arn: str) -> dict[str, Any]:
    return {"StringEquals": {"kms:ViaService": s3_service, "kms:EncryptionContext:aws:s3:arn": bucket_arn}}


def _allow(sid: str, actions: Sequence[str], resources: Sequence[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
