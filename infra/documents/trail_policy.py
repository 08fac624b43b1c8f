"""What CloudTrail needs to record reads of the archives: its place in a bucket, its use of a key, what it records.

Source: AWS CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail", "Configure AWS KMS key policies for
CloudTrail" and "Logging data events", advanced event selectors.
"""

from collections.abc import Sequence
from typing import Any

from infra.documents.bucket_policy import Statement

SERVICE = "cloudtrail.amazonaws.com"


def trail_delivery(bucket_arn: str, *, account_id: str, trail_arn: str) -> list[Statement]:
    """Return what lets one trail deliver its files into the bucket, and no other.

    The trail's ARN names its account, so aws:SourceAccount would add nothing.
    """
    return [
        {
            "Sid": "AllowTrailToLookAtBucket",
            "Effect": "Allow",
            "Principal": {"Service": SERVICE},
            "Action": "s3:GetBucketAcl",
            "Resource": bucket_arn,
            "Condition": {"StringEquals": {"aws:SourceArn": trail_arn}},
        },
        {
            "Sid": "AllowTrail",
            "Effect": "Allow",
            "Principal": {"Service": SERVICE},
            "Action": "s3:PutObject",
            "Resource": f"{bucket_arn}/AWSLogs/{account_id}/*",
            "Condition": {"StringEquals": {"aws:SourceArn": trail_arn, "s3:x-amz-acl": "bucket-owner-full-control"}},
        },
    ]


def trail_key_statements(*, trail_arn: str) -> list[Statement]:
    """Return what lets one trail encrypt its files with the key whose policy holds these statements."""
    return [
        {
            "Sid": "AllowTrailToEncrypt",
            "Effect": "Allow",
            "Principal": {"Service": SERVICE},
            "Action": ["kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"],
            "Resource": "*",  # in a key policy: this key
            "Condition": {
                "StringEquals": {"aws:SourceArn": trail_arn, "kms:EncryptionContext:aws:cloudtrail:arn": trail_arn}
            },
        },
        {
            "Sid": "AllowTrailToLookAtKey",
            "Effect": "Allow",
            "Principal": {"Service": SERVICE},
            "Action": "kms:DescribeKey",
            "Resource": "*",  # in a key policy: this key
            "Condition": {"StringEquals": {"aws:SourceArn": trail_arn}},
        },
    ]


def trail_readers(bucket_arn: str, reader_arns: Sequence[str]) -> list[Statement]:
    """Return what lets `reader_arns` (roles) list and read a trail's files."""
    return [
        {
            "Sid": "AllowReadersToList",
            "Effect": "Allow",
            "Principal": {"AWS": sorted(reader_arns)},
            "Action": "s3:ListBucket",
            "Resource": bucket_arn,
        },
        {
            "Sid": "AllowReaders",
            "Effect": "Allow",
            "Principal": {"AWS": sorted(reader_arns)},
            "Action": "s3:GetObject",
            "Resource": f"{bucket_arn}/AWSLogs/*",
        },
    ]


def trail_reader_key_statement(reader_arns: Sequence[str], *, service: str, bucket_arn: str) -> Statement:
    """Return what lets `reader_arns` (roles) decrypt a trail's files, through S3 and out of this bucket only."""
    return {
        "Sid": "AllowReadersToDecrypt",
        "Effect": "Allow",
        "Principal": {"AWS": sorted(reader_arns)},
        "Action": "kms:Decrypt",
        "Resource": "*",  # in a key policy: this key
        # Without a bucket key the encryption context is the object's ARN.
        "Condition": {
            "StringEquals": {"kms:ViaService": service},
            "StringLike": {"kms:EncryptionContext:aws:s3:arn": f"{bucket_arn}/*"},
        },
    }


def reads_of(bucket_arns: Sequence[str]) -> list[dict[str, Any]]:
    """Return the advanced event selectors that record every read of an object in these buckets, and nothing else."""
    return [
        {
            "name": "Reads of archived records",
            "field_selectors": [
                {"field": "eventCategory", "equals": ["Data"]},
                {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                {"field": "readOnly", "equals": ["true"]},
                # The slash ends the bucket's name: without it, buckets whose names begin alike would be recorded too.
                {"field": "resources.ARN", "starts_withs": [f"{arn}/" for arn in bucket_arns]},
            ],
        }
    ]
