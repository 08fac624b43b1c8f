"""Secrets Manager (ForceNew: terraform-provider-aws, internal/service/secretsmanager)."""

from __future__ import annotations

from sandbox.providers.aws_types.rows import keys
from sandbox.providers.realise import secretsmanager
from sandbox.providers.rules import at_most_one, between, together
from sandbox.providers.table import Api, Row, table

ROWS = table(
    Row(
        "aws:secretsmanager/secret:Secret",
        replace_on=keys("name", "namePrefix", "type"),
        defaults={"forceOverwriteReplicaSecret": False, "recoveryWindowInDays": 30},
        moto=secretsmanager.SECRET,
        api=Api(service="secretsmanager", operation="CreateSecret"),
        cfn="AWS::SecretsManager::Secret",
        rules=(between("recoveryWindowInDays", 7, 30, 0),),
    ),
    Row(
        "aws:secretsmanager/secretVersion:SecretVersion",
        name=None,
        replace_on=keys("secretId", "secretBinary", "secretString", "secretStringWoVersion"),
        write_only=keys("secretStringWo"),
        moto=secretsmanager.VERSION,
        api=Api(service="secretsmanager", operation="PutSecretValue"),
        rules=(
            at_most_one("secretBinary", "secretString", "secretStringWo"),
            together("secretStringWo", "secretStringWoVersion"),
        ),
    ),
    Row(
        "aws:secretsmanager/secretPolicy:SecretPolicy",
        name=None,
        replace_on=keys("secretArn"),
        moto=secretsmanager.POLICY,
        api=Api(service="secretsmanager", operation="PutResourcePolicy"),
    ),
    # moto runs a rotation function in docker: recorded.
    Row(
        "aws:secretsmanager/secretRotation:SecretRotation",
        id="{secretId}",
        name=None,
        outputs={"rotationEnabled": True},
        replace_on=keys("secretId"),
        defaults={"rotateImmediately": True},
        api=Api(service="secretsmanager", operation="RotateSecret"),
    ),
)
