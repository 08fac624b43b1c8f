"""Who uses the key of the collector's own log. Pure."""

from collections.abc import Sequence
from typing import Any


def own_log_key_statements(
    *, log_group_arn: str, logs_service: str, writer: str, deployers: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the key policy statements for one log group that belongs to no data class.

    CloudWatch Logs uses the key for this group only, the group's ARN being the encryption context (CloudWatch Logs
    User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS"); `writer` and `deployers` have it used on their
    behalf, to write and to attach the key. `*` is this key.
    """
    this_group = {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": log_group_arn}}
    through_logs = {"StringEquals": {"kms:ViaService": logs_service}, **this_group}
    return [
        {
            "Sid": "LogsEncryptThisGroup",
            "Effect": "Allow",
            "Principal": {"Service": logs_service},
            "Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            "Resource": "*",
            "Condition": this_group,
        },
        {
            "Sid": "WriterThroughLogs",
            "Effect": "Allow",
            "Principal": {"AWS": writer},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",
            "Condition": through_logs,
        },
        {
            "Sid": "DeployersAttachToLogGroup",
            "Effect": "Allow",
            "Principal": {"AWS": sorted(deployers)},
            "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
            "Resource": "*",
            "Condition": through_logs,
        },
    ]
