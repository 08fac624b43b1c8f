"""The collector of a stack, built once for each variation that a test asks for."""

import functools
import json
from typing import Any

import pulumi

from infra.components.access_logs import AccessLogs
from infra.components.collector import Collector
from infra.components.collector_config import config_bucket
from infra.components.collector_roles import CollectorRoles
from infra.context import Context
from infra.secrets import needed
from tests.engine import Deployment, deploy
from tests.factories import context, in_stack, stack_values

CONFIG = "receivers:\n  otlp/applications: {}\n"
"""So small that it travels inline."""
LARGE_CONFIG = CONFIG + "# padding\n" * 6000
"""So large that it travels as an object."""
ECR = "210987654321.dkr.ecr.us-east-1.amazonaws.com/mirror/collector"
LOCKED_DOWN = {"vpc_endpoints": {"route_table_ids": ["rtb-0a1b2c3d4e5f60010"]}, "saas_egress": False}
"""What a stack without a way out adds to its network."""


def secret_arn(stack: Context, name: str) -> str:
    """Return a secret's ARN as Secrets Manager would make it."""
    return stack.arn("secretsmanager", f"secret:{stack.secret(name)}-a1B2c3")


def build(stack: Context, *, config: str = CONFIG, reverse: bool = False) -> Collector:
    """Build the roles and the collector; `reverse` gives every mapping in the opposite order."""
    classes = list(stack.policy.data_classes.classes)
    entries = list(needed(stack.settings))
    if reverse:
        classes.reverse()
        entries.reverse()
    roles = CollectorRoles("collector", context=stack, opts=in_stack())
    child = pulumi.ResourceOptions(parent=roles)
    return Collector(
        "collector",
        context=stack,
        roles=roles,
        config=config,
        secret_arns={entry.name: pulumi.Output.from_input(secret_arn(stack, entry.name)) for entry in entries},
        log_group_arns={cls: stack.log_group_arn(cls) for cls in classes},
        buckets={cls: stack.bucket_arn(stack.archive_bucket(cls)) for cls in classes},
        key_arns={cls: stack.arn("kms", f"key/{cls}") for cls in classes},
        access_logs=AccessLogs("access-logs", context=stack, also=[config_bucket(stack)], opts=child),
        opts=child,
    )


def varied(stack: str, **sections: dict[str, Any]) -> Context:
    """Return the context of `stack` with keys of its sections replaced: `network={"dns_name": None}`."""
    values = stack_values(stack)
    return context(stack, **{key: {**json.loads(values[key]), **part} for key, part in sections.items()})


def locked_down() -> Context:
    """Return the prod stack with no way out but VPC endpoints: no destination outside AWS, the image from ECR."""
    image = context().settings.collector.image
    values = stack_values("prod")
    return context(
        "prod",
        destinations="cloudwatch",
        network={**json.loads(values["network"]), **LOCKED_DOWN},
        collector={
            **json.loads(values["collector"]),
            "image": {"repository": ECR, "version": image.version, "digest": image.digest},
        },
    )


@functools.cache
def collector(stack: str = "prod", *, preview: bool = False, config: str = CONFIG) -> Deployment:
    """Return the collector of one of the repository's own stacks."""
    return deploy(lambda: build(context(stack), config=config), preview=preview)
