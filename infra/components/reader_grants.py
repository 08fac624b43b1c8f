"""What each reader group may do, once the keys exist."""

import json
from collections.abc import Mapping
from functools import partial
from typing import final

import pulumi
import pulumi_aws as aws

from infra.components.reader_roles import ReaderRoles
from infra.context import Context
from infra.documents.reader_policy import ClassStore, Reach, reader_policy
from infra.policy import DataClass
from infra.policy.archive import StorageClass

NEEDS_RESTORE = frozenset({StorageClass.GLACIER, StorageClass.DEEP_ARCHIVE})
"""Storage classes whose objects have to be restored before they can be read."""


@final
class ReaderGrants(pulumi.ComponentResource):
    """The permissions of the reader roles.

    Creates one inline policy a role. Grants exactly what the policy's `readers` say of each class: searching its log
    group (hot), reading its archive bucket (archived), seeing what data protection masks (unmask). Refuses every
    reader to alter or delete any class's records, groups, buckets or keys, whatever else is attached to the role.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        roles: ReaderRoles,
        key_arns: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:ReaderGrants", name, None, opts)
        for group, role in roles.roles.items():
            aws.iam.RolePolicy(
                f"{name}-{group}-policy",
                name="read-records",
                role=role.name,
                policy=pulumi.Output.all(**key_arns).apply(partial(_policy, context, group)),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})


def _policy(context: Context, group: str, key_arns: Mapping[str, str]) -> str:
    classes = context.policy.data_classes.classes
    stores = {cls: store_of(context, cls, data_class, key_arns[cls]) for cls, data_class in classes.items()}
    document = reader_policy(
        Reach(
            hot=[stores[cls] for cls, data_class in classes.items() if group in data_class.readers.hot],
            archived=[stores[cls] for cls, data_class in classes.items() if group in data_class.readers.archived],
            unmask=[stores[cls] for cls, data_class in classes.items() if group in data_class.readers.unmask],
        ),
        every_class=list(stores.values()),
        logs_service=context.regional_service("logs"),
        s3_service=context.regional_service("s3"),
    )
    return json.dumps(document)


def store_of(context: Context, cls: str, data_class: DataClass, key_arn: str) -> ClassStore:
    """Return where the records of a class are, as a grant names it."""
    tiers = data_class.archive.at(context.settings.environment).tiers
    return ClassStore(
        log_group_arn=context.log_group_arn(cls),
        bucket_arn=context.bucket_arn(context.archive_bucket(cls)),
        key_arn=key_arn,
        needs_restore=any(tier.storage_class in NEEDS_RESTORE for tier in tiers),
    )
