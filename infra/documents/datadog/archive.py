"""Datadog's own archive in S3: what it writes where, how long it stays, and what its role may do.

Without Object Lock: Datadog may write its newest file again (Datadog docs, "Log Archives"). The archives that prove
anything are the collector's (documents/lifecycle.py); this one lets Datadog search again what its indexes forgot.
"""

from typing import Any

from infra.context import Context
from infra.documents.bucket_policy import Statement
from infra.documents.datadog.scope import classes, of_class
from infra.documents.lifecycle import Rule, archive_rules

ACCOUNTS = {
    "datadoghq.com": "464622532012",
    "datadoghq.eu": "464622532012",
    "us3.datadoghq.com": "464622532012",
    "us5.datadoghq.com": "464622532012",
    "ap1.datadoghq.com": "417141415827",
    "ap2.datadoghq.com": "412381753143",
}
"""Site to the AWS account from which Datadog takes a role (Datadog docs, "AWS integration setup"). Of Datadog's
government site no account is known here, and its archives have rules of their own: it is left out."""


def archive_bucket(context: Context) -> str:
    """Return the name of the bucket that Datadog's archives share."""
    return context.bucket_name("datadog-archive")


def role_name(context: Context) -> str:
    """Return the name of the role that Datadog takes."""
    return context.name("datadog-archive")


def archives(context: Context) -> dict[str, dict[str, Any]]:
    """Return each class with its archive, as the Logs Archives API (v2) takes it. Each has a path of its own, so that
    each class's files expire when policy says."""
    return {name: _archive(context, name) for name in classes(context)}


def _archive(context: Context, cls: str) -> dict[str, Any]:
    return {
        "data": {
            "type": "archives",
            "attributes": {
                "name": context.name(cls),
                "query": of_class(context, cls),
                "include_tags": True,
                "rehydration_tags": [f"env:{context.environment}", f"data_class:{cls}", "rehydrated:true"],
                "destination": {
                    "type": "s3",
                    "bucket": archive_bucket(context),
                    "path": f"/{cls}",
                    "integration": {"account_id": context.account_id, "role_name": role_name(context)},
                    # Objects take the bucket's own encryption, as its policy demands.
                    "encryption": {"type": "NO_OVERRIDE"},
                    "storage_class": "STANDARD",
                },
            },
        }
    }


WHOLE_BUCKET = ("remove-lone-delete-markers", "abort-uploads")
"""Rules that are the same for every class, so that the bucket has them once."""


def lifecycle(context: Context) -> list[Rule]:
    """Return the bucket's rules: for each class those of an archive, below the class's own path, and what all share."""
    environment = context.settings.environment
    rules = {
        name: archive_rules(cls.datadog.archive.at(environment).retention)
        for name, cls in classes(context).items()
        if cls.datadog
    }
    own = [
        {**rule, "id": f"{name}-{rule['id']}", "filter": {"prefix": f"{name}/"}}
        for name, listed in rules.items()
        for rule in listed
        if rule["id"] not in WHOLE_BUCKET
    ]
    shared = {rule["id"]: rule for listed in rules.values() for rule in listed if rule["id"] in WHOLE_BUCKET}
    return [*own, *shared.values()]


def integration(context: Context) -> dict[str, Any]:
    """Return the AWS account at Datadog, as the AWS Integration API (v2) takes it: a role for the archive, and nothing
    collected: no metrics, resources, traces or logs."""
    return {
        "data": {
            "type": "account",
            "attributes": {
                "aws_account_id": context.account_id,
                "aws_partition": context.settings.aws.partition,
                "aws_regions": {"include_only": [context.region]},
                "auth_config": {"role_name": role_name(context)},
                "logs_config": {"lambda_forwarder": {"lambdas": [], "sources": []}},
                "metrics_config": {
                    "enabled": False,
                    "automute_enabled": False,
                    "collect_cloudwatch_alarms": False,
                    "collect_custom_metrics": False,
                    "namespace_filters": {"include_only": []},
                    "tag_filters": [],
                },
                "resources_config": {
                    "cloud_security_posture_management_collection": False,
                    "extended_collection": False,
                },
                "traces_config": {"xray_services": {"include_only": []}},
                "account_tags": [f"env:{context.environment}"],
            },
        }
    }


def role_trust(context: Context, external_id: str) -> dict[str, Any]:
    """Return the trust of Datadog's role: Datadog's account, and only in the name of the organisation that knows
    `external_id`."""
    account = ACCOUNTS[context.settings.datadog_site]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Datadog",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{context.settings.aws.partition}:iam::{account}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
            }
        ],
    }


def role_policy(context: Context, key_arn: str) -> dict[str, Any]:
    """Return what Datadog's role may do: write and read the archive's files, list them, use their key through S3."""
    bucket = context.bucket_arn(archive_bucket(context))
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "List", "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": bucket},
            {
                "Sid": "WriteAndReadBack",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": [context.bucket_arn(archive_bucket(context), f"{name}/*") for name in classes(context)],
            },
            {
                "Sid": "UseKeyThroughS3",
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": key_arn,
                "Condition": _through_s3(context),
            },
        ],
    }


def key_statement(context: Context, role_arn: str) -> Statement:
    """Return what the archive's key must say, so that Datadog's role can use it through S3 for this bucket alone."""
    return {
        "Sid": "AllowDatadogThroughS3",
        "Effect": "Allow",
        "Principal": {"AWS": role_arn},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
        "Resource": "*",  # in a key policy: this key
        "Condition": _through_s3(context),
    }


def _through_s3(context: Context) -> dict[str, Any]:
    # With a bucket key the encryption context is the bucket's ARN, not the object's.
    return {
        "StringEquals": {
            "kms:ViaService": context.regional_service("s3"),
            "kms:EncryptionContext:aws:s3:arn": context.bucket_arn(archive_bucket(context)),
        }
    }
