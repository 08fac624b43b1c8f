"""What the nightly export's function and its schedule may do: trust, identity and key policies. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.documents.statement import Statement, allow, on_this_key

VERSION = "2012-10-17"

NAMESPACE = "Tinybeans/Logging"


@dataclass(frozen=True)
class Exported:
    """One class: its log group, its archive, and the key of both."""

    log_group_arn: str
    """Without the `:*` of its streams."""
    bucket_arn: str
    key_arn: str


def service_trust(service: str, *, account_id: str, source_arn: str) -> dict[str, Any]:
    """Return the trust policy of a role that `service` takes for this account's `source_arn` only."""
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "TakenByService",
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": account_id},
                    "ArnLike": {"aws:SourceArn": source_arn},
                },
            }
        ],
    }


def function_trust() -> dict[str, Any]:
    """Return the trust policy of the function's role. Lambda sends no source that a condition could compare; who may
    pass the role to a function is the deployers' own policy.
    """
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "TakenByLambda",
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }


def exporter_policy(
    classes: Sequence[Exported],
    *,
    audit: Exported,
    audit_stream_arn: str,
    signing_key_arn: str,
    own_stream_arns: str,
    queue_arn: str,
    own_key_arn: str,
    logs_service: str,
    s3_service: str,
    sqs_service: str,
) -> dict[str, Any]:
    """Return what the export's function may do.

    It has CloudWatch Logs export the classes' groups, reads their archives, and adds to their `manifests/` only; it
    can delete nothing, and CloudWatch, not it, writes what is exported. CreateExportTask asks its caller to be able to
    read the bucket (CloudWatch Logs User Guide, "Export log data to Amazon S3 using the AWS CLI", step 2).
    """
    buckets = sorted(it.bucket_arn for it in classes)
    through_s3 = {"kms:ViaService": s3_service, "kms:EncryptionContext:aws:s3:arn": buckets}
    return {
        "Version": VERSION,
        "Statement": [
            # Neither takes a resource (Service Authorization Reference, CloudWatch Logs).
            allow("LookAtTasksAndGroups", ["logs:DescribeExportTasks", "logs:DescribeLogGroups"], ["*"]),
            allow(
                "ExportClasses",
                ["logs:CreateExportTask"],
                sorted(arn for it in classes for arn in (it.log_group_arn, f"{it.log_group_arn}:*")),
            ),
            allow("AnnounceManifests", ["logs:PutLogEvents"], [audit_stream_arn]),
            allow("LookAtArchives", ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:ListBucket"], buckets),
            allow(
                "ReadArchives",
                ["s3:GetObject"],
                [f"{arn}/{prefix}*" for arn in buckets for prefix in ("export/", "manifests/", "otlp/")],
            ),
            allow("AddManifests", ["s3:PutObject"], [f"{arn}/manifests/*" for arn in buckets]),
            allow(
                "UseClassKeys", ["kms:Decrypt", "kms:GenerateDataKey"], sorted(it.key_arn for it in classes), through_s3
            ),
            allow("SignManifests", ["kms:Sign", "kms:Verify"], [signing_key_arn]),
            allow(
                "EncryptAuditRecords",
                ["kms:Decrypt", "kms:GenerateDataKey"],
                [audit.key_arn],
                {"kms:ViaService": logs_service, "kms:EncryptionContext:aws:logs:arn": audit.log_group_arn},
            ),
            allow("SendMetrics", ["cloudwatch:PutMetricData"], ["*"], {"cloudwatch:namespace": NAMESPACE}),
            allow("WriteOwnLog", ["logs:CreateLogStream", "logs:PutLogEvents"], [own_stream_arns]),
            *_dead_letters(queue_arn, own_key_arn, sqs_service),
        ],
    }


def schedule_policy(
    *, function_arn: str, queue_arn: str, own_key_arn: str, sqs_service: str, schedule_arn: str
) -> dict[str, Any]:
    """Return what the schedule may do: call the function, and keep what could not be delivered."""
    return {
        "Version": VERSION,
        "Statement": [
            allow("CallTheExport", ["lambda:InvokeFunction"], [function_arn]),
            *_dead_letters(queue_arn, own_key_arn, sqs_service),
            # The schedule is encrypted with the key, and read in its role's name (EventBridge Scheduler User Guide,
            # "Encryption at rest").
            allow(
                "ReadTheSchedule",
                ["kms:Decrypt"],
                [own_key_arn],
                {"kms:EncryptionContext:aws:scheduler:schedule:arn": schedule_arn},
            ),
        ],
    }


def class_key_statements(
    role: str, *, bucket_arn: str, s3_service: str, log_group_arn: str = "", logs_service: str = ""
) -> list[Statement]:
    """Return what a class's key must say besides, so that the role `role` can read its archive and add manifests.

    With `log_group_arn`, of the group that manifests are announced in, it may write there, too.
    """
    both = ["kms:Decrypt", "kms:GenerateDataKey"]
    archive = {"kms:ViaService": s3_service, "kms:EncryptionContext:aws:s3:arn": bucket_arn}
    group = {"kms:ViaService": logs_service, "kms:EncryptionContext:aws:logs:arn": log_group_arn}
    return [
        on_this_key("ExporterThroughS3", {"AWS": role}, both, archive),
        *([on_this_key("ExporterThroughLogs", {"AWS": role}, both, group)] if log_group_arn else []),
    ]


def signing_key_statements(role: str) -> list[Statement]:
    """Return who uses the key that signs manifests: the export's function alone. Whoever has the public half checks."""
    return [on_this_key("ExporterSigns", {"AWS": role}, ["kms:Sign", "kms:Verify"])]


def own_key_statements(
    *,
    function_role: str,
    schedule_role: str,
    deployers: Sequence[str],
    schedule_arn: str,
    sqs_service: str,
    scheduler_service: str,
) -> list[Statement]:
    """Return who uses the key of the queues of undelivered calls and of the schedule, besides the own log's users."""
    schedule = {"kms:EncryptionContext:aws:scheduler:schedule:arn": schedule_arn}
    return [
        on_this_key(
            "DeadLettersThroughSqs",
            {"AWS": sorted([function_role, schedule_role])},
            ["kms:Decrypt", "kms:GenerateDataKey"],
            {"kms:ViaService": sqs_service},
        ),
        on_this_key("ScheduleIsRead", {"AWS": schedule_role}, ["kms:Decrypt"], schedule),
        on_this_key(
            "DeployersEncryptTheSchedule",
            {"AWS": sorted(deployers)},
            ["kms:Decrypt", "kms:GenerateDataKey"],
            {"kms:ViaService": scheduler_service, **schedule},
        ),
    ]


def _dead_letters(queue_arn: str, own_key_arn: str, sqs_service: str) -> list[Statement]:
    return [
        allow("KeepDeadLetters", ["sqs:SendMessage"], [queue_arn]),
        allow(
            "EncryptDeadLetters",
            ["kms:Decrypt", "kms:GenerateDataKey"],
            [own_key_arn],
            {"kms:ViaService": sqs_service},
        ),
    ]
