"""Where Datadog keeps what its indexes forget: a bucket of ours that only its role writes."""

import json
import typing
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_datadog as datadog

from infra.components.access_logs import AccessLogs
from infra.components.customer_key import customer_key
from infra.components.datadog.arguments import arguments
from infra.components.private_bucket import PrivateBucket, kept, with_bucket_key
from infra.context import Context
from infra.documents.bucket_policy import bucket_policy, encrypted_with, over_tls, written_only_by
from infra.documents.datadog.archive import (
    archive_bucket,
    archives,
    integration,
    key_statement,
    lifecycle,
    role_name,
    role_policy,
    role_trust,
)
from infra.documents.key_policy import duties_of, service_key_policy


@typing.final
class DatadogArchive(pulumi.ComponentResource):
    """Creates the account at Datadog's AWS integration, the role that Datadog takes, a key, a bucket without Object
    Lock, an archive for each class in it and, in the stack that decides about it, the order of all archives.

    Grants Datadog's role, and through it Datadog, to write and read each class's files, to list them, and to use the
    key through S3 for this bucket. Denies everybody else to write, and everybody to delete until a teardown is
    confirmed. The order of things: Datadog makes up the external id, the role's trust names it, the key's policy names
    the role, the bucket uses the key, and Datadog tries the bucket when an archive is created.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        access_logs: AccessLogs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:datadog:DatadogArchive", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        bucket = archive_bucket(context)
        bucket_arn = context.bucket_arn(bucket)
        account = datadog.aws.IntegrationAccount(
            f"{name}-account", **arguments(integration(context), datadog.aws.IntegrationAccountArgs), opts=child
        )
        role = aws.iam.Role(
            f"{name}-role",
            name=role_name(context),
            description="Under which Datadog writes and reads back its archive of logs",
            assume_role_policy=account.auth_config.apply(
                lambda known: json.dumps(role_trust(context, _external_id(known)))
            ),
            tags=context.tags(name),
            opts=child,
        )
        key = customer_key(
            name,
            context=context,
            lifetime=context.policy.data_classes.service_keys,
            description="Encrypts Datadog's archive of logs",
            policy=role.arn.apply(lambda arn: service_key_policy(duties_of(context), key_statement(context, arn))),
            alias=name,
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
        )
        self.key_arn = key.arn
        self.store = PrivateBucket(
            name,
            context=context,
            bucket=bucket,
            encryption=with_bucket_key(key.arn),
            policy=pulumi.Output.all(key.arn, role.arn).apply(
                lambda arns: bucket_policy(
                    over_tls(bucket_arn),
                    encrypted_with(bucket_arn, arns[0]),
                    written_only_by(f"{bucket_arn}/*", arns[1]),
                    kept(context, bucket_arn),
                )
            ),
            lifecycle=lifecycle(context),
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[key]),
        )
        access_logs.watch(name, self.store, self)
        grant = aws.iam.RolePolicy(
            f"{name}-grant",
            name="archive",
            role=role.name,
            policy=key.arn.apply(lambda arn: json.dumps(role_policy(context, arn))),
            opts=child,
        )
        tried = pulumi.ResourceOptions(parent=self, depends_on=[account, grant, self.store])
        self.archives = {
            cls: datadog.LogsArchive(f"{name}-{cls}", **arguments(body, datadog.LogsArchiveArgs), opts=tried)
            for cls, body in archives(context).items()
        }
        if order := context.settings.datadog.order:
            datadog.LogsArchiveOrder(
                f"{name}-order",
                archive_ids=[*(item.id for item in self.archives.values()), *order.archives_after],
                opts=child,
            )
        self.register_outputs({"bucket_name": self.store.bucket.bucket})


def _external_id(auth_config: Any) -> str:
    """Return what Datadog made up for this account; the SDK calls every part of it optional, and it never is."""
    return str(auth_config["aws_auth_config_role"]["external_id"])
