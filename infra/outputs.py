"""What a person needs after `pulumi up`: addresses, names, roles and links. Nothing secret."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from infra.components.archive import Archive
from infra.components.collector import Collector
from infra.components.log_store import LogStore
from infra.components.reader_roles import ReaderRoles
from infra.context import Context


def outputs(
    context: Context,
    *,
    stores: Mapping[str, LogStore],
    archives: Mapping[str, Archive],
    readers: ReaderRoles,
    collector: Collector,
) -> dict[str, Any]:
    """Return the stack's outputs by name."""
    return {
        "otlp_grpc_endpoint": collector.endpoint_grpc,
        "otlp_http_endpoint": collector.endpoint_http,
        "log_groups": {cls: store.log_group_name for cls, store in stores.items()},
        "archives": {
            cls: archive.bucket_name.apply(lambda name: f"s3://{name}/otlp/") for cls, archive in archives.items()
        },
        "reader_roles": {group: role.arn for group, role in readers.roles.items()},
        "collector_service": {"cluster": collector.cluster_name, "service": collector.service_name},
        "console": console_links(context),
        "policy_digest": context.policy.digest,
    }


def console_links(context: Context) -> dict[str, str]:
    """Return AWS console addresses of the log groups and the collector's service, by what they show."""
    base = f"https://{context.region}.console.aws.amazon.com"
    # The console encodes a log group's name twice, with $ in place of % (seen in its own links).
    groups = {
        f"logs: {cls}": f"{base}/cloudwatch/home?region={context.region}#logsV2:log-groups/log-group/"
        + quote(quote(context.log_group(cls), safe=""), safe="").replace("%", "$")
        for cls in context.policy.data_classes.classes
    }
    archives = {
        f"archive: {cls}": f"{base}/s3/buckets/{context.archive_bucket(cls)}?region={context.region}"
        for cls in context.policy.data_classes.classes
    }
    return {**groups, **archives, "collector": f"{base}/ecs/v2/clusters?region={context.region}"}
