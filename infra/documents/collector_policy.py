"""What the collector's task and the agent that starts it may do: trust and identity policies. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from infra.documents.container import CONTAINER
from infra.documents.ecr import PULL, EcrRepository

VERSION = "2012-10-17"
METRICS = {
    "Sid": "PutMetrics",
    "Effect": "Allow",
    "Action": "cloudwatch:PutMetricData",
    # CloudWatch metrics have no resources (Service Authorization Reference). The one condition that there is,
    # cloudwatch:namespace, is for PutMetricData's own API: metrics that come by OTLP have no namespace to compare.
    "Resource": "*",
}
ARCHIVE_PREFIX = "otlp"
"""Everything that the collector archives lies under this prefix of a class's bucket."""


def tasks_trust(*, account_id: str, tasks_arn: str) -> dict[str, Any]:
    """Return the trust policy of a role that only ECS tasks of this account and region take.

    The conditions are AWS's own against the confused deputy (Amazon ECS, task IAM role).
    """
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "TakenByTasks",
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": account_id},
                    "ArnLike": {"aws:SourceArn": tasks_arn},
                },
            }
        ],
    }


def task_policy(
    *,
    streams: Sequence[str],
    archives: Mapping[str, str],
    keys: Sequence[str],
    s3_service: str,
    also: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return what the collector may do.

    It writes to `streams` (ARNs of log streams), adds objects under `otlp/` of the `archives` (class to bucket ARN)
    and has S3 encrypt them with `keys`. It can create no group and no stream, so none can appear unencrypted, and
    it can read nothing back; `kms:Decrypt` is what S3 needs to put the parts of a multipart upload together. `also`
    are further statements, such as the one for its configuration. It sends its own metrics.
    """
    statements: list[dict[str, Any]] = [
        {
            "Sid": "WriteToClassStreams",
            "Effect": "Allow",
            "Action": "logs:PutLogEvents",
            "Resource": sorted(streams),
        },
        {
            "Sid": "AddToArchives",
            "Effect": "Allow",
            "Action": ["s3:AbortMultipartUpload", "s3:PutObject"],
            "Resource": [f"{archives[cls]}/{ARCHIVE_PREFIX}/*" for cls in sorted(archives)],
        },
        {
            "Sid": "EncryptArchives",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": sorted(keys),
            "Condition": {"StringEquals": {"kms:ViaService": s3_service}},
        },
        METRICS,
    ]
    granted = [statement for statement in statements if statement["Resource"]]
    return {"Version": VERSION, "Statement": [*granted, *(dict(statement) for statement in also)]}


def execution_policy(*, log_group_arn: str, partition: str, repository: EcrRepository | None) -> dict[str, Any]:
    """Return what ECS may do to start the collector: write its own log and, from ECR only, pull its image.

    What reads the secrets is granted beside the secrets. CreateLogStream is checked against the group by the
    reference and against the stream by the service; both are named.
    """
    streams = f"{log_group_arn}:log-stream:{CONTAINER}/{CONTAINER}/*"
    statements: list[dict[str, Any]] = [
        {
            "Sid": "OpenOwnLogStream",
            "Effect": "Allow",
            "Action": "logs:CreateLogStream",
            "Resource": [log_group_arn, streams],
        },
        {"Sid": "WriteOwnLog", "Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": streams},
        *pull_statements(partition=partition, repository=repository),
    ]
    return {"Version": VERSION, "Statement": statements}


def pull_statements(*, partition: str, repository: EcrRepository | None) -> Iterable[dict[str, Any]]:
    """Return the statements that pull an image from its one ECR repository; none for another registry."""
    if repository is None:
        return ()
    return (
        {"Sid": "PullImage", "Effect": "Allow", "Action": list(PULL), "Resource": repository.arn(partition)},
        # The token is for the registry as a whole: AWS offers no resource (Service Authorization Reference, ECR).
        {"Sid": "LogInToEcr", "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
    )
