"""Datadog's part of one stack, read from top to bottom."""

from dataclasses import dataclass
from typing import Any

import pulumi

from infra.components.access_logs import AccessLogs
from infra.components.datadog.archive import DatadogArchive
from infra.components.datadog.dashboards import LogDashboards
from infra.components.datadog.indexes import LogIndexes
from infra.components.datadog.metrics import LogMetrics
from infra.components.datadog.monitors import LogMonitors
from infra.components.datadog.pipelines import LogPipelines
from infra.components.datadog.provider import provider
from infra.components.datadog.readers import LogReaders
from infra.components.datadog.scanner import SensitiveData
from infra.components.datadog.security_rules import DetectionRules
from infra.components.datadog.slos import LogObjectives
from infra.context import Context
from infra.documents.datadog.archive import archive_bucket
from infra.documents.datadog.checks import problems
from infra.documents.datadog.told import untold
from infra.documents.datadog.watched import unknown_facets
from infra.policy.destinations import Destination
from infra.problems import InputError
from infra.stack import Stack


@dataclass(frozen=True)
class Declared:
    """What the rest of a stack has to know of what was registered."""

    outputs: dict[str, Any]
    """What a person needs to know of it."""
    key_arns: list[pulumi.Output[str]]
    """KMS keys whose end has to be watched."""


def check(context: Context) -> None:
    """Raise InputError with everything in settings and policy that Datadog would refuse; registers nothing."""
    if found := [*problems(context), *untold(context), *unknown_facets(context)]:
        raise InputError(found)


def buckets(context: Context) -> list[str]:
    """Return the names of the buckets that `declare` creates."""
    return [archive_bucket(context)]


def declare(stack: Stack, *, access_logs: AccessLogs, opts: pulumi.ResourceOptions) -> Declared:
    """Register what the stack sets up in Datadog and return what others need to know of it.

    `opts` carry the stack's AWS provider; `access_logs` record who touches the buckets.
    """
    context = stack.context
    signed_in = provider(context, stack.deploy_keys[Destination.DATADOG])
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(providers=[signed_in]))

    # Last line first: no record may be indexed before the scanner looks at it.
    scanner = SensitiveData("datadog-scanner", context=context, opts=opts)
    behind = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[scanner]))
    LogPipelines("datadog-pipelines", context=context, opts=opts)
    indexes = LogIndexes("datadog-indexes", context=context, opts=behind)
    LogMetrics("datadog-metrics", context=context, opts=opts)
    archive = DatadogArchive("datadog-archive", context=context, access_logs=access_logs, opts=behind)
    LogReaders("datadog-readers", context=context, opts=opts)
    # Who watches: what people are told, promised and shown.
    LogMonitors("datadog-monitors", context=context, opts=opts)
    LogObjectives("datadog-objectives", context=context, opts=opts)
    DetectionRules("datadog-detections", context=context, opts=opts)
    LogDashboards("datadog-dashboards", context=context, opts=opts)
    outputs = {
        "site": f"https://app.{context.settings.datadog_site}/logs",
        "indexes": {cls: index.name for cls, index in indexes.indexes.items()},
        "archive": archive.store.bucket.bucket.apply(lambda name: f"s3://{name}/"),
    }
    return Declared(outputs, [archive.key_arn])
