"""One IAM role for each reader group of the policy; who may take it, not yet what it may do."""

import json
from collections.abc import Iterable
from typing import final

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.documents.reader_policy import reader_trust


@final
class ReaderRoles(pulumi.ComponentResource):
    """The roles of the policy's reader groups.

    Creates one IAM role a group. Its trust is the stack's: people who come through the SAML identity provider, or
    stated principals; never a wildcard. Grants nothing: keys name these roles, so they come first, and what they
    may do (ReaderGrants) names the keys.

    A session lasts as long as the policy says, except that AWS ends one after an hour when the principal is itself
    a role (IAM User Guide, "Role chaining").
    """

    roles: dict[str, aws.iam.Role]
    """Role by reader group."""

    def __init__(self, name: str, *, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tinybeans:logging:ReaderRoles", name, None, opts)
        readers = context.settings.access.readers
        self.roles = {
            group: aws.iam.Role(
                f"{name}-{group}-role",
                name=context.name("reader", group),
                description=reader_group.purpose,
                assume_role_policy=json.dumps(
                    reader_trust(
                        saml_provider_arn=readers[group].saml_provider_arn,
                        principals=readers[group].principals,
                        partition=context.settings.aws.partition,
                    )
                ),
                max_session_duration=reader_group.session_hours * 3600,
                tags=context.tags(name, ReaderGroup=group),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for group, reader_group in context.policy.data_classes.reader_groups.items()
        }
        self.register_outputs({"role_arns": {group: role.arn for group, role in self.roles.items()}})

    def arns(self, groups: Iterable[str]) -> list[pulumi.Output[str]]:
        """Return the ARNs of the roles of `groups`."""
        return [self.roles[group].arn for group in groups]
