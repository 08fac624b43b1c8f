"""S3: buckets and their parts (ForceNew: terraform-provider-aws, internal/service/s3)."""

from __future__ import annotations

from sandbox.providers.aws_types.rows import keys
from sandbox.providers.realise import s3, s3_objects, s3_parts
from sandbox.providers.rules import at_most_one, one_of
from sandbox.providers.rules_s3 import default_retention, lifecycle_order
from sandbox.providers.table import Api, Realiser, Row, Rule, table
from sandbox.providers.wire import Props

_HOSTED_ZONE = "Z3AQBSTGFYJSTF"
"""us-east-1's website zone; nothing here serves websites, so one stands for all."""


def _part(
    name: str,
    *,
    moto: Realiser,
    put: str,
    inside: str = "",
    owner: bool = True,
    defaults: Props | None = None,
    rules: tuple[Rule, ...] = (),
) -> Row:
    first = name[0].lower() + name[1:]
    return Row(
        f"aws:s3/{first}:{name}",
        id="{bucket}",
        name=None,
        replace_on=keys("bucket", "expectedBucketOwner") if owner else keys("bucket"),
        defaults=defaults or {},
        moto=moto,
        api=Api(service="s3", operation=put, inside=inside),
        rules=rules,
    )


ROWS = table(
    Row(
        "aws:s3/bucket:Bucket",
        name="bucket",
        outputs={
            "arn": "arn:{partition}:s3:::{id}",
            "bucketDomainName": "{id}.s3.amazonaws.com",
            "bucketRegionalDomainName": "{id}.s3.{region}.amazonaws.com",
            "bucketRegion": "{region}",
            "hostedZoneId": _HOSTED_ZONE,
            "websiteDomain": "",
            "websiteEndpoint": "",
        },
        replace_on=keys("bucket", "bucketPrefix", "bucketNamespace", "objectLockEnabled"),
        defaults={"forceDestroy": False, "objectLockEnabled": False},
        moto=s3.BUCKET,
        cfn="AWS::S3::Bucket",
        rules=(at_most_one("bucket", "bucketPrefix"),),
    ),
    _part("BucketVersioning", moto=s3_parts.VERSIONING, put="PutBucketVersioning"),
    _part(
        "BucketPublicAccessBlock",
        moto=s3_parts.PUBLIC_ACCESS_BLOCK,
        put="PutPublicAccessBlock",
        owner=False,
        inside="PublicAccessBlockConfiguration",
    ),
    _part(
        "BucketServerSideEncryptionConfiguration",
        moto=s3_parts.ENCRYPTION,
        put="PutBucketEncryption",
        inside="ServerSideEncryptionConfiguration",
    ),
    _part(
        "BucketOwnershipControls",
        moto=s3_parts.OWNERSHIP,
        put="PutBucketOwnershipControls",
        owner=False,
        inside="OwnershipControls",
    ),
    _part(
        "BucketLifecycleConfiguration",
        moto=s3_parts.LIFECYCLE,
        put="PutBucketLifecycleConfiguration",
        inside="LifecycleConfiguration",
        defaults={"transitionDefaultMinimumObjectSize": "all_storage_classes_128K"},
        rules=(
            lifecycle_order,
            one_of("transitionDefaultMinimumObjectSize", "all_storage_classes_128K", "varies_by_storage_class"),
        ),
    ),
    _part(
        "BucketObjectLockConfiguration",
        moto=s3_parts.OBJECT_LOCK,
        put="PutObjectLockConfiguration",
        inside="ObjectLockConfiguration",
        defaults={"objectLockEnabled": "Enabled"},
        rules=(default_retention,),
    ),
    _part(
        "BucketReplicationConfig",
        moto=s3_parts.REPLICATION,
        put="PutBucketReplication",
        owner=False,
        inside="ReplicationConfiguration",
    ),
    # moto applies a bucket policy's statements without their conditions, so that "deny unless TLS" denies every
    # write: recorded, and evaluated with its conditions by tests/policy_evaluator.py.
    Row(
        "aws:s3/bucketPolicy:BucketPolicy",
        id="{bucket}",
        name=None,
        replace_on=keys("bucket"),
        api=Api(service="s3", operation="PutBucketPolicy"),
    ),
    Row(
        "aws:s3/inventory:Inventory",
        replace_on=keys("bucket", "name"),
        defaults={"enabled": True},
        moto=s3.INVENTORY,
        api=Api(
            service="s3",
            operation="PutBucketInventoryConfiguration",
            inside="InventoryConfiguration",
            rename={"name": "Id", "bucket": "S3BucketDestination", "bucketArn": "Bucket"},
        ),
    ),
    # moto cannot read a target bucket's policy whose principal is "*" (AttributeError), and every bucket that
    # requires TLS has one: recorded.
    Row(
        "aws:s3/bucketLogging:BucketLogging",
        id="{bucket}",
        name=None,
        replace_on=keys("bucket", "expectedBucketOwner"),
    ),
    Row(
        "aws:s3/bucketMetric:BucketMetric",
        id="{bucket}:{name}",
        replace_on=keys("bucket", "name"),
        api=Api(service="s3", operation="PutBucketMetricsConfiguration", rename={"name": "Id"}),
    ),
    Row("aws:s3/bucketNotification:BucketNotification", id="{bucket}", name=None, replace_on=keys("bucket")),
    Row(
        "aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration",
        id="{bucket}:{name}",
        replace_on=keys("bucket", "name"),
        defaults={"status": "Enabled"},
        api=Api(
            service="s3",
            operation="PutBucketIntelligentTieringConfiguration",
            inside="IntelligentTieringConfiguration",
            rename={"name": "Id"},
        ),
    ),
    Row(
        "aws:s3/bucketObjectv2:BucketObjectv2",
        id="{bucket}/{key}",
        name=None,
        outputs={
            "arn": "arn:{partition}:s3:::{bucket}/{key}",
            "etag": "",
            "serverSideEncryption": "AES256",  # S3's own default, where the bucket names no other
            "versionId": "",
            **dict.fromkeys(
                ("checksumCrc32", "checksumCrc32c", "checksumCrc64nvme", "checksumSha1", "checksumSha256"), ""
            ),
        },
        replace_on=keys("bucket", "key"),
        defaults={
            "contentType": "application/octet-stream",
            "forceDestroy": False,
            "storageClass": "STANDARD",
        },
        moto=s3_objects.OBJECT,
        api=Api(service="s3", operation="PutObject", rename={**s3_objects.RENAMED, "content": "Body"}),
        rules=(at_most_one("content", "contentBase64", "source"),),
        volatile=frozenset({"checksumSha256", "etag", "versionId"}),
    ),
    Row(
        "aws:s3/accountPublicAccessBlock:AccountPublicAccessBlock",
        id="{account}",
        name=None,
        replace_on=keys("accountId"),
    ),
)
