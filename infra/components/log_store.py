"""Where one data class's hot records live: its key, its log group, and how the group is searched and masked."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, final

import pulumi
import pulumi_aws as aws

from infra.components.customer_key import customer_key
from infra.components.stateful import stateful_options
from infra.context import QUARANTINE_STREAM, STREAM, Context
from infra.documents.data_protection import data_protection_policy
from infra.documents.insights import index_policy, saved_queries
from infra.documents.key_policy import LogGroupUse, class_key_policy, duties_of
from infra.policy import DataClass


@final
class LogStore(pulumi.ComponentResource):
    """The hot store of one data class.

    Creates a KMS key with its alias, a log group under that key with the stream that the collector writes to (and,
    for the policy's quarantine class, the stream of withheld records), the group's data protection and field index
    policies, and saved Logs Insights queries.

    Grants, in the key's policy: CloudWatch Logs the use of the key for this group and its exports; the writer, the
    hot readers and the archive readers their use through CloudWatch Logs or S3; key administrators and deployers
    the administration, and no use. Roles named here must exist before: KMS refuses principals it does not find.

    An adopted log group (`adopt.log_groups`) is imported under its own name; its retention, key and tags become those
    declared here in the same update (see `stateful_options`). What it held before stays encrypted as it was.
    """

    key: aws.kms.Key
    key_arn: pulumi.Output[str]
    log_group_name: pulumi.Output[str]
    log_group_arn: pulumi.Output[str]
    """Without the `:*` of its streams."""
    streams: dict[str, aws.cloudwatch.LogStream]
    """Stream by name."""

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        cls: str,
        data_class: DataClass,
        writer_arn: pulumi.Input[str],
        hot_reader_arns: Sequence[pulumi.Input[str]],
        archive_reader_arns: Sequence[pulumi.Input[str]],
        also: pulumi.Input[Sequence[Mapping[str, Any]]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:LogStore", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        adopted = context.settings.adopt.log_groups.get(cls)
        stateful = stateful_options(context, self, adopted)
        tags = context.tags(name, DataClass=cls)
        use = LogGroupUse(
            account_id=context.account_id,
            log_group_arn=context.log_group_arn(cls),
            bucket_arn=context.bucket_arn(context.archive_bucket(cls)),
            logs_service=context.regional_service("logs"),
            s3_service=context.regional_service("s3"),
        )
        key = customer_key(
            name,
            context=context,
            lifetime=data_class.key,
            description=f"Records of the class {cls} in {context.environment}: log group and archive",
            policy=pulumi.Output.all(
                writer=writer_arn, hot=list(hot_reader_arns), archived=list(archive_reader_arns), also=also
            ).apply(
                lambda known: class_key_policy(
                    duties_of(context),
                    use,
                    writer=known["writer"],
                    hot_readers=known["hot"],
                    archive_readers=known["archived"],
                    also=known["also"],
                )
            ),
            alias=cls,
            tags=tags,
            opts=stateful,
        )
        group = aws.cloudwatch.LogGroup(
            f"{name}-group",
            name=context.log_group(cls),
            log_group_class="STANDARD",
            retention_in_days=data_class.hot_retention_days.at(context.settings.environment),
            kms_key_id=key.arn,
            deletion_protection_enabled=context.protect,
            skip_destroy=False,
            tags=tags,
            opts=pulumi.ResourceOptions.merge(
                stateful,
                pulumi.ResourceOptions(
                    delete_before_replace=True,  # the name is fixed: both cannot exist at once
                    import_=adopted,
                ),
            ),
        )
        quarantine = [QUARANTINE_STREAM] if cls == context.policy.data_classes.quarantine_class else []
        self.streams = {
            stream: aws.cloudwatch.LogStream(
                f"{name}-{stream}-stream", name=stream, log_group_name=group.name, opts=stateful
            )
            for stream in [STREAM, *quarantine]
        }
        aws.cloudwatch.LogDataProtectionPolicy(
            f"{name}-protection",
            log_group_name=group.name,
            policy_document=json.dumps(
                data_protection_policy(cls, context.policy.redaction, context.settings.aws.partition)
            ),
            opts=child,
        )
        aws.cloudwatch.LogIndexPolicy(
            f"{name}-index",
            log_group_name=group.name,
            policy_document=json.dumps(index_policy(cls, data_class)),
            opts=child,
        )
        for query in saved_queries(data_class):
            aws.cloudwatch.QueryDefinition(
                f"{name}-{query.name}-query",
                name=f"{context.name(cls)}/{query.name}",
                query_string=query.text,
                log_group_names=[group.name],
                opts=child,
            )
        self.key, self.key_arn, self.log_group_name, self.log_group_arn = key, key.arn, group.name, group.arn
        self.register_outputs(
            {"key_arn": self.key_arn, "log_group_name": self.log_group_name, "log_group_arn": self.log_group_arn}
        )
