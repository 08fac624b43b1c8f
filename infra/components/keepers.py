"""Who keeps records longer than policy: the keepers' role, the role of S3 Batch Operations, and the registers' key."""

import json
import typing
from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from infra.components.access_logs import AccessLogs
from infra.components.signing_key import signing_key
from infra.context import Context
from infra.documents.export_assignment import announcing_class
from infra.documents.keeper_policy import (
    BATCH,
    KEEPERS,
    SESSION_SECONDS,
    SIGNING_KEY,
    STREAM,
    Kept,
    batch_policy,
    batch_trust,
    class_key_statements,
    keeper_policy,
    keeper_trust,
    role_arn,
    signing_key_statements,
)


@typing.final
class KeeperRoles(pulumi.ComponentResource):
    """Creates the keepers' role and that of S3 Batch Operations, before the keys that name them, where the settings'
    `access.archive_keepers` name somebody; else nothing, and nobody can hold. Grants nothing: Keepers does.
    """

    def __init__(self, name: str, *, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tinybeans:logging:KeeperRoles", name, {}, opts)
        self._context = context
        self.keepers: list[aws.iam.Role] = []
        """The keepers' role, or none."""
        self.batch: list[aws.iam.Role] = []
        """The role that S3 Batch Operations takes, or none."""
        if principals := context.settings.access.archive_keepers:
            self.keepers = [
                self._role(name, KEEPERS, keeper_trust(principals), "Hold, release, lock for longer and certify.")
            ]
            self.batch = [
                self._role(name, BATCH, batch_trust(context.account_id), "Holds or locks many archived versions.")
            ]
        self.register_outputs({})

    def key_statements(self, cls: str) -> pulumi.Output[list[dict[str, typing.Any]]]:
        """Return what the key of the class `cls` must say besides."""
        context = self._context
        announced = cls == announcing_class(context)

        return pulumi.Output.all(*[role.arn for role in self.keepers]).apply(
            lambda keepers: class_key_statements(
                keepers,
                bucket_arn=context.bucket_arn(context.archive_bucket(cls)),
                s3_service=context.regional_service("s3"),
                log_group_arn=context.log_group_arn(cls) if announced else "",
                logs_service=context.regional_service("logs"),
            )
        )

    def _role(self, name: str, part: str, trust: dict[str, typing.Any], description: str) -> aws.iam.Role:
        return aws.iam.Role(
            f"{name}-{part}",
            name=self._context.name(part),
            description=description,
            assume_role_policy=json.dumps(trust),
            max_session_duration=SESSION_SECONDS,
            tags=self._context.tags(name),
            opts=pulumi.ResourceOptions(parent=self),
        )


@typing.final
class Keepers(pulumi.ComponentResource):
    """Creates what the roles may do (infra/documents/keeper_policy.py), the key that signs registers, and the stream in
    which their entries are announced; nothing where there are no roles.

    `key_arns` are those of keys that were made; `outputs` what people need to know.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        roles: KeeperRoles,
        key_arns: Mapping[str, pulumi.Input[str]],
        audit_group: pulumi.Input[str],
        access_logs: AccessLogs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:Keepers", name, {}, opts)
        self.key_arns: list[pulumi.Output[str]] = []
        self.outputs: dict[str, pulumi.Output[str]] = {}
        for keepers, batch in zip(roles.keepers, roles.batch, strict=True):
            self._grant(name, context, keepers, batch, key_arns, access_logs)
            aws.cloudwatch.LogStream(
                f"{name}-announcements",
                name=STREAM,
                log_group_name=audit_group,
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.outputs |= {"keeper_role": keepers.arn, "batch_role": batch.arn}
        self.register_outputs({})

    def _grant(
        self,
        name: str,
        context: Context,
        keepers: aws.iam.Role,
        batch: aws.iam.Role,
        key_arns: Mapping[str, pulumi.Input[str]],
        access_logs: AccessLogs,
    ) -> None:
        child = pulumi.ResourceOptions(parent=self)
        signer = signing_key(
            f"{name}-signing",
            context=context,
            description=f"Signs the registers of the archives in {context.environment}",
            statements=keepers.arn.apply(lambda arn: signing_key_statements([arn])),
            alias=SIGNING_KEY,
            tags=context.tags(name),
            parent=self,
        )
        self.key_arns.append(signer.arn)
        self.outputs["register_signing_key"] = signer.arn
        announced = announcing_class(context)

        def policy(known: dict[str, typing.Any]) -> str:
            archives = {
                cls: Kept(context.bucket_arn(context.archive_bucket(cls)), key) for cls, key in known["keys"].items()
            }
            document = keeper_policy(
                list(archives.values()),
                logs_bucket_arn=access_logs.bucket_arn,
                batch_role_arn=role_arn(context, BATCH),
                jobs_arn=context.arn("s3", "job/*"),
                signing_key_arn=known["signer"],
                stream_arn=f"{context.log_group_arn(announced)}:log-stream:{STREAM}",
                announced=archives[announced],
                announced_group_arn=context.log_group_arn(announced),
                s3_service=context.regional_service("s3"),
                logs_service=context.regional_service("logs"),
            )
            return json.dumps(document)

        aws.iam.RolePolicy(
            f"{name}-keepers-policy",
            role=keepers.name,
            policy=pulumi.Output.all(keys=dict(key_arns), signer=signer.arn).apply(policy),
            opts=child,
        )
        buckets = [context.bucket_arn(context.archive_bucket(cls)) for cls in context.policy.data_classes.classes]
        aws.iam.RolePolicy(
            f"{name}-batch-policy",
            role=batch.name,
            policy=json.dumps(batch_policy(buckets, logs_bucket_arn=access_logs.bucket_arn)),
            opts=child,
        )
