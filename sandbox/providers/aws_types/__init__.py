"""The AWS types the sandbox knows, one module per capability, and the functions it answers."""

from __future__ import annotations

from typing import Final

from sandbox.providers.aws_types import ecs, iam, jobs, kms, logs, monitoring, network, oversight, s3, secretsmanager
from sandbox.providers.cloud import Cloud, aws_cloud
from sandbox.providers.table import Invoke, Package
from sandbox.providers.wire import Props


def _caller_identity(args: Props, cloud: Cloud) -> Props:  # noqa: ARG001 - every function has one shape
    return {
        "accountId": cloud.account,
        "arn": f"arn:{cloud.partition}:iam::{cloud.account}:user/sandbox",
        "id": cloud.account,
        "userId": "AIDASANDBOXSANDBOXSAN",
    }


def _region(args: Props, cloud: Cloud) -> Props:
    region = args.get("region") or cloud.region
    return {
        "id": region,
        "name": region,
        "region": region,
        "description": f"{region} (sandbox)",
        "endpoint": f"ec2.{region}.amazonaws.com",
    }


def _partition(args: Props, cloud: Cloud) -> Props:  # noqa: ARG001
    suffix = "amazonaws.com.cn" if cloud.partition == "aws-cn" else "amazonaws.com"
    return {
        "id": cloud.partition,
        "partition": cloud.partition,
        "dnsSuffix": suffix,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


INVOKES: Final[dict[str, Invoke]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
}

_MODULES = (logs, kms, s3, secretsmanager, iam, ecs, monitoring, network, jobs, oversight)

AWS: Final = Package(
    name="aws",
    sdk="pulumi_aws",
    rows={token: row for module in _MODULES for token, row in module.ROWS.items()},
    invokes=INVOKES,
    cloud=aws_cloud,
    rows_in="sandbox/providers/aws_types/",
)
