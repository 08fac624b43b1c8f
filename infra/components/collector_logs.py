"""Where the collector writes what it has to say about itself."""

import typing

import pulumi
import pulumi_aws as aws

from infra.components.customer_key import customer_key
from infra.context import Context
from infra.documents.key_policy import duties_of, service_key_policy
from infra.documents.own_log_key import own_log_key_statements

GROUP = "collector"
"""Last part of the group's name."""


@typing.final
class CollectorLogs(pulumi.ComponentResource):
    """Creates the log group of the collector's own log and the KMS key that encrypts this group and nothing else.

    Grants CloudWatch Logs the use of the key for this group; the execution role writes through it. ECS makes a stream
    for each task; no record of an application is ever in here.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        writer_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:CollectorLogs", name, {}, opts)
        logs_service = context.regional_service("logs")
        self.name = context.log_group(GROUP)
        self.arn = context.log_group_arn(GROUP)
        """Without the `:*` of its streams."""

        def key_policy(writer: str) -> dict[str, typing.Any]:
            statements = own_log_key_statements(
                log_group_arn=self.arn,
                logs_service=logs_service,
                writer=writer,
                deployers=context.settings.access.deployers,
            )
            return service_key_policy(duties_of(context), *statements, deployers_through=logs_service)

        key = customer_key(
            name,
            context=context,
            lifetime=context.policy.data_classes.service_keys,
            description=f"The log collector's own log in {context.environment}",
            policy=pulumi.Output.from_input(writer_arn).apply(key_policy),
            alias=name,
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
        )
        self.group = aws.cloudwatch.LogGroup(
            f"{name}-group",
            name=self.name,
            log_group_class="STANDARD",
            retention_in_days=context.settings.collector.log_retention_days,
            kms_key_id=key.arn,
            deletion_protection_enabled=context.protect,
            skip_destroy=False,
            tags=context.tags(name),
            # Its name is fixed, so two cannot exist at once.
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect, delete_before_replace=True),
        )
        self.key_arn = key.arn
        self.register_outputs({"log_group_name": self.group.name})
