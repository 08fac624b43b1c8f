"""Who may read and write the collector's secrets: each secret's own policy, and the reader's grant."""

from collections.abc import Sequence
from typing import Any


def secret_resource_policy(*, readers: Sequence[str], writers: Sequence[str]) -> dict[str, Any]:
    """Return a secret's resource policy: only the readers get the value, writers put it, everything by TLS.

    A resource policy of a secret belongs to that secret: `*` as Resource means it (Secrets Manager User Guide,
    "Resource-based policies").
    """
    writing = [
        {
            "Sid": "WritersPutTheValue",
            "Effect": "Allow",
            "Principal": {"AWS": sorted(writers)},
            "Action": [
                "secretsmanager:DescribeSecret",
                "secretsmanager:ListSecretVersionIds",
                "secretsmanager:PutSecretValue",
            ],
            "Resource": "*",
        }
    ]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OnlyTheReaderGetsTheValue",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "secretsmanager:GetSecretValue",
                "Resource": "*",
                "Condition": {
                    "ArnNotEquals": {"aws:PrincipalArn": readers[0] if len(readers) == 1 else sorted(readers)}
                },
            },
            {
                "Sid": "DenyInsecureTransport",
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "secretsmanager:*",
                "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
            *(writing if writers else []),
        ],
    }


def secret_reader_policy(*, secret_arns: Sequence[str], key_arn: str, service: str) -> dict[str, Any]:
    """Return the grant to read exactly these secrets; `service` is Secrets Manager's regional name."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ReadTheSecrets",
                "Effect": "Allow",
                "Action": "secretsmanager:GetSecretValue",
                "Resource": list(secret_arns),
            },
            {
                "Sid": "DecryptTheSecrets",
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": key_arn,
                "Condition": {
                    "StringEquals": {"kms:ViaService": service},
                    "StringLike": {"kms:EncryptionContext:SecretARN": list(secret_arns)},
                },
            },
        ],
    }
