"""The bucket that records who touched the other buckets, and what is in them."""

import typing
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from infra.components.private_bucket import PrivateBucket, kept, with_s3_keys
from infra.context import Context
from infra.documents.bucket_policy import access_log_delivery, bucket_policy, inventory_delivery, over_tls
from infra.documents.lifecycle import expiry_rules

ACCESS_LOGS, INVENTORIES = "s3/", "inventory/"
REPLACED_VERSIONS_KEEP_DAYS = 1
"""Days a replaced version is kept here: S3 writes each log and inventory once, so that there are none to keep."""
INVENTORY_FIELDS = (
    "BucketKeyStatus", "ETag", "EncryptionStatus", "IsMultipartUploaded", "LastModifiedDate", "ObjectLockLegalHoldStatus",
    "ObjectLockMode", "ObjectLockRetainUntilDate", "ReplicationStatus", "Size", "StorageClass",
)  # fmt: skip
"""What each line of an inventory says: enough to prove encryption, lock and replication object by object."""


@typing.final
class AccessLogs(pulumi.ComponentResource):
    """Creates the bucket for server access logs (`s3/<bucket>/`) and weekly inventories (`inventory/`) of the
    context's archives, its read trail and the buckets in `also` (names).

    Grants S3's log delivery and S3's inventory the right to write there, for exactly those buckets of this account.
    Denies everybody to delete; only a confirmed teardown leaves that denial out.
    Encrypted by S3's own keys and without Object Lock, because S3 delivers server access logs to no other kind of
    bucket (S3 User Guide, "Enabling Amazon S3 server access logging"); it logs no access to itself, which would
    never end. Objects expire after the policy's access_logs_keep_days.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        also: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:AccessLogs", name, {}, opts)
        self._context = context
        bucket = context.bucket_name("access-logs")
        arn = context.bucket_arn(bucket)
        sources = [context.bucket_arn(it) for it in [*watched(context), *also]]
        data_classes = context.policy.data_classes
        self.store = PrivateBucket(
            name,
            context=context,
            bucket=bucket,
            encryption=with_s3_keys(),
            policy=bucket_policy(
                over_tls(arn),
                kept(context, arn),
                access_log_delivery(arn, ACCESS_LOGS, account_id=context.account_id, source_arns=sources),
                inventory_delivery(arn, INVENTORIES, account_id=context.account_id, source_arns=sources),
            ),
            lifecycle=expiry_rules(
                data_classes.access_logs_keep_days.at(context.settings.environment), REPLACED_VERSIONS_KEEP_DAYS
            ),
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.bucket_name = self.store.bucket.bucket
        self.bucket_arn = arn
        self.register_outputs({"bucket_name": self.bucket_name})

    def watch(self, name: str, store: PrivateBucket, parent: pulumi.Resource) -> None:
        """Record every request to `store`'s bucket, and once a week every version in it, as children of `parent`."""
        # S3 refuses a destination whose policy does not let it deliver yet.
        delivered = pulumi.ResourceOptions(parent=parent, depends_on=[self.store.policy])
        aws.s3.BucketLogging(
            f"{name}-access-logging",
            bucket=store.bucket.bucket,
            target_bucket=self.bucket_name,
            target_prefix=f"{ACCESS_LOGS}{store.name}/",
            region=self._context.region,
            opts=delivered,
        )
        aws.s3.Inventory(
            f"{name}-inventory",
            bucket=store.bucket.bucket,
            name="weekly",
            included_object_versions="All",
            schedule=aws.s3.InventoryScheduleArgs(frequency="Weekly"),
            optional_fields=list(INVENTORY_FIELDS),
            destination={
                "bucket": {
                    "account_id": self._context.account_id,
                    "bucket_arn": self.bucket_arn,
                    "encryption": {"sse_s3": {}},
                    "format": "Parquet",
                    # S3 itself adds <bucket>/<inventory's name>/ below the prefix.
                    "prefix": INVENTORIES.rstrip("/"),
                }
            },
            region=self._context.region,
            opts=delivered,
        )


def read_trail_bucket(context: Context) -> str:
    """Return the name of the bucket that CloudTrail's record of reads goes to."""
    return context.bucket_name("read-trail")


def watched(context: Context) -> list[str]:
    """Return the names of the buckets whose use is recorded: each class's archive, and the read trail's where kept."""
    archives = [context.archive_bucket(cls) for cls in context.policy.data_classes.classes]
    return [*archives, read_trail_bucket(context)] if context.settings.audit_reads else archives
