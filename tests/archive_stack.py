"""One stack's archives with all that belongs to them, as the program composes them, for tests to look at."""

import functools

from infra.components.access_logs import AccessLogs
from infra.components.archive import Archive
from infra.components.read_trail import ReadTrail
from infra.components.replica import Replicas
from infra.context import Context
from tests.engine import Deployment, deploy
from tests.factories import STACKS, context, in_stack

WRITER = "arn:aws:iam::123456789012:role/collector"
EXPORTER = "arn:aws:iam::123456789012:role/nightly-export"
READER = "arn:aws:iam::123456789012:role/compliance"
CLASSES = tuple(context().policy.data_classes.classes)
EVERY_ARCHIVE = [(stack, cls) for stack in STACKS for cls in CLASSES]
BUCKET, POLICY = "aws:s3/bucket:Bucket", "aws:s3/bucketPolicy:BucketPolicy"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"


def key_arn(cls: str) -> str:
    """Return the ARN of the key that a class's records are encrypted with."""
    return f"arn:aws:kms:us-east-1:123456789012:key/{cls}"


def declare(stack_context: Context) -> None:
    """Register access logs, replicas, one archive a class and, where the settings ask for it, the read trail."""
    options = in_stack()
    access_logs = AccessLogs("access-logs", context=stack_context, opts=options)
    replicas = Replicas("replicas", context=stack_context, opts=options)
    archives = {
        cls: Archive(
            f"{cls}-archive",
            context=stack_context,
            cls=cls,
            data_class=data_class,
            key_arn=key_arn(cls),
            access_logs=access_logs,
            writer_arn=WRITER,
            exporter_arn=EXPORTER,
            replica=replicas.by_class.get(cls),
            opts=options,
        )
        for cls, data_class in stack_context.policy.data_classes.classes.items()
    }
    if stack_context.settings.audit_reads:
        ReadTrail(
            "read-trail",
            context=stack_context,
            buckets=archives,
            access_logs=access_logs,
            reader_arns=[READER],
            opts=options,
        )


@functools.cache
def archives_of(stack: str) -> Deployment:
    """Return what `stack`'s own settings and policy declare."""
    return deploy(lambda: declare(context(stack)))
