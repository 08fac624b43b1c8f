"""The sandbox's providers: what they refuse, what they compute, and what they keep secret."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import struct_pb2
from moto.server import ThreadedMotoServer
from pulumi.runtime import rpc

from sandbox.providers import inputs, sdk, shapes
from sandbox.providers.aws_types import AWS
from sandbox.providers.cloud import Cloud, aws_cloud
from sandbox.providers.constraints import unchecked
from sandbox.providers.coverage import not_checked
from sandbox.providers.datadog_types import DATADOG
from sandbox.providers.errors import Problem, ProviderError
from sandbox.providers.ledger import of_deployment
from sandbox.providers.lifecycle import Lifecycle
from sandbox.providers.plugin import write_plugin
from sandbox.providers.table import Package
from sandbox.providers.wire import UNKNOWN, Props, Secret, decode, encode, has_unknown, plain, scrub

GROUP = "aws:cloudwatch/logGroup:LogGroup"
KEY = "aws:kms/key:Key"
BUCKET = "aws:s3/bucket:Bucket"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
TASK = "aws:ecs/taskDefinition:TaskDefinition"
ROLE = "aws:iam/role:Role"
TOPIC = "aws:sns/topic:Topic"
SENTINEL = "sentinel-7c1f-secret"
SEED = b"a seed from the engine"

EVERY_ROW = [(package, token) for package in (AWS, DATADOG) for token in package.rows]
RECORDED = [(package, token) for package, token in EVERY_ROW if not package.rows[token].realised]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module", name="cloud")
def _cloud(endpoint: str) -> Cloud:
    return Cloud(region="us-east-1", endpoint=endpoint, default_tags={"team": "platform"})


@pytest.fixture(name="life")
def _life(cloud: Cloud) -> Lifecycle:
    return Lifecycle(AWS, cloud)


def problems(token: str, news: Props) -> dict[str, str]:
    offline = Lifecycle(AWS, Cloud(region="us-east-1"))
    return {found.path: found.reason for found in offline.check(token, "audit", {}, news, SEED)[1]}


def born(life: Lifecycle, token: str, news: Props, name: str = "audit") -> tuple[str, Props, Props]:
    checked, wrong = life.check(token, name, {}, news, SEED)
    assert wrong == []
    identifier, state = life.create(token, checked, preview=False)
    return identifier, state, checked


# -- what is refused ---------------------------------------------------------------------------------------


def test_an_unknown_nested_key_is_refused_with_its_path_and_the_right_spelling() -> None:
    rule = {"applyServerSideEncryptionByDefault": {"sseAlgoritm": "aws:kms", "sseAlgorithm": "aws:kms"}}
    found = problems(ENCRYPTION, {"bucket": "b-1", "rules": [rule]})
    path = "rules[0].applyServerSideEncryptionByDefault.sseAlgoritm"
    assert found.keys() == {path}
    assert "did you mean sseAlgorithm?" in found[path]
    assert "kmsMasterKeyId" in found[path], "the message lists what is allowed"


def test_a_missing_required_property_is_refused() -> None:
    assert problems(ENCRYPTION, {"bucket": "b-1"}) == {"rules": "is required and missing"}


def test_a_missing_required_nested_property_is_refused_with_its_path() -> None:
    versioning = "aws:s3/bucketVersioning:BucketVersioning"
    found = problems(versioning, {"bucket": "b-1", "versioningConfiguration": {}})
    assert found == {"versioningConfiguration.status": "is required and missing"}


@pytest.mark.parametrize(
    ("token", "news", "path", "reason"),
    [
        (GROUP, {"retentionInDays": "30"}, "retentionInDays", "must be a whole number, got a string"),
        (GROUP, {"retentionInDays": True}, "retentionInDays", "must be a whole number, got a boolean"),
        (GROUP, {"skipDestroy": "yes"}, "skipDestroy", "must be true or false, got a string"),
        (GROUP, {"tags": {"a": 1}}, "tags.a", "must be a string, got a whole number"),
        (BUCKET, {"tags": ["a"]}, "tags", "must be a map, got a list"),
    ],
)
def test_a_wrong_type_is_refused(token: str, news: Props, path: str, reason: str) -> None:
    assert problems(token, news) == {path: reason}


def test_a_retention_of_31_days_is_refused_and_the_allowed_ones_are_listed() -> None:
    assert (
        "31 is not allowed; allowed: 1, 3, 5, 7, 14, 30" in problems(GROUP, {"retentionInDays": 31})["retentionInDays"]
    )


def test_a_retention_of_0_days_means_for_ever_and_is_taken() -> None:
    assert problems(GROUP, {"retentionInDays": 0}) == {}


@pytest.mark.parametrize(
    ("token", "news", "path", "part"),
    [
        (GROUP, {"logGroupClass": "COLD"}, "logGroupClass", "'COLD' is not allowed"),
        (GROUP, {"name": "a b"}, "name", "does not match"),
        (GROUP, {"name": "a", "namePrefix": "b"}, "namePrefix", "conflicts with name"),
        (KEY, {"deletionWindowInDays": 3}, "deletionWindowInDays", "7"),
        (KEY, {"rotationPeriodInDays": 365}, "rotationPeriodInDays", "needs enableKeyRotation"),
        (KEY, {"policy": "{"}, "policy", "is not valid JSON"),
        ("aws:kms/alias:Alias", {"name": "logs", "targetKeyId": "k"}, "name", "alias/"),
        (VERSION, {"secretId": "s", "secretStringWo": "x"}, "secretStringWoVersion", "is required with"),
        ("aws:secretsmanager/secret:Secret", {"recoveryWindowInDays": 5}, "recoveryWindowInDays", "7 to 30 or 0"),
        (ROLE, {"assumeRolePolicy": "{}", "managedPolicyArns": ["a"]}, "managedPolicyArns", "RolePolicyAttachment"),
    ],
)
def test_a_value_that_aws_would_refuse_is_refused(token: str, news: Props, path: str, part: str) -> None:
    assert part in problems(token, news)[path]


def test_a_policy_that_contains_null_is_refused_where_the_null_is() -> None:
    statement = {"Effect": "Allow", "Action": "kms:*", "Principal": "*", "Resource": None}
    found = problems(KEY, {"policy": json.dumps({"Statement": [statement]})})
    assert found["policy"].startswith("contains null at Statement[0].Resource")


@pytest.mark.parametrize(
    ("rule", "path", "part"),
    [
        ({"transitions": [{"days": 10, "storageClass": "STANDARD_IA"}]}, "rules[0].transitions", "30 days"),
        (
            {"transitions": [{"days": 40, "storageClass": "GLACIER"}, {"days": 90, "storageClass": "STANDARD_IA"}]},
            "rules[0].transitions",
            "STANDARD_IA cannot follow GLACIER",
        ),
        (
            {"transitions": [{"days": 90, "storageClass": "GLACIER"}], "expiration": {"days": 60}},
            "rules[0].expiration.days",
            "not after the last transition",
        ),
        ({"transitions": [{"days": 90, "storageClass": "COLD"}]}, "rules[0].transitions[0].storageClass", "allowed"),
    ],
)
def test_a_lifecycle_that_s3_would_refuse_is_refused(rule: Props, path: str, part: str) -> None:
    base = {"id": "a", "status": "Enabled", "filter": {"prefix": ""}}
    assert part in problems(LIFECYCLE, {"bucket": "b-1", "rules": [{**base, **rule}]})[path]


@pytest.mark.parametrize(
    ("change", "path", "part"),
    [
        ({"memory": "4096"}, "memory", "does not go with cpu 256; allowed: 512, 1024, 2048"),
        ({"networkMode": "bridge"}, "networkMode", "must be awsvpc"),
        ({"containerDefinitions": '[{"name":"c","imge":"x"}]'}, "containerDefinitions", "[0].imge is not a property"),
        (
            {"containerDefinitions": '[{"logConfiguration":{"logDriver":"carrier-pigeon"}}]'},
            "containerDefinitions",
            "logDriver must be one of",
        ),
    ],
)
def test_a_task_definition_that_fargate_cannot_run_is_refused(change: Props, path: str, part: str) -> None:
    task = {
        "family": "f",
        "cpu": "256",
        "memory": "512",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": '[{"name":"c","image":"x"}]',
    }
    assert problems(TASK, task) == {}
    assert part in problems(TASK, {**task, **change})[path]


def test_an_unknown_value_is_not_judged_before_it_is_known() -> None:
    assert problems(GROUP, {"retentionInDays": UNKNOWN, "kmsKeyId": UNKNOWN}) == {}


@pytest.mark.parametrize(
    ("token", "news"),
    [
        (GROUP, {"name": Secret(f"{SENTINEL} with blanks")}),
        (GROUP, {"logGroupClass": Secret(SENTINEL)}),
        (GROUP, {"retentionInDays": Secret(SENTINEL)}),
        (GROUP, {"tags": Secret({SENTINEL: 1})}),
        (GROUP, {"tags": {"a": Secret({"b": SENTINEL})}}),
        (KEY, {"policy": Secret(f"{{{SENTINEL}")}),
        ("aws:kms/alias:Alias", {"targetKeyId": "k", "name": Secret(SENTINEL)}),
        (TASK, {"family": "f", "containerDefinitions": Secret(json.dumps([{SENTINEL: 1, "cpu": SENTINEL}]))}),
    ],
)
def test_a_secrets_value_is_never_in_a_failure_message(token: str, news: Props) -> None:
    found = problems(token, news)
    assert found, "each of these is wrong"
    assert SENTINEL not in str(found)


def test_what_moto_says_about_a_secret_is_cleaned() -> None:
    said = f"policy {SENTINEL} is malformed"
    assert scrub(said, {"policy": Secret(SENTINEL)}) == "policy [secret] is malformed"


def test_a_type_without_a_row_fails_naming_the_type_and_the_folder(life: Lifecycle) -> None:
    with pytest.raises(ProviderError, match=r"aws:ec2/instance:Instance: add a Row .* sandbox/providers/aws_types/"):
        life.check("aws:ec2/instance:Instance", "web", {}, {}, SEED)


def test_a_function_that_is_not_listed_fails_naming_it() -> None:
    with pytest.raises(ProviderError, match="aws:ec2/getVpc:getVpc"):
        AWS.invoke("aws:ec2/getVpc:getVpc")


def test_a_provider_without_a_region_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ProviderError, match="set aws:region"):
        aws_cloud({})


def test_a_realised_type_without_an_endpoint_says_what_to_set() -> None:
    offline = Lifecycle(AWS, Cloud(region="us-east-1"))
    with pytest.raises(ProviderError, match="TINYBEANS_SANDBOX_AWS_ENDPOINT"):
        offline.create(GROUP, {"name": "a"}, preview=False)


# -- names, defaults, outputs ------------------------------------------------------------------------------


def test_an_automatic_name_is_stable_across_updates_and_new_for_another_resource(life: Lifecycle) -> None:
    first, _ = life.check(GROUP, "audit", {}, {"retentionInDays": 30}, SEED)
    again, _ = life.check(GROUP, "audit", first, {"retentionInDays": 60}, b"another seed")
    replacement, _ = life.check(GROUP, "audit", {}, {"retentionInDays": 60}, b"another seed")
    assert first["name"] == again["name"]
    assert first["name"].startswith("audit-")
    assert len(first["name"]) == len("audit-") + 7
    assert replacement["name"] != first["name"]


def test_an_automatic_name_follows_the_rules_of_its_kind(life: Lifecycle) -> None:
    alias, _ = life.check("aws:kms/alias:Alias", "audit", {}, {"targetKeyId": "k"}, SEED)
    bucket, _ = life.check(BUCKET, "audit", {}, {}, SEED)
    assert alias["name"].startswith("alias/audit-")
    assert bucket["bucket"].startswith("audit-")


def test_a_preview_of_a_creation_knows_its_inputs_and_nothing_that_is_computed(life: Lifecycle) -> None:
    checked, _ = life.check(GROUP, "audit", {}, {"retentionInDays": 30, "tags": {"a": "b"}}, SEED)
    identifier, outputs = life.create(GROUP, checked, preview=True)
    assert identifier == ""
    assert outputs["arn"] is UNKNOWN
    assert outputs["retentionInDays"] == 30
    assert outputs["tagsAll"] == {"team": "platform", "a": "b"}


def test_a_preview_of_an_update_keeps_what_was_computed(life: Lifecycle) -> None:
    state = {"arn": "arn:x", "name": "g", "retentionInDays": 30, "kmsKeyId": "k"}
    old = {"name": "g", "retentionInDays": 30, "kmsKeyId": "k"}
    outputs = life.update(GROUP, "g", state, old, {"name": "g", "retentionInDays": 60}, preview=True)
    assert outputs["arn"] == "arn:x"
    assert outputs["retentionInDays"] == 60
    assert "kmsKeyId" not in outputs, "an input that was taken away is gone"


@pytest.mark.parametrize(("package", "token"), EVERY_ROW, ids=[token for _, token in EVERY_ROW])
def test_a_row_speaks_of_properties_that_the_sdk_has(package: Package, token: str) -> None:
    row, resource = package.rows[token], package.resource(token)
    assert row.replace_on | row.defaults.keys() | row.write_only | row.permits.keys() <= resource.inputs.keys()
    assert row.outputs.keys() <= resource.outputs.keys()
    assert not unchecked(row, {}), "the models that the row names can be loaded"


@pytest.mark.parametrize(("package", "token"), RECORDED, ids=[token for _, token in RECORDED])
def test_a_recorded_row_fills_in_every_text_that_the_sdk_promises(package: Package, token: str) -> None:
    row, resource = package.rows[token], package.resource(token)
    promised = {name for name, field in resource.outputs.items() if field.required and field.shape.kind == "str"}
    assert promised - resource.inputs.keys() - row.outputs.keys() - {"region"} == set()


# CloudFormation and the provider disagree here, and the provider is what production runs.
PROVIDER_DECIDES = {
    ("AWS::IAM::Role", "path"),
    ("AWS::Events::Rule", "eventBusName"),
    ("AWS::ECS::TaskDefinition", "tags"),
}


@pytest.mark.parametrize("token", [token for token, row in AWS.rows.items() if row.cfn])
def test_what_cloudformation_can_only_replace_is_replaced_here_too(token: str) -> None:
    row, fields = AWS.rows[token], AWS.resource(token).inputs
    create_only = shapes.cfn_names(shapes.cfn_schema(row.cfn), "createOnlyProperties")
    mapped = {name for pointer in create_only for name in fields if shapes.member_of([pointer], name)}
    assert {name for name in mapped - row.replace_on if (row.cfn, name) not in PROVIDER_DECIDES} == set()


# -- secrets and wire values -------------------------------------------------------------------------------


def test_secrets_unknowns_and_numbers_survive_the_wire() -> None:
    props = {"a": Secret({"b": [1, "x"]}), "c": UNKNOWN, "d": 1.5, "e": 30, "f": True, "g": {"h": []}}
    assert decode(encode(props)) == props
    assert isinstance(decode(encode(props))["e"], int), "boto3 refuses 30.0 for an integer"


def test_an_output_value_without_a_value_is_unknown() -> None:
    envelope = struct_pb2.Struct()
    envelope.update({"a": {rpc._special_sig_key: rpc._special_output_value_sig, "dependencies": [], "secret": True}})
    assert decode(envelope)["a"] == Secret(UNKNOWN)


def test_an_output_made_from_a_secret_input_is_secret(life: Lifecycle) -> None:
    _, state = life.create(TOPIC, {"name": Secret(SENTINEL), "displayName": "open"}, preview=False)
    assert isinstance(state["name"], Secret)
    assert isinstance(state["arn"], Secret), "the ARN contains the secret name"
    assert SENTINEL in plain(state["arn"])
    assert state["displayName"] == "open"


def test_what_the_sdk_calls_sensitive_is_secret_even_when_given_in_the_open(life: Lifecycle) -> None:
    secret, _, _ = born(life, "aws:secretsmanager/secret:Secret", {"name": "open"})
    _, state, _ = born(life, VERSION, {"secretId": secret, "secretString": SENTINEL})
    assert state["secretString"] == Secret(SENTINEL)


def test_a_write_only_value_reaches_moto_and_not_the_outputs(life: Lifecycle, cloud: Cloud) -> None:
    secret, _, _ = born(life, "aws:secretsmanager/secret:Secret", {"name": "write-only"})
    _, state, _ = born(
        life, VERSION, {"secretId": secret, "secretStringWo": Secret(SENTINEL), "secretStringWoVersion": 1}
    )
    assert SENTINEL not in str(plain(state))
    assert state["hasSecretStringWo"] is True
    assert cloud.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"] == SENTINEL


def test_a_new_write_only_value_alone_changes_nothing_and_a_new_version_replaces(life: Lifecycle) -> None:
    old = {"secretId": "s", "secretStringWo": Secret("a"), "secretStringWoVersion": 1}
    assert life.diff(VERSION, old, {}, {**old, "secretStringWo": Secret("b")}).changed == ()
    assert life.diff(VERSION, old, {}, {**old, "secretStringWoVersion": 2}).replaces == ("secretStringWoVersion",)


# -- diff, read, and life in moto --------------------------------------------------------------------------


def test_a_rename_replaces_and_a_new_retention_does_not(life: Lifecycle) -> None:
    old = {"name": "a", "retentionInDays": 30}
    assert life.diff(GROUP, old, {}, {"name": "b", "retentionInDays": 30}).replaces == ("name",)
    change = life.diff(GROUP, old, {}, {"name": "a", "retentionInDays": 60})
    assert (change.changed, change.replaces) == (("retentionInDays",), ())


def test_a_replacement_under_a_name_given_by_hand_deletes_first(life: Lifecycle) -> None:
    old = {"name": "a", "logGroupClass": "STANDARD", "__defaults": []}
    news = {"name": "a", "logGroupClass": "INFREQUENT_ACCESS", "__defaults": []}
    assert life.diff(GROUP, old, {}, news).delete_before_replace
    assert not life.diff(GROUP, old, {}, {**news, "__defaults": ["name"]}).delete_before_replace


def test_a_policy_written_in_another_order_is_no_change(life: Lifecycle) -> None:
    old = {"policy": '{"a": 1, "b": 2}'}
    assert life.diff(KEY, old, {}, {"policy": '{"b":2,"a":1}'}).changed == ()


def test_a_value_that_is_not_known_yet_is_a_change(life: Lifecycle) -> None:
    assert life.diff(GROUP, {"kmsKeyId": "k"}, {}, {"kmsKeyId": UNKNOWN}).changed == ("kmsKeyId",)


def test_another_default_tag_reaches_a_resource_whose_inputs_are_the_same(cloud: Cloud) -> None:
    retagged = Lifecycle(AWS, Cloud(region="us-east-1", endpoint=cloud.endpoint, default_tags={"team": "data"}))
    state = {"tagsAll": {"team": "platform"}}
    assert retagged.diff(GROUP, {"name": "a"}, state, {"name": "a"}).changed == ("tagsAll",)


def test_a_read_finds_what_was_changed_behind_the_engine(life: Lifecycle, cloud: Cloud) -> None:
    identifier, state, checked = born(life, GROUP, {"name": "/drift", "retentionInDays": 30, "tags": {"a": "b"}})
    unchanged = life.read(GROUP, identifier, state, checked)
    assert unchanged is not None
    assert unchanged.inputs == checked
    assert unchanged.state == state
    cloud.client("logs").put_retention_policy(logGroupName="/drift", retentionInDays=7)
    drifted = life.read(GROUP, identifier, state, checked)
    assert drifted is not None
    assert drifted.inputs["retentionInDays"] == drifted.state["retentionInDays"] == 7


def test_a_read_of_what_was_deleted_behind_the_engine_says_so(life: Lifecycle, cloud: Cloud) -> None:
    identifier, state, checked = born(life, GROUP, {"name": "/gone"})
    cloud.client("logs").delete_log_group(logGroupName="/gone")
    assert life.read(GROUP, identifier, state, checked) is None
    life.delete(GROUP, identifier, state)


@pytest.mark.parametrize(
    ("token", "news"),
    [
        (GROUP, {"name": "/import", "retentionInDays": 30}),
        (BUCKET, {"bucket": "import-me", "objectLockEnabled": True}),
    ],
)
def test_an_import_knows_no_more_than_the_id_and_finds_the_rest(life: Lifecycle, token: str, news: Props) -> None:
    identifier, _, _ = born(life, token, news)
    found = life.read(token, identifier, {}, {})
    assert found is not None
    assert news.items() <= found.inputs.items()
    assert found.state["arn"].endswith(identifier)


def test_a_recorded_type_cannot_be_imported_because_nothing_is_there(life: Lifecycle) -> None:
    with pytest.raises(ProviderError, match="only recorded"):
        life.read(TOPIC, "arn:x", {}, {})


def test_a_bucket_with_objects_goes_only_when_force_destroy_says_so(life: Lifecycle, cloud: Cloud) -> None:
    identifier, state, _ = born(life, BUCKET, {"bucket": "full"})
    cloud.client("s3").put_object(Bucket="full", Key="k", Body=b"x")
    with pytest.raises(Exception, match="BucketNotEmpty"):
        life.delete(BUCKET, identifier, state)
    life.delete(BUCKET, identifier, {**state, "forceDestroy": True})
    assert life.read(BUCKET, identifier, state, {}) is None


def test_a_bucket_outside_us_east_1_is_made_where_its_region_says(life: Lifecycle, cloud: Cloud) -> None:
    _, state, _ = born(life, BUCKET, {"bucket": "elsewhere", "region": "eu-west-1"})
    assert cloud.client("s3").get_bucket_location(Bucket="elsewhere")["LocationConstraint"] == "eu-west-1"
    assert state["bucketRegionalDomainName"] == "elsewhere.s3.eu-west-1.amazonaws.com"


def test_a_replication_shows_drift_only_in_what_moto_keeps(life: Lifecycle, cloud: Cloud) -> None:
    for name in ("origin-1", "copy-1"):
        born(life, BUCKET, {"bucket": name})
        enabled = {"bucket": name, "versioningConfiguration": {"status": "Enabled"}}
        born(life, "aws:s3/bucketVersioning:BucketVersioning", enabled)
    rule = {
        "id": "all",
        "status": "Enabled",
        "priority": 1,
        "filter": {"prefix": ""},
        "deleteMarkerReplication": {"status": "Enabled"},
        "sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": "Enabled"}},
        "destination": {
            "bucket": "arn:aws:s3:::copy-1",
            "encryptionConfiguration": {"replicaKmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/k"},
        },
    }
    news = {"bucket": "origin-1", "role": "arn:aws:iam::123456789012:role/copier", "rules": [rule]}
    identifier, state, checked = born(life, REPLICATION, news)
    settled = life.read(REPLICATION, identifier, state, checked)
    assert settled is not None
    assert settled.inputs == checked
    client = cloud.client("s3")
    found = client.get_bucket_replication(Bucket="origin-1")["ReplicationConfiguration"]
    found["Rules"][0]["Status"] = "Disabled"
    client.put_bucket_replication(Bucket="origin-1", ReplicationConfiguration=found)
    drifted = life.read(REPLICATION, identifier, state, checked)
    assert drifted is not None
    assert drifted.inputs["rules"][0]["status"] == "Disabled"


def test_a_role_keeps_its_arn_when_its_trust_changes(life: Lifecycle) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    identifier, state, checked = born(life, ROLE, {"name": "reader", "assumeRolePolicy": json.dumps(trust)})
    changed = {**checked, "assumeRolePolicy": json.dumps({**trust, "Id": "x"})}
    after = life.update(ROLE, identifier, state, checked, changed, preview=False)
    assert after["arn"] == state["arn"]
    found = life.read(ROLE, identifier, after, changed)
    assert found is not None
    assert found.inputs == changed


# -- what the sandbox says about itself --------------------------------------------------------------------


def test_the_ledger_tells_realised_from_recorded() -> None:
    resources = [
        {"type": GROUP, "custom": True},
        {"type": GROUP, "custom": True},
        {"type": TOPIC, "custom": True},
        {"type": "tinybeans:logging:LogStore", "custom": False},
        {"type": "pulumi:providers:aws", "custom": True},
    ]
    ledger = of_deployment({"resources": resources})
    assert (ledger.realised, ledger.recorded) == ({GROUP: 2}, {TOPIC: 1})


def test_what_is_not_checked_can_be_listed() -> None:
    free = not_checked("aws")
    assert free[GROUP] == []
    assert "notifications" in free["aws:budgets/budget:Budget"]


def test_a_nested_block_is_checked_without_importing_the_sdk() -> None:
    script = (
        "import sys\n"
        "from sandbox.providers.datadog_types import DATADOG\n"
        "from sandbox.providers.inputs import check_inputs\n"
        "wrong = {'name': 'p', 'filters': [{'qery': 'x'}]}\n"
        "print(check_inputs(DATADOG.sdk, 'datadog:index/logsCustomPipeline:LogsCustomPipeline', wrong)[0].path)\n"
        "print([name for name in sys.modules if name in ('pulumi_datadog', 'pulumi_aws', 'boto3')])\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n")[:2] == ["filters[0].qery", "[]"]


def test_a_split_s3_resource_is_not_confused_with_the_block_of_the_same_name() -> None:
    versioning = sdk.resource("pulumi_aws", "aws:s3/bucketVersioning:BucketVersioning")
    assert versioning.inputs["bucket"].required
    assert inputs.check_inputs("pulumi_aws", "aws:s3/bucketVersioning:BucketVersioning", {"enabled": True})[
        0
    ] == Problem("enabled", inputs._unknown("enabled", versioning.inputs))


def test_a_plugin_directory_starts_the_provider_from_anywhere(tmp_path: Path) -> None:
    launcher = write_plugin(tmp_path / "a plugin", Path(sys.executable), "aws") / "pulumi-resource-aws"
    process = subprocess.Popen([launcher], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdigit(), "the engine reads the port from the first line"
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert process.returncode == 0


def test_a_package_the_sandbox_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match="known: aws, datadog"):
        write_plugin(tmp_path, Path(sys.executable), "azure")


def test_a_volatile_output_is_unknown_in_the_preview_of_an_update(life: Lifecycle) -> None:
    row = replace(AWS.rows[GROUP], volatile=frozenset({"arn"}))
    shaky: Any = Lifecycle(replace(AWS, rows={GROUP: row}), life.cloud)
    outputs = shaky.update(GROUP, "g", {"arn": "arn:x", "name": "g"}, {"name": "g"}, {"name": "g"}, preview=True)
    assert has_unknown(outputs["arn"])


def test_an_object_is_stored_as_declared_found_again_and_deleted_with_all_its_versions(life: Lifecycle) -> None:
    bucket = born(life, BUCKET, {"bucket": "objects-1"})[0]
    versioning = {"bucket": bucket, "versioningConfiguration": {"status": "Enabled"}}
    born(life, "aws:s3/bucketVersioning:BucketVersioning", versioning)
    token = "aws:s3/bucketObjectv2:BucketObjectv2"
    news: Props = {"bucket": bucket, "key": "a/b.yaml", "content": "one: é"}
    news |= {"contentType": "application/yaml", "checksumAlgorithm": "SHA256", "tags": {"a": "b"}}
    identifier, state, checked = born(life, token, news)
    client = life.cloud.client("s3")
    found = client.get_object(Bucket=bucket, Key="a/b.yaml")
    assert (identifier, found["Body"].read().decode(), found["ContentType"]) == (
        f"{bucket}/a/b.yaml",
        "one: é",
        "application/yaml",
    )
    assert client.get_object_tagging(Bucket=bucket, Key="a/b.yaml")["TagSet"]
    back = life.read(token, identifier, state, checked)
    assert back is not None
    assert plain(back.inputs) == plain(checked)
    life.update(token, identifier, state, checked, {**checked, "content": "two"}, preview=False)
    client.put_object(Bucket=bucket, Key="a/b.yaml.other", Body=b"")
    life.delete(token, identifier, state)
    versions = client.list_object_versions(Bucket=bucket)["Versions"]
    assert [item["Key"] for item in versions] == ["a/b.yaml.other"]
    assert life.read(token, identifier, state, checked) is None
