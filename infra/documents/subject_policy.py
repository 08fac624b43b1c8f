"""What the role for requests about one person may do: read every class and every pepper, and say so. Pure.

It alone, of all people's roles, can turn a person's address into pseudonyms, so it is a role of its own: readers of
the announcing class's archive take it for one request, within an hour, and each use leaves an audit record.
"""

from collections.abc import Sequence
from typing import Any

from infra.context import Context
from infra.documents.export_assignment import announcing_class
from infra.documents.reader_policy import ClassStore, Reach, reader_policy
from infra.documents.secret_policy import secret_reader_policy
from infra.documents.statement import Statement

STREAM = "subject-requests"
"""Log stream in which requests are announced, in the log group in which exports are."""
SESSION_SECONDS = 3600
"""AWS ends the session of a role that was taken from another role after an hour (IAM User Guide, "Role chaining")."""


def announcers(context: Context) -> tuple[str, ...]:
    """Return the reader groups whose members may take the role."""
    return context.policy.data_classes.classes[announcing_class(context)].readers.archived


def subject_trust(roles: Sequence[str]) -> dict[str, Any]:
    """Return the trust policy of the role: these reader roles, and nobody by himself."""
    statement = {
        "Sid": "TakenByReaders",
        "Effect": "Allow",
        "Principal": {"AWS": sorted(roles)},
        "Action": "sts:AssumeRole",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def subject_reading(context: Context, stores: Sequence[ClassStore]) -> dict[str, Any]:
    """Return the permission to read every class, hot and archived, and the refusal to alter any of it.

    The audit record is an event in one stream, which the refusal leaves out and the announcing policy allows.
    """
    document = reader_policy(
        Reach(hot=stores, archived=stores, unmask=()),
        every_class=stores,
        logs_service=context.regional_service("logs"),
        s3_service=context.regional_service("s3"),
    )
    kept = [item for item in document["Statement"] if not item["Sid"].startswith("Decrypt")]
    # One statement for every class: IAM takes 10,240 characters of inline policies a role, and which group and bucket
    # each key serves stands in the key's own policy.
    decrypt = {
        "Sid": "DecryptEveryClass",
        "Effect": "Allow",
        "Action": ["kms:Decrypt"],
        "Resource": [store.key_arn for store in stores],
        "Condition": {
            "StringEquals": {"kms:ViaService": [context.regional_service("logs"), context.regional_service("s3")]}
        },
    }
    return {**document, "Statement": [*(_but_announce(statement) for statement in kept), decrypt]}


def subject_announcing(
    context: Context, *, log_group_arn: str, log_key_arn: str, secret_arns: Sequence[str], key_arn: str
) -> dict[str, Any]:
    """Return the permission to write audit records of requests, and to read the pepper of every kept epoch."""
    document = secret_reader_policy(
        secret_arns=secret_arns, key_arn=key_arn, service=context.regional_service("secretsmanager")
    )
    announce = announcing(log_group_arn, log_key_arn, context.regional_service("logs"))
    return {**document, "Statement": [*announce, *document["Statement"]]}


def announcing(log_group_arn: str, log_key_arn: str, service: str) -> list[Statement]:
    """Return the permission to write audit records of requests; `service` is CloudWatch Logs' name in the region."""
    return [
        {
            "Sid": "AnnounceRequests",
            "Effect": "Allow",
            "Action": ["logs:PutLogEvents"],
            "Resource": [f"{log_group_arn}:log-stream:{STREAM}"],
        },
        {
            "Sid": "EncryptAnnouncements",
            "Effect": "Allow",
            "Action": ["kms:GenerateDataKey"],
            "Resource": [log_key_arn],
            "Condition": {"StringEquals": _for_group(log_group_arn, service)},
        },
    ]


def announcing_key_statements(context: Context, cls: str, role: str) -> list[Statement]:
    """Return what the key of `cls` must say besides, where requests are announced there: `role` may do so."""
    if cls != announcing_class(context):
        return []
    condition = _for_group(context.log_group_arn(cls), context.regional_service("logs"))
    return [
        {
            "Sid": "RequestsThroughLogs",
            "Effect": "Allow",
            "Principal": {"AWS": role},
            "Action": ["kms:GenerateDataKey"],
            "Resource": "*",  # in a key policy: this key
            "Condition": {"StringEquals": condition},
        }
    ]


def _for_group(log_group_arn: str, service: str) -> dict[str, str]:
    return {"kms:ViaService": service, "kms:EncryptionContext:aws:logs:arn": log_group_arn}


def _but_announce(statement: Statement) -> Statement:
    if statement["Sid"] != "NeverAlterLogGroups":
        return statement
    return {**statement, "Action": [action for action in statement["Action"] if action != "logs:PutLogEvents"]}
