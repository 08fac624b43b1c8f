"""What the VPC endpoints let through: what the collector's roles are granted anyway, and nothing else. Pure.

An endpoint policy never grants; it narrows. So it is made from the roles' own policies and cannot fall behind them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

VERSION = "2012-10-17"

INTERFACE_SERVICES = {
    "logs": "logs:",
    "monitoring": "cloudwatch:",
    "secretsmanager": "secretsmanager:",
    "kms": "kms:",
    "ecr.api": "ecr:",
    "ecr.dkr": "ecr:",
}
"""Interface endpoint to the prefix of the actions that it carries. For Fargate these are all that is needed: it pulls
images by way of the two ECR endpoints and S3 (Amazon ECR, "Interface VPC endpoints")."""

Statement = Mapping[str, Any]


def read_secrets(secret_arns: Iterable[str]) -> Statement:
    """Return the statement by which ECS reads exactly these secrets when it starts the collector."""
    return {
        "Sid": "ReadSecrets",
        "Effect": "Allow",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": sorted(secret_arns),
    }


def interface_services(*, image_in_ecr: bool) -> tuple[str, ...]:
    """Return the services that need an interface endpoint; ECR's two only where the image comes from there."""
    return tuple(name for name in INTERFACE_SERVICES if image_in_ecr or not name.startswith("ecr."))


def interface_policy(service: str, grants: Mapping[str, Iterable[Statement]]) -> dict[str, Any]:
    """Return the endpoint policy of `service`: what the roles (ARN to statements) are granted there."""
    return {
        "Version": VERSION,
        "Statement": [
            {**statement, "Principal": {"AWS": role}}
            for role, statements in sorted(grants.items())
            for statement in statements
            if _about(statement, INTERFACE_SERVICES[service])
        ],
    }


def gateway_policy(
    grants: Mapping[str, Iterable[Statement]], *, partition: str, image_region: str | None
) -> dict[str, Any]:
    """Return the policy of the S3 gateway endpoint.

    A gateway endpoint knows no principal but `*`; the roles are conditions instead (AWS PrivateLink, "Gateway
    endpoints for Amazon S3"). `image_region` is the region of the ECR repository that the image comes from: ECR hands
    out signed addresses in a bucket of its own, fetched as nobody of this account (Amazon ECR, "Minimum Amazon S3
    bucket permissions").
    """
    statements = [
        {
            **statement,
            "Principal": "*",
            "Condition": {**statement.get("Condition", {}), "ArnEquals": {"aws:PrincipalArn": role}},
        }
        for role, granted in sorted(grants.items())
        for statement in granted
        if _about(statement, "s3:")
    ]
    if image_region:
        statements.append(
            {
                "Sid": "FetchImageLayers",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:{partition}:s3:::prod-{image_region}-starport-layer-bucket/*",
            }
        )
    return {"Version": VERSION, "Statement": statements}


def _about(statement: Statement, prefix: str) -> bool:
    actions = statement["Action"]
    return all(action.startswith(prefix) for action in ([actions] if isinstance(actions, str) else actions))
