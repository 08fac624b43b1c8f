"""The key that signs the archive's manifests: its private half never leaves KMS."""

import json
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.documents.eraser_policy import eraser_signing_statements
from infra.documents.export_policy import signing_key_statements
from infra.documents.key_policy import duties_of, service_key_policy


def signing_key(
    name: str,
    *,
    context: Context,
    role_arn: pulumi.Input[str],
    eraser_arns: Sequence[pulumi.Input[str]] = (),
    alias: str,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
) -> aws.kms.Key:
    """Return a new ECC_NIST_P256 key that `role_arn` alone signs manifests with, and create its alias.

    `eraser_arns`, where there are any, sign records of erasures, whose text cannot be taken for a manifest's.

    KMS rotates no asymmetric key: another one is another key, and the chain names which signed each link.
    """
    key = aws.kms.Key(
        f"{name}-key",
        description=f"Signs the manifests of the archives in {context.environment}",
        customer_master_key_spec="ECC_NIST_P256",
        key_usage="SIGN_VERIFY",
        deletion_window_in_days=context.policy.data_classes.service_keys.deletion_window_days,
        policy=pulumi.Output.all(role_arn, *eraser_arns).apply(
            lambda roles: json.dumps(
                service_key_policy(
                    duties_of(context), *signing_key_statements(roles[0]), *eraser_signing_statements(roles[1:])
                )
            )
        ),
        tags=tags,
        opts=pulumi.ResourceOptions(parent=parent, protect=context.protect),
    )
    aws.kms.Alias(
        f"{name}-alias",
        name=context.key_alias(alias),
        target_key_id=key.key_id,
        opts=pulumi.ResourceOptions(parent=parent),
    )
    return key
