"""CloudTrail's record of who read archived audit and security records: evidence about evidence."""

import typing
from collections.abc import Mapping, Sequence
from typing import cast

import pulumi
import pulumi_aws as aws

from infra.components.access_logs import REPLACED_VERSIONS_KEEP_DAYS, AccessLogs, read_trail_bucket
from infra.components.archive import Archive
from infra.components.customer_key import customer_key
from infra.components.private_bucket import PrivateBucket, kept, with_object_keys
from infra.context import Context
from infra.documents.bucket_policy import bucket_policy, over_tls
from infra.documents.key_policy import duties_of, service_key_policy
from infra.documents.lifecycle import expiry_rules
from infra.documents.trail_policy import (
    reads_of,
    trail_delivery,
    trail_key_statements,
    trail_reader_key_statement,
    trail_readers,
)


@typing.final
class ReadTrail(pulumi.ComponentResource):
    """Creates a trail that records each read of an object in the archives of the policy's audited_reads classes and
    in their replicas, nothing else; its bucket, and the key and alias that encrypt it. The program creates it where
    the settings say audit_reads.

    Files are signed into a chain of digests, so that a missing or altered one shows. They expire after the policy's
    access_logs_keep_days. Grants CloudTrail, for this trail alone, the right to write into the bucket and to encrypt
    with the key; `reader_arns` the right to read them; nobody the right to delete them before a teardown.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        buckets: Mapping[str, Archive],
        access_logs: AccessLogs,
        reader_arns: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:ReadTrail", name, {}, opts)
        data_classes = context.policy.data_classes
        bucket = read_trail_bucket(context)
        self.bucket_arn = context.bucket_arn(bucket)
        trail_name = context.name(name)
        self.trail_arn = context.arn("cloudtrail", f"trail/{trail_name}")
        readers = pulumi.Output.all(*reader_arns)
        key = customer_key(
            name,
            context=context,
            lifetime=data_classes.service_keys,
            description="Encrypts the record of who read archived audit and security records",
            policy=readers.apply(
                lambda arns: service_key_policy(
                    duties_of(context),
                    *trail_key_statements(trail_arn=self.trail_arn),
                    trail_reader_key_statement(
                        arns, service=context.regional_service("s3"), bucket_arn=self.bucket_arn
                    ),
                )
            ),
            alias=name,
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
        )
        store = PrivateBucket(
            name,
            context=context,
            bucket=bucket,
            # CloudTrail encrypts in the trail's own encryption context, which a bucket key would replace.
            encryption=with_object_keys(key.arn),
            policy=readers.apply(
                lambda arns: bucket_policy(
                    over_tls(self.bucket_arn),
                    kept(context, self.bucket_arn),
                    trail_delivery(self.bucket_arn, account_id=context.account_id, trail_arn=self.trail_arn),
                    trail_readers(self.bucket_arn, arns),
                )
            ),
            lifecycle=expiry_rules(
                data_classes.access_logs_keep_days.at(context.settings.environment), REPLACED_VERSIONS_KEEP_DAYS
            ),
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[key]),
        )
        access_logs.watch(name, store, self)
        audited = [arn for cls in data_classes.audited_reads for arn in buckets[cls].copies]
        aws.cloudtrail.Trail(
            f"{name}-trail",
            name=trail_name,
            s3_bucket_name=store.bucket.bucket,
            kms_key_id=key.arn,
            enable_log_file_validation=True,
            # The replicas are in another region, and reading one there must not go unseen. CloudTrail asks trails of
            # all regions to include global services; the selectors leave those events out again.
            is_multi_region_trail=True,
            include_global_service_events=True,
            advanced_event_selectors=cast(list[aws.cloudtrail.TrailAdvancedEventSelectorArgsDict], reads_of(audited)),
            tags=context.tags(name),
            # CloudTrail tries the bucket when the trail is created.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[store.policy], protect=context.protect),
        )
        self.bucket_name = store.bucket.bucket
        self.key_arn = key.arn
        self.register_outputs({"bucket_name": self.bucket_name})
