"""The function of the nightly export: its code, its limits, and where what fails is kept."""

import warnings
from collections.abc import Mapping

import pulumi

from infra.context import Context
from infra.documents.export_assignment import assignment, sources
from infra.export.handler import ASSIGNMENT_FILE
from infra.export.targets import Assignment, dumps

with warnings.catch_warnings():
    # The SDK warns of a deprecated class of its own as soon as this module is loaded.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pulumi_aws.lambda_ import (
        Function,
        FunctionDeadLetterConfigArgs,
        FunctionEventInvokeConfig,
        FunctionLoggingConfigArgs,
    )

RUNTIME, HANDLER = "python3.13", "infra.export.handler.handle"
TIMEOUT_SECONDS, MEMORY_MIB = 900, 512
"""Lambda's longest run; memory is for speed, since it buys CPU: what is read is read in pieces of 1 MiB."""


def export_function(
    name: str,
    *,
    context: Context,
    function_name: str,
    role_arn: pulumi.Input[str],
    failed_arn: pulumi.Input[str],
    log_group: pulumi.Input[str],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> Function:
    """Return the function `function_name`, which writes to `log_group` and whose errors go to the queue `failed_arn`.

    A call that fails is not repeated: the schedule's next one does what it could not.
    """
    limit = context.settings.nightly_export.reserved_concurrency
    function = Function(
        f"{name}-function",
        name=function_name,
        description="Exports every closed day of every log group to its archive, one step a call.",
        role=role_arn,
        runtime=RUNTIME,
        architectures=["arm64"],
        handler=HANDLER,
        code=code(assignment(context)),
        timeout=TIMEOUT_SECONDS,
        memory_size=MEMORY_MIB,
        reserved_concurrent_executions=-1 if limit is None else limit,
        dead_letter_config=FunctionDeadLetterConfigArgs(target_arn=failed_arn),
        logging_config=FunctionLoggingConfigArgs(log_format="JSON", log_group=log_group, system_log_level="WARN"),
        tags=tags,
        opts=opts,
    )
    FunctionEventInvokeConfig(
        f"{name}-invocations",
        function_name=function.name,
        maximum_retry_attempts=0,
        maximum_event_age_in_seconds=15 * 60,
        opts=pulumi.ResourceOptions(parent=opts.parent),
    )
    return function


def code(what: Assignment) -> pulumi.AssetArchive:
    """Return the function's archive: its modules and the assignment. Lambda's runtime brings boto3."""
    files: dict[str, pulumi.Asset | pulumi.Archive] = {
        name: pulumi.FileAsset(str(path)) for name, path in sources().items()
    }
    return pulumi.AssetArchive({**files, ASSIGNMENT_FILE: pulumi.StringAsset(dumps(what))})
