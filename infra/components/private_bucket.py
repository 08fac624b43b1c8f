"""A bucket as every bucket of this program is: closed to the public, versioned, encrypted, its objects all ours."""

import json
import typing
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi
import pulumi_aws as aws

from infra.components.stateful import stateful_options
from infra.context import Context
from infra.documents.bucket_policy import Statement, tamper_proof
from infra.documents.lifecycle import MINIMUM_TRANSITION_SIZE
from infra.policy.archive import ObjectLock

Encryption = aws.s3.BucketServerSideEncryptionConfigurationRuleArgs
DefaultEncryption = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs


@typing.final
class PrivateBucket(pulumi.ComponentResource):
    """Creates a bucket with its public-access block, owner-enforced objects, versioning, default encryption, policy,
    lifecycle and, where `lock` is given, its Object Lock configuration, in the context's region. A lock of mode none
    gives the bucket Object Lock without a default: nothing is locked by itself, and anything can be held.

    Grants nothing but what `policy` says. The bucket can only be destroyed with objects in it where the stack's
    teardown was confirmed, and only after that was deployed once (provider documentation of forceDestroy).

    `import_id` names an existing bucket to take over (see `stateful_options`): its tags become those declared here,
    and all else that this component declares is put over what the bucket had, in the same update.

    Whoever encrypts the bucket's objects with a key lets this component depend on that key: a bucket that cannot be
    deleted, because of its locks, then keeps its key, and with it what the objects say.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        bucket: str,
        encryption: pulumi.Input[Encryption],
        policy: pulumi.Input[dict[str, Any]],
        lifecycle: Sequence[dict[str, Any]],
        tags: Mapping[str, str],
        lock: ObjectLock | None = None,
        import_id: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:PrivateBucket", name, {}, opts)
        # objectLockEnabled stays unset: the provider would replace the bucket when the policy starts to lock a
        # class, and a lock can be configured on any versioned bucket (terraform-provider-aws#35153, #36529).
        self.name = bucket
        self.bucket = aws.s3.Bucket(
            f"{name}-bucket",
            bucket=bucket,
            force_destroy=context.settings.teardown_confirmed is not None,
            tags=dict(tags),
            region=context.region,
            opts=pulumi.ResourceOptions.merge(
                stateful_options(context, self, import_id), pulumi.ResourceOptions(import_=import_id)
            ),
        )
        # Its parts go with the bucket, not before it: one that cannot be deleted stays as closed as it was.
        within = pulumi.ResourceOptions(parent=self, deleted_with=self.bucket)
        public_access_block = aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access-block",
            bucket=self.bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            region=context.region,
            opts=within,
        )
        # One after the other: S3 answers two changes at once to who may use a bucket with OperationAborted.
        ownership = aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=self.bucket.bucket,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            region=context.region,
            opts=pulumi.ResourceOptions.merge(within, pulumi.ResourceOptions(depends_on=[public_access_block])),
        )
        self.versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=self.bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            region=context.region,
            opts=within,
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption", bucket=self.bucket.bucket, rules=[encryption], region=context.region, opts=within
        )
        self.policy = aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=self.bucket.bucket,
            policy=pulumi.Output.from_input(policy).apply(json.dumps),
            region=context.region,
            opts=pulumi.ResourceOptions.merge(
                within, pulumi.ResourceOptions(depends_on=[public_access_block, ownership])
            ),
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=self.bucket.bucket,
            transition_default_minimum_object_size=MINIMUM_TRANSITION_SIZE,
            rules=cast(list[aws.s3.BucketLifecycleConfigurationRuleArgsDict], list(lifecycle)),
            region=context.region,
            # Rules about replaced versions are only accepted once there can be any.
            opts=pulumi.ResourceOptions.merge(within, pulumi.ResourceOptions(depends_on=[self.versioning])),
        )
        if lock is not None:
            aws.s3.BucketObjectLockConfiguration(
                f"{name}-object-lock",
                bucket=self.bucket.bucket,
                object_lock_enabled="Enabled",
                rule=aws.s3.BucketObjectLockConfigurationRuleArgs(
                    default_retention=aws.s3.BucketObjectLockConfigurationRuleDefaultRetentionArgs(
                        mode=lock.mode.value, days=lock.days
                    )
                )
                if lock.days is not None
                else None,
                region=context.region,
                # S3 locks versions, so the bucket must keep them first.
                opts=pulumi.ResourceOptions.merge(within, pulumi.ResourceOptions(depends_on=[self.versioning])),
            )
        self.register_outputs({"bucket_name": self.bucket.bucket})


def kept(context: Context, bucket_arn: str) -> list[Statement]:
    """Return the denial of tampering, unless this stack's teardown was confirmed: then its bucket can be emptied."""
    return tamper_proof(bucket_arn) if context.settings.teardown_confirmed is None else []


def with_bucket_key(key_arn: pulumi.Input[str]) -> Encryption:
    """Return SSE-KMS with a bucket key: one KMS call for many objects, the bucket's ARN as encryption context."""
    return Encryption(
        apply_server_side_encryption_by_default=DefaultEncryption(sse_algorithm="aws:kms", kms_master_key_id=key_arn),
        bucket_key_enabled=True,
    )


def with_object_keys(key_arn: pulumi.Input[str]) -> Encryption:
    """Return SSE-KMS without a bucket key, for writers whose own encryption context the key's policy asks for."""
    return Encryption(
        apply_server_side_encryption_by_default=DefaultEncryption(sse_algorithm="aws:kms", kms_master_key_id=key_arn),
        bucket_key_enabled=False,
    )


def with_s3_keys() -> Encryption:
    """Return SSE-S3, for the one kind of bucket that S3 delivers to only so."""
    return Encryption(apply_server_side_encryption_by_default=DefaultEncryption(sse_algorithm="AES256"))
