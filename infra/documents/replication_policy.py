"""What S3 needs, and no more, to copy one bucket's objects into its replica in another region.

Source: S3 User Guide, "Setting up permissions for live replication", "Replicating encrypted objects" and "Object
Lock considerations". Deletions are never copied, so the role cannot replicate them.
"""

from typing import Any

from infra.documents.bucket_policy import Statement


def replication_trust(*, account_id: str, source_arn: str) -> dict[str, Any]:
    """Return the trust policy of a replication role: S3, on behalf of the bucket `source_arn` of this account.

    The conditions hold where S3 names the source, and do not stop replication where it does not: S3's guide shows
    the role without them and no public record says that replication always sends both keys. The confused deputy is
    kept out by iam:PassRole as well, which whoever puts a replication configuration needs on this very role.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "S3Replication",
                "Effect": "Allow",
                "Principal": {"Service": "s3.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEqualsIfExists": {"aws:SourceAccount": account_id},
                    "ArnLikeIfExists": {"aws:SourceArn": source_arn},
                },
            }
        ],
    }


def replication_grant(
    *,
    source_arn: str,
    source_key_arn: str,
    source_service: str,
    replica_arn: str,
    replica_key_arn: str,
    replica_service: str,
) -> dict[str, Any]:
    """Return the policy of a replication role: read one bucket's versions, write their copies into one other.

    `source_service` and `replica_service` are S3's names in the two regions (`kms:ViaService`).
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            _grant("ReadConfiguration", ["s3:GetReplicationConfiguration", "s3:ListBucket"], source_arn),
            _grant(
                "ReadVersions",
                [
                    "s3:GetObjectLegalHold",
                    "s3:GetObjectRetention",
                    "s3:GetObjectVersionAcl",
                    "s3:GetObjectVersionForReplication",
                    "s3:GetObjectVersionTagging",
                ],
                f"{source_arn}/*",
            ),
            _grant("WriteCopies", ["s3:ReplicateObject", "s3:ReplicateTags"], f"{replica_arn}/*"),
            {
                **_grant("DecryptSource", ["kms:Decrypt"], source_key_arn),
                "Condition": _through_s3(source_service, source_arn),
            },
            {
                **_grant("EncryptCopies", list(ENCRYPT_COPIES), replica_key_arn),
                "Condition": _through_s3(replica_service, replica_arn),
            },
        ],
    }


ENCRYPT_COPIES = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")
"""With a bucket key S3 also asks for a data key, and decrypts the bucket key to check it before it uses it."""


def replication_key_statement(role_arn: str, *, service: str, source_arn: str) -> Statement:
    """Return what the key of the bucket `source_arn` must say, so that its replication role can read the objects.

    With a bucket key the encryption context is the bucket's ARN, not the object's.
    """
    return {
        "Sid": "AllowReplicationToDecrypt",
        "Effect": "Allow",
        "Principal": {"AWS": role_arn},
        "Action": "kms:Decrypt",
        "Resource": "*",  # in a key policy: this key
        "Condition": _through_s3(service, source_arn),
    }


def replica_key_statement(role_arn: str, *, service: str, replica_arn: str) -> Statement:
    """Return what the key of the bucket `replica_arn` must say, so that the replication role can write copies."""
    return {
        "Sid": "AllowReplicationToEncrypt",
        "Effect": "Allow",
        "Principal": {"AWS": role_arn},
        "Action": list(ENCRYPT_COPIES),
        "Resource": "*",  # in a key policy: this key
        "Condition": _through_s3(service, replica_arn),
    }


def _through_s3(service: str, bucket_arn: str) -> dict[str, Any]:
    return {"StringEquals": {"kms:ViaService": service, "kms:EncryptionContext:aws:s3:arn": bucket_arn}}


def _grant(sid: str, actions: list[str], resource: str) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
