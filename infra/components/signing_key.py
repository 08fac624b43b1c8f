"""A key that signs what proves an archive: its private half never leaves KMS."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.documents.key_policy import duties_of, service_key_policy


def signing_key(
    name: str,
    *,
    context: Context,
    description: str,
    statements: pulumi.Input[list[dict[str, Any]]],
    alias: str,
    tags: Mapping[str, str],
    parent: pulumi.Resource,
) -> aws.kms.Key:
    """Return a new ECC_NIST_P256 key that is used as `statements` say and not otherwise, and create its alias.

    KMS rotates no asymmetric key: another one is another key, and what is signed names which key signed it.
    """
    key = aws.kms.Key(
        f"{name}-key",
        description=description,
        customer_master_key_spec="ECC_NIST_P256",
        key_usage="SIGN_VERIFY",
        deletion_window_in_days=context.policy.data_classes.service_keys.deletion_window_days,
        policy=pulumi.Output.from_input(statements).apply(
            lambda own: json.dumps(service_key_policy(duties_of(context), *own))
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
