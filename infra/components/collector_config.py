"""Where configurations of the collector lie that are too large for a task definition."""

import typing

import pulumi
import pulumi_aws as aws

from infra.components.access_logs import AccessLogs
from infra.components.customer_key import customer_key
from infra.components.private_bucket import PrivateBucket, kept, with_bucket_key
from infra.context import Context
from infra.documents.bucket_policy import bucket_policy, encrypted_with, over_tls, written_only_by
from infra.documents.config_source import ConfigSource, config_source
from infra.documents.config_store import config_key_statements, read_config
from infra.documents.key_policy import duties_of, service_key_policy
from infra.documents.lifecycle import tidying_rules


@typing.final
class CollectorConfig(pulumi.ComponentResource):
    """Creates the bucket of stored configurations, its key and alias, and, where the configuration is too large to
    travel inline, the object that holds it, named by its hash.

    The bucket is there in every stack, whatever today's size, for an earlier revision may have its configuration in
    it. No object expires: revisions stay registered for good and any may be rolled back to, an object's age says
    nothing of its use (the one that runs may be the oldest), and a thousand of them are some 150 MB. What replaced
    an object, which the program does only with the same bytes, leaves the old version for the policy's
    access_logs_keep_days: as long as it can be said who did it.

    Grants the role `reader_arn` the use of the key to read, and the deployers to store. Denies writing to everybody
    but the deployers, and deleting to everybody; only a confirmed teardown leaves that denial out.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        text: str,
        reader_arn: pulumi.Input[str],
        access_logs: AccessLogs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:CollectorConfig", name, {}, opts)
        s3_service, deployers = context.regional_service("s3"), context.settings.access.deployers
        bucket = config_bucket(context)
        bucket_arn = context.bucket_arn(bucket)
        self.source = source_of(context, text)

        def key_policy(reader: str) -> dict[str, typing.Any]:
            statements = config_key_statements(
                reader=reader, deployers=deployers, bucket_arn=bucket_arn, s3_service=s3_service
            )
            return service_key_policy(duties_of(context), *statements, deployers_through=s3_service)

        data_classes = context.policy.data_classes
        key = customer_key(
            name,
            context=context,
            lifetime=data_classes.service_keys,
            description=f"Configurations of the log collectors in {context.environment}",
            policy=pulumi.Output.from_input(reader_arn).apply(key_policy),
            alias=name,
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
        )
        store = PrivateBucket(
            name,
            context=context,
            bucket=bucket,
            encryption=with_bucket_key(key.arn),
            policy=key.arn.apply(
                lambda key_arn: bucket_policy(
                    over_tls(bucket_arn),
                    encrypted_with(bucket_arn, key_arn),
                    written_only_by(f"{bucket_arn}/*", *deployers),
                    kept(context, bucket_arn),
                )
            ),
            lifecycle=tidying_rules(data_classes.access_logs_keep_days.at(context.settings.environment)),
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[key]),
        )
        access_logs.watch(name, store, self)
        if self.source.object_key is not None:
            aws.s3.BucketObjectv2(
                f"{name}-object",
                bucket=store.bucket.bucket,
                key=self.source.object_key,
                content=text,
                content_type="application/yaml",
                # S3 refuses other bytes than these, and whoever reads them compares.
                checksum_algorithm="SHA256",
                kms_key_id=key.arn,
                bucket_key_enabled=True,
                region=context.region,
                tags=context.tags(name),
                # Another text is another object, in the same place of the program: the engine would delete the one
                # before it, which a rollback reads. It cannot be protected, for the engine then refuses to replace it.
                opts=pulumi.ResourceOptions(parent=self, depends_on=[store], retain_on_delete=True),
            )
        self.may_read = key.arn.apply(
            lambda key_arn: read_config(bucket_arn=bucket_arn, key_arn=key_arn, s3_service=s3_service)
        )
        """The statements that let a role read every configuration in the bucket."""
        self.key_arn = key.arn
        self.register_outputs({"bucket_name": store.bucket.bucket})


def config_bucket(context: Context) -> str:
    """Return the name of the bucket of stored configurations."""
    return context.bucket_name("collector-config")


def source_of(context: Context, text: str) -> ConfigSource:
    """Return how the configuration `text` reaches the collectors of this stack."""
    return config_source(text, bucket=config_bucket(context), s3_service=context.regional_service("s3"))
