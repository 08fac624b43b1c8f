"""The role of the nightly export's function, made before the keys that name it."""

import json
import typing

import pulumi
import pulumi_aws as aws

from infra.components.replica import Replicas
from infra.context import Context
from infra.documents.export_assignment import announcing_class
from infra.documents.export_policy import class_key_statements, function_trust


@typing.final
class ExportRole(pulumi.ComponentResource):
    """Creates the role that the export's function runs with. Grants it nothing: NightlyExport does, once there is
    something to grant. Only Lambda can take it.
    """

    def __init__(self, name: str, *, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tinybeans:logging:ExportRole", name, {}, opts)
        self._context = context
        self.role = aws.iam.Role(
            f"{name}-role",
            name=context.name("nightly-export"),
            description="The nightly export: has CloudWatch Logs export, and signs manifests.",
            assume_role_policy=json.dumps(function_trust()),
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"arn": self.role.arn})

    def key_statements(self, cls: str, replicas: Replicas) -> pulumi.Output[list[dict[str, typing.Any]]]:
        """Return what the key of the class `cls` must say besides, so that it can be exported and copied."""
        context = self._context
        announced = cls == announcing_class(context)

        def both(known: list[typing.Any]) -> list[dict[str, typing.Any]]:
            mine = class_key_statements(
                known[0],
                bucket_arn=context.bucket_arn(context.archive_bucket(cls)),
                s3_service=context.regional_service("s3"),
                log_group_arn=context.log_group_arn(cls) if announced else "",
                logs_service=context.regional_service("logs"),
            )
            return [*known[1], *mine]

        return pulumi.Output.all(self.role.arn, replicas.key_statements(cls)).apply(both)
