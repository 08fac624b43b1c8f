"""How the collector's configuration reaches it: by size inline or as an object, and who may touch that object."""

import hashlib
import re
from typing import Any

import pytest

from infra.components.collector_config import source_of
from infra.documents.config_source import INLINE_BYTES, config_source, object_key
from infra.documents.lifecycle import tidying_rules
from tests.collector_stack import CONFIG, LARGE_CONFIG, build, collector, locked_down, varied
from tests.engine import Deployment, Registered, deploy
from tests.factories import STACKS, context
from tests.policy_evaluator import Decision, Request, decide, listed

TASK, OBJECT = "aws:ecs/taskDefinition:TaskDefinition", "aws:s3/bucketObjectv2:BucketObjectv2"
BUCKET, KEY, LIFECYCLE = (
    "aws:s3/bucket:Bucket",
    "aws:kms/key:Key",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
)
NAME = "tinybeans-prod-collector-config-123456789012-us-east-1"
ARN = f"arn:aws:s3:::{NAME}"
HASH = hashlib.sha256(LARGE_CONFIG.encode()).hexdigest()
STORED = f"{ARN}/collector/{HASH}.yaml"
S3 = "s3.us-east-1.amazonaws.com"
READER = "arn:aws:iam:us-east-1:123456789012:collector-task-role"
DEPLOYER = "arn:aws:iam::123456789012:role/tinybeans-logging-deploy"
STRANGER = "arn:aws:iam::123456789012:role/other"
TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
THROUGH = {"kms:ViaService": S3, "kms:EncryptionContext:aws:s3:arn": ARN}
CONFIG_KEY = "arn:aws:kms:us-east-1:123456789012:collector-config-key"
EVERYTHING: dict[str, Any] = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
forms = pytest.mark.parametrize("config", [CONFIG, LARGE_CONFIG], ids=["inline", "object"])
S3_URI = re.compile(r"s3://([a-z0-9.\-]{3,63})\.s3\.([a-z0-9\-]+)\.(amazonaws\.com\.cn|amazonaws\.com)/(.+)")
"""The part that is used here of the pattern by which s3provider v0.158.0 knows an address of Amazon S3."""


def container(deployment: Deployment) -> dict[str, Any]:
    found: list[dict[str, Any]] = deployment.one(TASK).document("containerDefinitions")
    return found[0]


def stored(stack: str = "prod", *, preview: bool = False, config: str = LARGE_CONFIG) -> Registered:
    return collector(stack, preview=preview, config=config).one(OBJECT)


def policy(type_: str, name: str) -> Any:
    return collector(config=LARGE_CONFIG).one(type_, name).document("policy")


def test_a_text_of_48_kib_as_json_is_inline_and_one_byte_more_is_an_object() -> None:
    fits = "x" * (INLINE_BYTES - 2)
    assert config_source(fits, bucket="b", s3_service="s3").uri == "env:OTELCOL_CONFIG"
    assert config_source(fits, bucket="b", s3_service="s3").environment == {"OTELCOL_CONFIG": fits}
    assert config_source(fits + "x", bucket="b", s3_service="s3").object_key == object_key(fits + "x")
    assert INLINE_BYTES == 49152


@pytest.mark.parametrize("twice", ['"', "\\", "\n", "é"])
def test_a_character_that_takes_two_bytes_in_the_task_definition_counts_twice(twice: str) -> None:
    room = INLINE_BYTES - 2
    assert config_source(twice * (room // 2), bucket="b", s3_service="s3").object_key is None
    assert config_source(twice * (room // 2 + 1), bucket="b", s3_service="s3").object_key


@pytest.mark.parametrize(
    ("aws", "region", "suffix"),
    [
        ({}, "us-east-1", "amazonaws.com"),
        ({"region": "cn-north-1", "partition": "aws-cn"}, "cn-north-1", "amazonaws.com.cn"),
    ],
)
def test_an_objects_address_is_one_that_the_collector_takes_for_amazons(
    aws: dict[str, str], region: str, suffix: str
) -> None:
    source = source_of(varied("prod", aws=aws), LARGE_CONFIG)
    match = S3_URI.fullmatch(source.uri)
    assert match
    assert match.groups() == (
        f"tinybeans-prod-collector-config-123456789012-{region}",
        region,
        suffix,
        source.object_key,
    )


def test_a_text_is_known_by_its_hash_and_another_text_is_another_object() -> None:
    assert object_key(LARGE_CONFIG) == f"collector/{HASH}.yaml"
    assert object_key(LARGE_CONFIG + " ") != object_key(LARGE_CONFIG)


@pytest.mark.parametrize("stack", STACKS)
def test_a_large_configuration_is_an_object_named_in_the_command_and_is_not_in_the_environment(stack: str) -> None:
    found = container(collector(stack, config=LARGE_CONFIG))
    (command,) = found["command"]
    item = stored(stack)
    assert command == f"--config=s3://{item['bucket']}.{S3}/{item['key']}"
    assert [variable["name"] for variable in found["environment"]] == ["GOGC", "GOMEMLIMIT"]
    assert item["key"] == f"collector/{HASH}.yaml"


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("stack", STACKS)
def test_a_preview_shows_the_whole_text_and_its_hash(stack: str, *, preview: bool) -> None:
    item = stored(stack, preview=preview)
    assert item["content"] == LARGE_CONFIG
    assert (
        item["key"].removeprefix("collector/").removesuffix(".yaml")
        == hashlib.sha256(item["content"].encode()).hexdigest()
    )


def test_s3_checks_and_encrypts_what_is_stored() -> None:
    item = stored()
    assert (item["checksumAlgorithm"], item["kmsKeyId"], item["bucketKeyEnabled"]) == ("SHA256", CONFIG_KEY, True)
    assert item["contentType"] == "application/yaml"
    assert item["tags"]["Component"] == "collector-config"


def test_an_object_outlives_its_successor_and_is_not_protected_from_having_one() -> None:
    assert stored().retain_on_delete is True
    assert stored().protect is False


@pytest.mark.parametrize("stack", STACKS)
def test_a_small_configuration_makes_no_object_but_leaves_the_bucket_for_earlier_revisions(stack: str) -> None:
    deployment = collector(stack)
    assert deployment.all(OBJECT) == []
    assert container(deployment)["command"] == ["--config=env:OTELCOL_CONFIG"]
    assert deployment.one(BUCKET, "collector-config-bucket")["bucket"] == stored(stack)["bucket"]


@forms
@pytest.mark.parametrize("stack", STACKS)
def test_all_but_the_object_and_where_the_task_finds_it_is_the_same_in_both_forms(stack: str, config: str) -> None:
    inline = {item.urn: dict(item.inputs) for item in collector(stack).resources}
    other = {item.urn: dict(item.inputs) for item in collector(stack, config=config).resources}
    differing = {urn.rsplit("::", 1)[1] for urn in inline.keys() | other.keys() if inline.get(urn) != other.get(urn)}
    assert differing == ({"collector-config-object", "collector-task"} if config == LARGE_CONFIG else set())


@pytest.mark.parametrize("stack", STACKS)
def test_no_stored_configuration_expires_and_replaced_versions_stay_as_long_as_access_logs(stack: str) -> None:
    here = context(stack)
    days = here.policy.data_classes.access_logs_keep_days.at(here.settings.environment)
    rules = collector(stack).one(LIFECYCLE, "collector-config-lifecycle")["rules"]
    assert {rule["id"] for rule in rules} == {rule["id"] for rule in tidying_rules(days)}
    assert {key for rule in rules for key in rule} & {"expiration", "transitions"} == {"expiration"}
    expirations = [rule["expiration"] for rule in rules if "expiration" in rule]
    assert expirations == [{"expiredObjectDeleteMarker": True}]
    (replaced,) = [rule for rule in rules if "noncurrentVersionExpiration" in rule]
    assert replaced["noncurrentVersionExpiration"] == {"noncurrentDays": days}


@forms
def test_the_collector_reads_every_configuration_and_nothing_else_of_the_bucket(config: str) -> None:
    granted = collector(config=config).one("aws:iam/rolePolicy:RolePolicy", "collector-task-policy").document("policy")

    def may(action: str, resource: str, **keys: str) -> bool:
        return decide(Request(READER, action, resource, keys), granted) is Decision.ALLOWED

    earlier = f"{ARN}/collector/{'0' * 64}.yaml"
    assert may("s3:GetObject", STORED)
    assert may("s3:GetObject", earlier), "a task of an earlier revision starts under the same role"
    for action, resource in (
        ("s3:GetObject", f"{ARN}/other/x.yaml"),
        ("s3:GetObject", f"{ARN}-2/collector/x.yaml"),
        ("s3:GetObjectVersion", STORED),
        ("s3:PutObject", STORED),
        ("s3:DeleteObject", STORED),
        ("s3:ListBucket", ARN),
    ):
        assert not may(action, resource), (action, resource)
    assert may("kms:Decrypt", CONFIG_KEY, **THROUGH)
    assert not may("kms:Decrypt", CONFIG_KEY, **{**THROUGH, "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::other"})
    assert not may("kms:GenerateDataKey", CONFIG_KEY, **THROUGH)


@pytest.mark.parametrize(
    ("who", "action", "keys", "decision"),
    [
        (READER, "kms:Decrypt", THROUGH, Decision.ALLOWED),
        (READER, "kms:GenerateDataKey", THROUGH, Decision.SILENT),
        (READER, "kms:Decrypt", {}, Decision.SILENT),
        (READER, "kms:Decrypt", {**THROUGH, "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::other"}, Decision.SILENT),
        (READER, "kms:Decrypt", {**THROUGH, "kms:ViaService": "logs.us-east-1.amazonaws.com"}, Decision.SILENT),
        (DEPLOYER, "kms:GenerateDataKey", THROUGH, Decision.ALLOWED),
        (DEPLOYER, "kms:Decrypt", THROUGH, Decision.ALLOWED),
        (DEPLOYER, "kms:Decrypt", {}, Decision.DENIED),
        (DEPLOYER, "kms:CreateGrant", {}, Decision.DENIED),
        (STRANGER, "kms:Decrypt", THROUGH, Decision.SILENT),
        ("arn:aws:iam::123456789012:role/tinybeans-key-admin", "kms:Decrypt", THROUGH, Decision.DENIED),
    ],
)
def test_the_key_is_used_to_read_by_the_collector_and_to_store_by_deployers_only_through_this_bucket(
    who: str, action: str, keys: dict[str, str], decision: Decision
) -> None:
    assert decide(Request(who, action, "*", keys), policy(KEY, "collector-config-key")) is decision


def test_only_deployers_write_where_configurations_are_and_nobody_deletes_one() -> None:
    document = policy("aws:s3/bucketPolicy:BucketPolicy", "collector-config-policy")

    def with_every_right(who: str, action: str, **keys: str) -> Decision:
        return decide(Request(who, action, STORED, {**TLS, **keys}), document, EVERYTHING)

    encryption = {
        "s3:x-amz-server-side-encryption": "aws:kms",
        "s3:x-amz-server-side-encryption-aws-kms-key-id": CONFIG_KEY,
    }
    assert with_every_right(DEPLOYER, "s3:PutObject", **encryption) is Decision.ALLOWED
    for who in (READER, STRANGER, "arn:aws:iam::123456789012:root"):
        assert with_every_right(who, "s3:PutObject", **encryption) is Decision.DENIED
    for who in (READER, DEPLOYER, STRANGER):
        assert with_every_right(who, "s3:DeleteObjectVersion") is Decision.DENIED
    other = {**encryption, "s3:x-amz-server-side-encryption-aws-kms-key-id": f"{CONFIG_KEY}-2"}
    assert with_every_right(DEPLOYER, "s3:PutObject", **other) is Decision.DENIED
    assert with_every_right(READER, "s3:GetObject") is Decision.ALLOWED
    assert with_every_right(READER, "s3:GetObject", **{"aws:SecureTransport": "false"}) is Decision.DENIED
    assert decide(Request(READER, "s3:GetObject", STORED, TLS), document) is Decision.SILENT


def test_a_confirmed_teardown_leaves_the_bucket_to_be_emptied() -> None:
    deployment = deploy(lambda: build(context("prod", teardown_confirmed="prod"), config=LARGE_CONFIG))
    document = deployment.one("aws:s3/bucketPolicy:BucketPolicy", "collector-config-policy").document("policy")
    assert decide(Request(DEPLOYER, "s3:DeleteObjectVersion", STORED, TLS), document, EVERYTHING) is Decision.ALLOWED
    assert deployment.one(BUCKET, "collector-config-bucket")["forceDestroy"] is True


@pytest.mark.parametrize("stack", STACKS)
def test_the_bucket_and_its_key_are_cared_for_as_every_other(stack: str) -> None:
    here, deployment = context(stack), collector(stack)
    key, bucket = deployment.one(KEY, "collector-config-key"), deployment.one(BUCKET, "collector-config-bucket")
    assert key["rotationPeriodInDays"] == here.policy.data_classes.service_keys.rotation_days
    assert key.protect is bucket.protect is here.protect
    assert key.urn in deployment.one("tinybeans:logging:PrivateBucket", "collector-config").depends_on
    sources = deployment.one("aws:s3/bucketPolicy:BucketPolicy", "access-logs-policy").document("policy")["Statement"]
    deliveries = [item for item in sources if item["Sid"] in ("AllowServerAccessLogs", "AllowInventories")]
    arn = here.bucket_arn(bucket["bucket"])
    assert [arn in listed(item["Condition"]["ArnLike"]["aws:SourceArn"]) for item in deliveries] == [True, True]
    assert deployment.one("aws:s3/bucketLogging:BucketLogging", "collector-config-access-logging")


@forms
def test_without_a_way_out_the_collector_reads_its_configuration_through_the_endpoint(config: str) -> None:
    deployment = deploy(lambda: build(locked_down(), config=config))
    gateway = deployment.one("aws:ec2/vpcEndpoint:VpcEndpoint", "collector-endpoints-s3-endpoint").document("policy")

    def passes(who: str, action: str, resource: str) -> bool:
        return decide(Request(who, action, resource), gateway) is Decision.ALLOWED

    assert passes(READER, "s3:GetObject", STORED)
    assert not passes(STRANGER, "s3:GetObject", STORED)
    assert not passes(READER, "s3:GetObject", f"{ARN}/other")
    assert not passes(READER, "s3:PutObject", STORED)


def test_a_source_does_not_show_the_text_where_it_is_printed() -> None:
    assert "padding" not in repr(config_source(LARGE_CONFIG, bucket="b", s3_service="s3"))
