"""The key under which the collectors' queues lie on disk."""

import typing

import pulumi

from infra.components.customer_key import customer_key
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

        def key_policy(role: str) -> dict[str, typing.Any]:
            statements = volume_key_statements(
                role_arn=role, account_id=context.account_id, ec2_service=context.regional_service("ec2")
            )
            return service_key_policy(duties_of(context), *statements)

        self.arn = customer_key(
            name,
            context=context,
            lifetime=context.policy.data_classes.service_keys,
            description=f"Queues of the log collectors in {context.environment}",
            policy=pulumi.Output.from_input(infrastructure_role_arn).apply(key_policy),
            alias=name,
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
        ).arn
        self.register_outputs({"arn": self.arn})
