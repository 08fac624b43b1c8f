"""Copies of the archives in another region: what is left when a region, or an account's mistakes, take the first."""

import json
import typing
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from infra.components.access_logs import AccessLogs
from infra.components.customer_key import customer_key
from infra.components.private_bucket import PrivateBucket, with_bucket_key
from infra.context import Context
from infra.documents.bucket_policy import (
    bucket_policy,
    encrypted_with,
    over_tls,
    tamper_proof_but_for_erasers,
    written_only_by,
)
from infra.documents.eraser_policy import eraser_replica_key_statements
from infra.documents.key_policy import duties_of, service_key_policy
from infra.documents.lifecycle import proven_archive_rules
from infra.documents.replication_policy import replica_key_statement, replication_key_statement, replication_trust
from infra.policy import DataClass
from infra.settings import Adopt


@typing.final
class Replicas(pulumi.ComponentResource):
    """Creates, where the settings name a replica region, one Replica for each class and the access logs of them all.

    Where they name none it creates nothing and `by_class` is empty. It comes before the classes' keys: a key policy
    may only name roles that exist. `erasers` are, by class, the roles that may erase one person's records.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        erasers: Mapping[str, Sequence[pulumi.Input[str]]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:Replicas", name, {}, opts)
        self._context = context
        self.by_class: dict[str, Replica] = {}
        if context.settings.replica:
            home = in_region(context, context.settings.replica.region)
            access_logs = AccessLogs(f"{name}-access-logs", context=home, opts=pulumi.ResourceOptions(parent=self))
            self.by_class = {
                cls: Replica(
                    f"{cls}-replica",
                    context=home,
                    cls=cls,
                    data_class=data_class,
                    source_arn=context.bucket_arn(context.archive_bucket(cls)),
                    access_logs=access_logs,
                    eraser_arns=(erasers or {}).get(cls, ()),
                    opts=pulumi.ResourceOptions(parent=self),
                )
                for cls, data_class in context.policy.data_classes.classes.items()
            }
        self.register_outputs({})

    def key_statements(self, cls: str) -> pulumi.Output[list[dict[str, typing.Any]]]:
        """Return what the key of the class `cls` must say besides, so that its archive can be copied."""
        if cls not in self.by_class:
            return pulumi.Output.from_input([])
        return self.by_class[cls].role.arn.apply(
            lambda role: [
                replication_key_statement(
                    role,
                    service=self._context.regional_service("s3"),
                    source_arn=self._context.bucket_arn(self._context.archive_bucket(cls)),
                )
            ]
        )


@typing.final
class Replica(pulumi.ComponentResource):
    """Creates, in the context's region, the bucket that one class's archive is copied to, its key and alias, and the
    role under which S3 copies.

    The bucket keeps, locks and expires like the archive. The key can be used by the replication role only, through
    S3 and for this bucket; Archive gives that role its policy once both keys are there. Grants nobody the right to
    read but `eraser_arns`, which may besides remove versions of records that no lock holds: after the loss of a region
    a reviewed change gives reading to the readers of the archive.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        cls: str,
        data_class: DataClass,
        source_arn: str,
        access_logs: AccessLogs,
        eraser_arns: Sequence[pulumi.Input[str]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:Replica", name, {}, opts)
        tags = context.tags(name, DataClass=cls)
        retention = data_class.archive.at(context.settings.environment)
        bucket = context.archive_bucket(cls)
        self.bucket_arn = context.bucket_arn(bucket)
        self.service = context.regional_service("s3")
        self.role = aws.iam.Role(
            f"{name}-role",
            name=context.name("replication", cls),
            description=f"Under which S3 copies the {cls} archive to {context.region}",
            assume_role_policy=json.dumps(replication_trust(account_id=context.account_id, source_arn=source_arn)),
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.key = customer_key(
            name,
            context=context,
            lifetime=data_class.key,
            description=f"Encrypts the copies of the {cls} archive",
            policy=pulumi.Output.all(self.role.arn, *eraser_arns).apply(
                lambda roles: service_key_policy(
                    duties_of(context),
                    replica_key_statement(roles[0], service=self.service, replica_arn=self.bucket_arn),
                    *eraser_replica_key_statements(roles[1:], service=self.service, replica_arn=self.bucket_arn),
                )
            ),
            alias=name,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
            region=context.region,
        )

        def policy(arns: list[str]) -> dict[str, typing.Any]:
            key, role, *erasers = arns
            torn_down = context.settings.teardown_confirmed is not None
            return bucket_policy(
                over_tls(self.bucket_arn),
                encrypted_with(self.bucket_arn, key),
                written_only_by(f"{self.bucket_arn}/*", role),
                [] if torn_down else tamper_proof_but_for_erasers(self.bucket_arn, *erasers),
            )

        self.store = PrivateBucket(
            name,
            context=context,
            bucket=bucket,
            encryption=with_bucket_key(self.key.arn),
            policy=pulumi.Output.all(self.key.arn, self.role.arn, *eraser_arns).apply(policy),
            lifecycle=proven_archive_rules(
                retention, context.policy.data_classes.proofs_outlive_days.at(context.settings.environment)
            ),
            tags=tags,
            lock=retention.object_lock,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.key]),
        )
        access_logs.watch(name, self.store, self)
        self.register_outputs({"bucket_name": self.store.bucket.bucket})


def in_region(context: Context, region: str) -> Context:
    """Return `context` as it is seen from `region`: nothing there is adopted, copied further or audited apart."""
    settings = context.settings
    return Context(
        settings.model_copy(
            update={
                "aws": settings.aws.model_copy(update={"region": region}),
                "adopt": Adopt(),
                "replica": None,
                "audit_reads": False,
            }
        ),
        context.policy,
    )
