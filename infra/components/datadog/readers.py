"""Who may read which class at Datadog."""

import typing
from collections.abc import Mapping

import pulumi
import pulumi_datadog as datadog

from infra.components.datadog.arguments import arguments
from infra.context import Context
from infra.documents.datadog.readers import PERMISSIONS, restrictions, roles


@typing.final
class LogReaders(pulumi.ComponentResource):
    """Creates a role for each reader group, with one restriction query: the classes that policy lets the group read hot.

    Grants the role to read logs, and nothing else. It narrows nobody: whoever has another role that reads logs without
    a restriction, as Datadog's own roles do, still reads everything. Who has a role is for the identity provider's
    mapping to say.
    """

    def __init__(self, name: str, *, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tinybeans:datadog:LogReaders", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        # Permissions have ids that only Datadog knows.
        offered = datadog.get_permissions_output(opts=pulumi.InvokeOutputOptions(parent=self)).permissions
        self.roles = {
            group: datadog.Role(
                f"{name}-{group}",
                **arguments(body, datadog.RoleArgs),
                permissions=offered.apply(_reading),
                opts=child,
            )
            for group, body in roles(context).items()
        }
        for group, body in restrictions(context).items():
            datadog.LogsRestrictionQuery(
                f"{name}-{group}-restriction",
                **arguments(body, datadog.LogsRestrictionQueryArgs),
                role_ids=[self.roles[group].id],
                opts=child,
            )
        self.register_outputs({})


def _reading(offered: Mapping[str, str]) -> list[datadog.RolePermissionArgs]:
    return [datadog.RolePermissionArgs(id=offered[name]) for name in PERMISSIONS]
