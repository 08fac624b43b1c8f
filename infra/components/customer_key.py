"""A KMS key of the customer's own, with its alias: the same care for every key of the stack."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.policy.data_classes import Key


def customer_key(
    name: str,
    *,
    context: Context,
    lifetime: Key,
    description: str,
    policy: pulumi.Output[dict[str, Any]],
    alias: str,
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
    region: str | None = None,
) -> aws.kms.Key:
    """Return a new key `<name>-key` with options `opts`, rotated and deletable as `lifetime` (in days) says.

    Also creates its alias, under the same parent. `policy` is the whole key policy: it grants everything that is
    granted on the key. `region` is given where the key is not in the provider's own.
    """
    key = aws.kms.Key(
        f"{name}-key",
        description=description,
        enable_key_rotation=True,
        rotation_period_in_days=lifetime.rotation_days,
        deletion_window_in_days=lifetime.deletion_window_days,
        policy=policy.apply(json.dumps),
        region=region,
        tags=tags,
        opts=opts,
    )
    aws.kms.Alias(
        f"{name}-alias",
        name=context.key_alias(alias),
        target_key_id=key.key_id,
        region=region,
        opts=pulumi.ResourceOptions(parent=opts.parent),
    )
    return key
