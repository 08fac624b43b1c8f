"""The three roles around the collector, made before the keys that name them."""

import json
import typing

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.documents.collector_policy import tasks_trust
from infra.documents.ecs_volume import infrastructure_policy, infrastructure_trust


@typing.final
class CollectorRoles(pulumi.ComponentResource):
    """Creates the roles of the collector itself (`task`), of what starts it (`execution`) and of what gives it its
    volume (`infrastructure`).

    Grants only the last one anything: ECS may create, attach and delete volumes that it tags as made for the tasks of
    this stack's cluster. What task and execution role may do is granted where the thing granted is made: Collector,
    SecretStore. Only ECS can take the roles, and only for this account.
    """

    def __init__(self, name: str, *, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tinybeans:logging:CollectorRoles", name, {}, opts)
        aws_settings = context.settings.aws
        for_tasks = tasks_trust(account_id=context.account_id, tasks_arn=context.arn("ecs", "*"))
        for_volumes = infrastructure_trust(account_id=context.account_id)

        def role(part: str, trust: dict[str, typing.Any], description: str) -> aws.iam.Role:
            return aws.iam.Role(
                f"{name}-{part}-role",
                name=context.name("collector", part),
                description=description,
                assume_role_policy=json.dumps(trust),
                tags=context.tags(name),
                opts=pulumi.ResourceOptions(parent=self),
            )

        self.task = role("task", for_tasks, "The log collector: writes records to the sinks inside AWS.")
        self.execution = role("execution", for_tasks, "Starts the log collector: its image, its secrets, its own log.")
        self.infrastructure = role("infrastructure", for_volumes, "Gives each log collector its queue volume.")
        self.infrastructure_policy = aws.iam.RolePolicy(
            f"{name}-infrastructure-policy",
            role=self.infrastructure.name,
            policy=json.dumps(
                infrastructure_policy(
                    partition=aws_settings.partition,
                    region=context.region,
                    account_id=context.account_id,
                    cluster=cluster_name(context),
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        """Must outlive every task: without it ECS cannot delete their volumes and they never end."""
        self.register_outputs(
            {"task": self.task.arn, "execution": self.execution.arn, "infrastructure": self.infrastructure.arn}
        )


def cluster_name(context: Context) -> str:
    """Return the name of the stack's cluster, which the roles' policies name before it exists."""
    return context.name("collector")
