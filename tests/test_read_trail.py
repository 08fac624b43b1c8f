"""CloudTrail's record of reads: of which archives, kept where, readable by whom."""

from typing import Any

import pytest

from tests.archive_stack import BUCKET, POLICY, READER, archives_of
from tests.engine import Registered
from tests.factories import STACKS, context, settings
from tests.policy_evaluator import Decision, Request, decide

TRAIL, KEY = "aws:cloudtrail/trail:Trail", "aws:kms/key:Key"
TRAIL_ARN = "arn:aws:cloudtrail:us-east-1:123456789012:trail/tinybeans-prod-read-trail"
BUCKET_ARN = "arn:aws:s3:::tinybeans-prod-read-trail-123456789012-us-east-1"
FILE = f"{BUCKET_ARN}/AWSLogs/123456789012/CloudTrail/us-east-1/2026/11/23/1.json.gz"
CLOUDTRAIL = "cloudtrail.amazonaws.com"
TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}


def trail(stack: str = "prod") -> Registered:
    return archives_of(stack).one(TRAIL)


def selectors(stack: str) -> dict[str, dict[str, Any]]:
    """Return the trail's field selectors by field."""
    (selector,) = trail(stack)["advancedEventSelectors"]
    return {item["field"]: item for item in selector["fieldSelectors"]}


@pytest.mark.parametrize("stack", [stack for stack in STACKS if settings(stack).audit_reads])
def test_a_trail_records_reads_of_objects_of_the_audited_classes_only(stack: str) -> None:
    found, data_classes = selectors(stack), context(stack).policy.data_classes
    region = settings(stack).replica
    audited = {
        bucket["bucket"]
        for cls in data_classes.audited_reads
        for bucket in archives_of(stack).all(BUCKET)
        if bucket.name in {f"{cls}-archive-bucket", f"{cls}-replica-bucket"}
    }

    assert found.keys() == {"eventCategory", "resources.type", "readOnly", "resources.ARN"}
    assert found["eventCategory"]["equals"] == ["Data"]
    assert found["resources.type"]["equals"] == ["AWS::S3::Object"]
    assert found["readOnly"]["equals"] == ["true"]
    assert set(found["resources.ARN"]["startsWiths"]) == {f"arn:aws:s3:::{bucket}/" for bucket in audited}
    assert len(audited) == len(data_classes.audited_reads) * (2 if region else 1)


def test_reading_a_copy_in_another_region_is_recorded_too() -> None:
    places = {arn.split("-us-")[-1] for arn in selectors("prod")["resources.ARN"]["startsWiths"]}

    assert places == {"east-1/", "west-2/"}
    assert trail()["isMultiRegionTrail"] is True


def test_a_stack_that_does_not_audit_reads_has_no_trail_and_no_bucket_for_one() -> None:
    deployment = archives_of("dev")

    assert settings("dev").audit_reads is False
    assert not deployment.all(TRAIL)
    assert not [bucket for bucket in deployment.all(BUCKET) if "trail" in bucket.name]


def test_the_trails_files_are_signed_and_encrypted_with_a_key_of_their_own_and_protected() -> None:
    deployment = archives_of("prod")
    encryption = deployment.one(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "read-trail-encryption",
    )

    assert trail()["enableLogFileValidation"] is True
    key = "arn:aws:kms:us-east-1:123456789012:read-trail-key"
    assert trail()["kmsKeyId"] == key
    assert encryption["rules"] == [
        {
            "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key},
            "bucketKeyEnabled": False,
        }
    ]
    assert all(
        it.protect
        for it in (trail(), deployment.one(KEY, "read-trail-key"), deployment.one(BUCKET, "read-trail-bucket"))
    )
    assert any(urn.endswith("::read-trail-policy") for urn in trail().depends_on)


def test_cloudtrail_writes_for_this_trail_and_no_other() -> None:
    policy = archives_of("prod").one(POLICY, "read-trail-policy").document("policy")
    keys = {**TLS, "aws:SourceArn": TRAIL_ARN, "s3:x-amz-acl": "bucket-owner-full-control"}

    assert trail()["name"] == TRAIL_ARN.rsplit("/", maxsplit=1)[-1]
    assert decide(Request(CLOUDTRAIL, "s3:PutObject", FILE, keys), policy) is Decision.ALLOWED
    assert decide(Request(CLOUDTRAIL, "s3:GetBucketAcl", BUCKET_ARN, keys), policy) is Decision.ALLOWED
    other = {**keys, "aws:SourceArn": TRAIL_ARN.replace("123456789012", "999999999999")}
    assert decide(Request(CLOUDTRAIL, "s3:PutObject", FILE, other), policy) is Decision.SILENT
    assert decide(Request(CLOUDTRAIL, "s3:GetBucketAcl", BUCKET_ARN, other), policy) is Decision.SILENT
    elsewhere = FILE.replace("AWSLogs/123456789012", "AWSLogs/999999999999")
    assert decide(Request(CLOUDTRAIL, "s3:PutObject", elsewhere, keys), policy) is Decision.SILENT


def test_the_trails_key_encrypts_for_this_trail_and_decrypts_for_its_readers_only() -> None:
    policy = archives_of("prod").one(KEY, "read-trail-key").document("policy")
    mine = {"aws:SourceArn": TRAIL_ARN, "kms:EncryptionContext:aws:cloudtrail:arn": TRAIL_ARN}
    other = {**mine, "aws:SourceArn": f"{TRAIL_ARN}-2", "kms:EncryptionContext:aws:cloudtrail:arn": f"{TRAIL_ARN}-2"}
    reading = {"kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": FILE}

    assert decide(Request(CLOUDTRAIL, "kms:GenerateDataKey", "*", mine), policy) is Decision.ALLOWED
    assert decide(Request(CLOUDTRAIL, "kms:GenerateDataKey", "*", other), policy) is Decision.SILENT
    assert decide(Request(CLOUDTRAIL, "kms:DescribeKey", "*", mine), policy) is Decision.ALLOWED
    assert decide(Request(CLOUDTRAIL, "kms:Decrypt", "*", mine), policy) is Decision.SILENT
    assert decide(Request(READER, "kms:Decrypt", "*", reading), policy) is Decision.ALLOWED
    assert decide(Request(READER, "kms:Decrypt", "*"), policy) is Decision.SILENT
    directly = {"kms:EncryptionContext:aws:s3:arn": FILE}
    assert decide(Request(READER, "kms:Decrypt", "*", directly), policy) is Decision.SILENT
    elsewhere = {**reading, "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::tinybeans-prod-logs-audit/x"}
    assert decide(Request(READER, "kms:Decrypt", "*", elsewhere), policy) is Decision.SILENT
    deployer = settings("prod").access.deployers[0]
    assert decide(Request(deployer, "kms:Decrypt", "*", reading), policy) is Decision.DENIED


def test_readers_of_the_trail_read_and_list_and_no_more() -> None:
    policy = archives_of("prod").one(POLICY, "read-trail-policy").document("policy")

    assert decide(Request(READER, "s3:GetObject", FILE, TLS), policy) is Decision.ALLOWED
    assert decide(Request(READER, "s3:ListBucket", BUCKET_ARN, TLS), policy) is Decision.ALLOWED
    assert decide(Request(READER, "s3:PutObject", FILE, TLS), policy) is Decision.SILENT
    assert decide(Request(READER, "s3:DeleteObject", FILE, TLS), policy) is Decision.DENIED
    assert decide(Request(READER.replace("compliance", "other"), "s3:GetObject", FILE, TLS), policy) is Decision.SILENT


def test_the_record_of_reads_is_kept_as_long_as_policy_says() -> None:
    lifecycle = archives_of("prod").one(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "read-trail-lifecycle"
    )
    (expiry,) = (rule for rule in lifecycle["rules"] if rule["id"] == "expire")

    assert expiry["expiration"] == {"days": context("prod").policy.data_classes.access_logs_keep_days.prod}
