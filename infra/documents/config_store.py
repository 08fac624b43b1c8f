"""Who may read and write the stored configurations, and use their key. Pure."""

from collections.abc import Sequence
from typing import Any

from infra.documents.config_source import CONFIG_PREFIX

Statement = dict[str, Any]


def read_config(*, bucket_arn: str, key_arn: str, s3_service: str) -> list[Statement]:
    """Return what the collector needs to read its configuration, whichever revision names it.

    The prefix and not one object: a task of an earlier revision starts under the same role, and reads its own.
    """
    return [
        {
            "Sid": "ReadConfiguration",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": f"{bucket_arn}/{CONFIG_PREFIX}*",
        },
        {
            "Sid": "DecryptConfiguration",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": key_arn,
            "Condition": _through_s3(bucket_arn, s3_service),
        },
    ]


def config_key_statements(
    *, reader: str, deployers: Sequence[str], bucket_arn: str, s3_service: str
) -> list[Statement]:
    """Return the statements of the configurations' key: the collector decrypts, deployers store. `*` is this key.

    Deployers decrypt too, for S3 gives back an object's checksum to those only who may (S3 API, HeadObject,
    x-amz-checksum-mode); what they could read so, they have rendered.
    """
    through_s3 = _through_s3(bucket_arn, s3_service)
    return [
        {
            "Sid": "CollectorReadsThroughS3",
            "Effect": "Allow",
            "Principal": {"AWS": reader},
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": through_s3,
        },
        {
            "Sid": "DeployersStoreThroughS3",
            "Effect": "Allow",
            "Principal": {"AWS": sorted(deployers)},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",
            "Condition": through_s3,
        },
    ]


def _through_s3(bucket_arn: str, s3_service: str) -> dict[str, dict[str, str]]:
    # With an S3 Bucket Key the encryption context is the bucket's ARN (S3 User Guide, "Bucket Keys").
    return {"StringEquals": {"kms:ViaService": s3_service, "kms:EncryptionContext:aws:s3:arn": bucket_arn}}
