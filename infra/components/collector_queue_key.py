"""The key under which the collectors' queues lie on disk."""

import json
import typing

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.documents.ecs_volume import volume_key_statements
from infra.documents.key_policy import duties_of, service_key_policy


@typing.final
class CollectorQueueKey(pulumi.ComponentResource):
    """Creates the KMS key of the volumes that hold records on their way to the sinks, and its alias.

    Grants its use to the infrastructure role only, by way of EC2 and for volumes: ECS has each new volume encrypted
    and lets the host that runs the task decrypt it.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        infrastructure_role_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:CollectorQueueKey", name, {}, opts)
        service_keys = context.policy.data_classes.service_keys

        def key_policy(role: str) -> str:
            statements = volume_key_statements(
                role_arn=role, account_id=context.account_id, ec2_service=context.regional_service("ec2")
            )
            return json.dumps(service_key_policy(duties_of(context), *statements))

        key = aws.kms.Key(
            f"{name}-key",
            description=f"Queues of the log collectors in {context.environment}",
            enable_key_rotation=True,
            rotation_period_in_days=service_keys.rotation_days,
            deletion_window_in_days=service_keys.deletion_window_days,
            policy=pulumi.Output.from_input(infrastructure_role_arn).apply(key_policy),
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
        )
        aws.kms.Alias(
            f"{name}-alias",
            name=context.key_alias(name),
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})
