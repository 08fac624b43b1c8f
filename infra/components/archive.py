"""Where one class's records are kept for years: in S3, each object encrypted, versioned and, by policy, locked."""

import json
import typing
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from infra.components.access_logs import AccessLogs
from infra.components.private_bucket import PrivateBucket, with_bucket_key
from infra.components.replica import Replica
from infra.context import Context
from infra.documents.bucket_policy import (
    added_only,
    bucket_policy,
    cloudwatch_export,
    encrypted_with,
    kept_by,
    over_tls,
    tamper_proof_but_for_locks,
    written_only_by,
    written_only_by_services,
)
from infra.documents.keeper_policy import batch_arns, keeper_arns
from infra.documents.lifecycle import proven_archive_rules
from infra.documents.replication_policy import replication_grant
from infra.export.erasure import ERASURES
from infra.policy import DataClass
from infra.policy.archive import LockMode

COLLECTED, EXPORTED, MANIFESTS = "otlp/", "export/", "manifests/"
"""Prefixes: what the collector writes, what CloudWatch exports each night, and what proves them equal."""


@typing.final
class Archive(pulumi.ComponentResource):
    """Creates the archive bucket of one class, since S3 gives a bucket one default lock and one default key.

    The key, lock, tiers and expiry are the class's own by policy; requests and contents are recorded in
    `access_logs`; every object is copied to `replica`, where there is one. An existing bucket named in the settings'
    `adopt.buckets` is taken over (see PrivateBucket).

    Grants CloudWatch Logs the right to export this class's log group under `export/`, and the replication role of
    `replica` the right to read here and write there. Denies everybody but `writer_arn` to write under `otlp/`, everybody
    but `exporter_arn` to write under `manifests/`, everybody who is no AWS service to write under `export/`, and
    everybody to delete or to lift a lock, and everybody but the keepers' role and S3 Batch Operations' to place or lift
    a legal hold and to lengthen a lock within policy's limit, everybody but the keepers' to write the register of both,
    and everybody to lift the hold on its entries; only a confirmed teardown leaves those denials out. `eraser_arns`,
    where there are any, may besides write records again, add to `erasures/` and remove versions of records that no lock
    holds; nobody else may. Every archive has Object Lock, with a default lock or without, so that it can be held.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        cls: str,
        data_class: DataClass,
        key_arn: pulumi.Input[str],
        access_logs: AccessLogs,
        writer_arn: pulumi.Input[str],
        exporter_arn: pulumi.Input[str],
        eraser_arns: Sequence[pulumi.Input[str]] = (),
        replica: Replica | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:Archive", name, {}, opts)
        retention = data_class.archive.at(context.settings.environment)
        bucket = context.archive_bucket(cls)
        self.bucket_arn = context.bucket_arn(bucket)
        export = cloudwatch_export(
            self.bucket_arn,
            EXPORTED,
            service=context.regional_service("logs"),
            account_id=context.account_id,
            log_group_arn=context.log_group_arn(cls),
        )

        own = retention.object_lock.mode
        kept = kept_by(
            self.bucket_arn,
            keepers=keeper_arns(context),
            batch=batch_arns(context),
            mode=(LockMode.GOVERNANCE if own is LockMode.NONE else own).value,
            most_days=context.policy.data_classes.lock_extension_days.at(context.settings.environment),
        )

        def policy(arns: list[str]) -> dict[str, typing.Any]:
            key, writer, exporter, *erasers = arns
            keeping = [tamper_proof_but_for_locks(self.bucket_arn, *erasers), kept]
            return bucket_policy(
                over_tls(self.bucket_arn),
                encrypted_with(self.bucket_arn, key),
                written_only_by(f"{self.bucket_arn}/{COLLECTED}*", writer, *erasers),
                written_only_by(f"{self.bucket_arn}/{MANIFESTS}*", exporter, sid="DenyOtherWritersOfManifests"),
                written_only_by_services(f"{self.bucket_arn}/{EXPORTED}*", *erasers),
                written_only_by(f"{self.bucket_arn}/{ERASURES}*", *erasers, sid="DenyOtherWritersOfErasures"),
                added_only(f"{self.bucket_arn}/{ERASURES}*"),
                *(keeping if context.settings.teardown_confirmed is None else []),
                export,
            )

        self.store = PrivateBucket(
            name,
            context=context,
            bucket=bucket,
            encryption=with_bucket_key(key_arn),
            policy=pulumi.Output.all(key_arn, writer_arn, exporter_arn, *eraser_arns).apply(policy),
            lifecycle=proven_archive_rules(
                retention,
                context.policy.data_classes.proofs_outlive_days.at(context.settings.environment),
                older=context.settings.adopt.bucket_prefixes.get(cls, ()),
            ),
            tags=context.tags(name, DataClass=cls),
            lock=retention.object_lock,
            import_id=context.settings.adopt.buckets.get(cls),
            opts=pulumi.ResourceOptions(parent=self),
        )
        access_logs.watch(name, self.store, self)
        self.copies = [self.bucket_arn, *([replica.bucket_arn] if replica else [])]
        if replica:
            self._replicate(name, context, key_arn, replica)
        self.bucket_name = self.store.bucket.bucket
        self.register_outputs({"bucket_name": self.bucket_name})

    def _replicate(self, name: str, context: Context, key_arn: pulumi.Input[str], replica: Replica) -> None:
        """Copy every version that is written from now on; deletions stay here."""
        grant = aws.iam.RolePolicy(
            f"{name}-replication-grant",
            role=replica.role.name,
            policy=pulumi.Output.all(key_arn, replica.key.arn).apply(
                lambda keys: json.dumps(
                    replication_grant(
                        source_arn=self.bucket_arn,
                        source_key_arn=keys[0],
                        source_service=context.regional_service("s3"),
                        replica_arn=replica.bucket_arn,
                        replica_key_arn=keys[1],
                        replica_service=replica.service,
                    )
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.s3.BucketReplicationConfig(
            f"{name}-replication",
            bucket=self.store.bucket.bucket,
            role=replica.role.arn,
            rules=[
                aws.s3.BucketReplicationConfigRuleArgs(
                    id="everything",
                    status="Enabled",
                    priority=0,
                    filter=aws.s3.BucketReplicationConfigRuleFilterArgs(prefix=""),
                    # A deletion here must not become one there: the copy outlives mistakes and intruders.
                    delete_marker_replication=aws.s3.BucketReplicationConfigRuleDeleteMarkerReplicationArgs(
                        status="Disabled"
                    ),
                    source_selection_criteria=aws.s3.BucketReplicationConfigRuleSourceSelectionCriteriaArgs(
                        # Without this S3 passes over every object that is encrypted with KMS: all of them.
                        sse_kms_encrypted_objects=aws.s3.BucketReplicationConfigRuleSourceSelectionCriteriaSseKmsEncryptedObjectsArgs(
                            status="Enabled"
                        )
                    ),
                    destination=aws.s3.BucketReplicationConfigRuleDestinationArgs(
                        bucket=replica.bucket_arn,
                        encryption_configuration=aws.s3.BucketReplicationConfigRuleDestinationEncryptionConfigurationArgs(
                            replica_kms_key_id=replica.key.arn
                        ),
                    ),
                )
            ],
            region=context.region,
            # Both buckets must keep versions, and a locked bucket is only copied into a locked one.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.store, replica.store, grant]),
        )
