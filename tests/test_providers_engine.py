"""The sandbox's providers in the real Pulumi engine, with moto behind them."""

import json
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pulumi
import pulumi_aws as aws
import pytest
import yaml
from moto.server import ThreadedMotoServer
from pulumi import automation as auto

from sandbox.providers import write_plugin
from sandbox.providers.cloud import ENDPOINT_VARIABLE
from sandbox.providers.ledger import of_deployment
from sandbox.tools.locate import locate

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(180),
    # The SDK's own modules warn at import about deprecated names that they still carry.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:pulumi_aws.*"),
]

REGION = "us-east-1"
SENTINEL = "sentinel-2b9d-write-only"
Program = Callable[[], None]
StackOf = Callable[[Program], auto.Stack]


@pytest.fixture(scope="module", name="moto")
def _moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(name="endpoint")
def _endpoint(moto: str) -> str:
    """An empty AWS."""
    request = urllib.request.Request(f"{moto}/moto-api/reset", method="POST")  # noqa: S310 - our own http server
    with urllib.request.urlopen(request):  # noqa: S310
        return moto


@pytest.fixture(scope="module", name="plugins")
def _plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_plugin(tmp_path_factory.mktemp("plugins"), Path(sys.executable), "aws")


@pytest.fixture(name="stack_of")
def _stack_of(tmp_path: Path, plugins: Path, endpoint: str) -> StackOf:
    """A stack of the program in a directory of its own; called again, the same stack with another program."""
    for name in ("project", "state", "home"):
        (tmp_path / name).mkdir()
    definition = {
        "name": "sandbox",
        "runtime": "python",
        "plugins": {"providers": [{"name": "aws", "path": str(plugins)}]},
    }
    (tmp_path / "project" / "Pulumi.yaml").write_text(yaml.safe_dump(definition))
    environment = {
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "made up",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_DISABLE_REGISTRY_RESOLVE": "true",
        "PULUMI_CREDENTIAL_STORE": "plaintext",
        ENDPOINT_VARIABLE: endpoint,
    }
    settings = f"config:\n  aws:region: {REGION}\n  aws:defaultTags: {{tags: {{team: platform}}}}\n"
    engine = auto.PulumiCommand(root=str(locate("pulumi", obtain=False).parent.parent))

    def stack_of(program: Program) -> auto.Stack:
        if not (tmp_path / "project" / "Pulumi.test.yaml").exists():
            (tmp_path / "project" / "Pulumi.test.yaml").write_text(settings)
        return auto.create_or_select_stack(
            "test",
            project_name="sandbox",
            program=program,
            opts=auto.LocalWorkspaceOptions(
                work_dir=str(tmp_path / "project"), env_vars=environment, pulumi_command=engine
            ),
        )

    return stack_of


@pytest.fixture(name="cloud")
def _cloud(endpoint: str) -> Callable[[str], Any]:
    session: Any = boto3  # the stubs know a client by its literal name only

    def client(service: str) -> Any:
        return session.client(
            service,
            region_name=REGION,
            endpoint_url=endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    return client


def group(name: str, days: int, **more: Any) -> Program:
    def program() -> None:
        made = aws.cloudwatch.LogGroup("audit", name=name, retention_in_days=days, **more)
        pulumi.export("arn", made.arn)

    return program


def statement(**parts: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **parts}]})


def one_of_each_store() -> None:
    """What every data class of the real program consists of, in small."""
    key = aws.kms.Key("audit", enable_key_rotation=True, deletion_window_in_days=7)
    aws.kms.Alias("audit", target_key_id=key.key_id)
    aws.kms.KeyPolicy(
        "audit",
        key_id=key.key_id,
        policy=key.arn.apply(lambda arn: statement(Principal={"AWS": "*"}, Action="kms:*", Resource=arn)),
    )
    logs = aws.cloudwatch.LogGroup("audit", kms_key_id=key.arn, retention_in_days=400)
    aws.cloudwatch.LogStream("audit", log_group_name=logs.name, name="collector")
    aws.cloudwatch.QueryDefinition("audit", log_group_names=[logs.name], query_string="fields @message")
    bucket = aws.s3.Bucket("audit", object_lock_enabled=True)
    aws.s3.BucketVersioning("audit", bucket=bucket.id, versioning_configuration={"status": "Enabled"})
    aws.s3.BucketPublicAccessBlock("audit", bucket=bucket.id, block_public_acls=True, block_public_policy=True)
    aws.s3.BucketOwnershipControls("audit", bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"})
    aws.s3.BucketServerSideEncryptionConfiguration(
        "audit",
        bucket=bucket.id,
        rules=[
            {
                "apply_server_side_encryption_by_default": {
                    "sse_algorithm": "aws:kms",
                    "kms_master_key_id": key.arn,
                },
                "bucket_key_enabled": True,
            }
        ],
    )
    aws.s3.BucketLifecycleConfiguration(
        "audit",
        bucket=bucket.id,
        rules=[
            {
                "id": "tiers",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "transitions": [
                    {"days": 30, "storage_class": "STANDARD_IA"},
                    {"days": 90, "storage_class": "GLACIER_IR"},
                ],
                "expiration": {"days": 400},
            }
        ],
    )
    aws.s3.BucketObjectLockConfiguration(
        "audit", bucket=bucket.id, rule={"default_retention": {"mode": "GOVERNANCE", "days": 30}}
    )
    aws.s3.BucketPolicy(
        "audit",
        bucket=bucket.id,
        policy=bucket.arn.apply(lambda arn: statement(Principal="*", Action="s3:GetObject", Resource=f"{arn}/*")),
    )
    aws.s3.BucketLogging("audit", bucket=bucket.id, target_bucket=bucket.id, target_prefix="access/")
    aws.s3.Inventory(
        "audit",
        bucket=bucket.id,
        included_object_versions="All",
        schedule={"frequency": "Daily"},
        destination={"bucket": {"bucket_arn": bucket.arn, "format": "CSV"}},
    )
    secret = aws.secretsmanager.Secret("audit", kms_key_id=key.arn, recovery_window_in_days=7)
    aws.secretsmanager.SecretVersion(
        "audit", secret_id=secret.id, secret_string_wo=SENTINEL, secret_string_wo_version=1
    )
    aws.secretsmanager.SecretPolicy(
        "audit",
        secret_arn=secret.arn,
        policy=statement(Principal="*", Action="secretsmanager:GetSecretValue", Resource="*"),
    )
    role = aws.iam.Role(
        "audit",
        assume_role_policy=statement(Principal={"Service": "ecs-tasks.amazonaws.com"}, Action="sts:AssumeRole"),
    )
    aws.iam.RolePolicy(
        "audit",
        role=role.name,
        policy=logs.arn.apply(lambda arn: statement(Action="logs:PutLogEvents", Resource=f"{arn}:*")),
    )
    policy = aws.iam.Policy("audit", policy=key.arn.apply(lambda arn: statement(Action="kms:Decrypt", Resource=arn)))
    aws.iam.RolePolicyAttachment("audit", role=role.name, policy_arn=policy.arn)
    cluster = aws.ecs.Cluster("audit", settings=[{"name": "containerInsights", "value": "enhanced"}])
    task = aws.ecs.TaskDefinition(
        "audit",
        family="collector",
        cpu="256",
        memory="512",
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        task_role_arn=role.arn,
        container_definitions=secret.arn.apply(
            lambda arn: json.dumps([{"name": "c", "image": "otel:1", "secrets": [{"name": "KEY", "valueFrom": arn}]}])
        ),
    )
    aws.ecs.Service(
        "audit",
        cluster=cluster.arn,
        task_definition=task.arn,
        desired_count=2,
        launch_type="FARGATE",
        network_configuration={"subnets": ["subnet-0a1b2c3d"], "security_groups": ["sg-0a1b2c3d"]},
    )
    balancer = aws.lb.LoadBalancer("audit", load_balancer_type="network", internal=True, subnets=["subnet-0a1b2c3d"])
    targets = aws.lb.TargetGroup("audit", port=4318, protocol="TCP", target_type="ip", vpc_id="vpc-1")
    aws.lb.Listener(
        "audit",
        load_balancer_arn=balancer.arn,
        port=4318,
        protocol="TCP",
        default_actions=[{"type": "forward", "target_group_arn": targets.arn}],
    )


def _documents(deployment: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    names = ("policy", "policyDocument", "assumeRolePolicy", "containerDefinitions")
    for resource in deployment["resources"]:
        for name in names:
            text = resource.get("outputs", {}).get(name)
            if isinstance(text, str) and text:
                yield f"{resource['urn']}.{name}", json.loads(text)


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_null, value.values()))
    if isinstance(value, list):
        return any(map(_has_null, value))
    return value is None


def _exported(stack: auto.Stack) -> dict[str, Any]:
    return dict(stack.export_stack().deployment or {})


def test_a_store_comes_up_settles_has_no_drift_and_leaves_moto_empty(
    stack_of: StackOf, cloud: Callable[[str], Any], tmp_path: Path
) -> None:
    stack = stack_of(one_of_each_store)
    created = {str(kind): count for kind, count in (stack.up().summary.resource_changes or {}).items()}
    assert created.keys() == {"create"}
    all_the_same = {"same": created["create"]}

    deployment = _exported(stack)
    documents = dict(_documents(deployment))
    assert len(documents) >= 7
    assert [where for where, document in documents.items() if _has_null(document)] == []
    # The export shows secrets: an output must not hold the write-only value even there, the state not in plaintext.
    assert SENTINEL not in json.dumps([resource.get("outputs") for resource in deployment["resources"]])
    files = [path.read_text() for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert any("SecretVersion" in text for text in files)
    assert not any(SENTINEL in text for text in files), "a write-only value is in the state in plaintext"
    ledger = of_deployment(deployment)
    assert "aws:lb/loadBalancer:LoadBalancer" in ledger.recorded
    assert ledger.realised["aws:ecs/service:Service"] == 1

    secrets = cloud("secretsmanager")
    assert secrets.get_secret_value(SecretId=secrets.list_secrets()["SecretList"][0]["ARN"])["SecretString"] == SENTINEL

    assert stack.up(expect_no_changes=True).summary.resource_changes == all_the_same
    assert stack.refresh(expect_no_changes=True).summary.resource_changes == all_the_same

    stack.destroy()
    assert cloud("logs").describe_log_groups()["logGroups"] == []
    assert cloud("s3").list_buckets()["Buckets"] == []
    assert secrets.list_secrets()["SecretList"] == []
    assert cloud("iam").list_roles()["Roles"] == []
    ecs = cloud("ecs")
    clusters = ecs.describe_clusters(clusters=ecs.list_clusters()["clusterArns"])["clusters"]
    assert {cluster["status"] for cluster in clusters} <= {"INACTIVE"}  # as AWS, moto remembers them for a while
    assert ecs.list_task_definitions()["taskDefinitionArns"] == []
    assert all(
        cloud("kms").describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
        for key in cloud("kms").list_keys()["Keys"]
    )


def test_an_update_keeps_its_arn_and_a_rename_replaces(stack_of: StackOf, cloud: Callable[[str], Any]) -> None:
    first = stack_of(group("/one", 30)).up()
    updated = stack_of(group("/one", 60)).up()
    assert updated.summary.resource_changes == {"same": 1, "update": 1}
    assert updated.outputs["arn"].value == first.outputs["arn"].value
    assert updated.outputs["arn"].value.endswith(":log-group:/one")

    renamed = stack_of(group("/two", 60)).up()
    assert renamed.summary.resource_changes == {"same": 1, "replace": 1}
    assert renamed.outputs["arn"].value.endswith(":log-group:/two")
    names = [found["logGroupName"] for found in cloud("logs").describe_log_groups()["logGroups"]]
    assert names == ["/two"]


def test_a_preview_knows_computed_outputs_except_of_what_it_creates_or_replaces(stack_of: StackOf) -> None:
    seen: list[str] = []

    def program(name: str, days: int) -> Program:
        def run() -> None:
            made = aws.cloudwatch.LogGroup("audit", name=name, retention_in_days=days)
            made.arn.apply(seen.append)

        return run

    stack_of(program("/p-one", 30)).preview()
    assert seen == [], "an ARN was known before the group existed"
    stack_of(program("/p-one", 30)).up()
    seen.clear()
    stack_of(program("/p-one", 60)).preview()
    assert [arn.rsplit(":", 1)[1] for arn in seen] == ["/p-one"], "an update's preview lost the ARN"
    seen.clear()
    stack_of(program("/p-two", 60)).preview()
    assert seen == [], "a replacement's preview showed the old ARN"


def test_a_refresh_finds_a_retention_that_was_changed_by_hand_and_up_puts_it_back(
    stack_of: StackOf, cloud: Callable[[str], Any]
) -> None:
    stack = stack_of(group("/drift", 30))
    stack.up()
    cloud("logs").put_retention_policy(logGroupName="/drift", retentionInDays=7)
    assert stack.refresh().summary.resource_changes == {"same": 1, "update": 1}
    assert stack.up().summary.resource_changes == {"same": 1, "update": 1}
    found = cloud("logs").describe_log_groups(logGroupNamePrefix="/drift")["logGroups"][0]
    assert found["retentionInDays"] == 30


def test_an_existing_log_group_is_adopted_by_import_and_read(stack_of: StackOf, cloud: Callable[[str], Any]) -> None:
    cloud("logs").create_log_group(logGroupName="/old", tags={"team": "platform"})
    cloud("logs").put_retention_policy(logGroupName="/old", retentionInDays=90)

    def program() -> None:
        aws.cloudwatch.LogGroup("old", name="/old", retention_in_days=90, opts=pulumi.ResourceOptions(import_="/old"))
        seen = aws.cloudwatch.LogGroup.get("seen", "/old")
        pulumi.export("days", seen.retention_in_days)

    adopted = stack_of(program).up()
    assert adopted.summary.resource_changes == {"create": 1, "import": 1}
    assert adopted.outputs["days"].value == 90


def test_a_wrong_input_stops_the_preview_and_names_its_path(stack_of: StackOf) -> None:
    def program() -> None:
        rule: Any = {"apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "key": "k"}}
        aws.s3.BucketServerSideEncryptionConfiguration("audit", bucket="b-1", rules=[rule])

    with pytest.raises(auto.CommandError) as refused:
        stack_of(program).preview()
    said = str(refused.value)
    assert "rules[0].applyServerSideEncryptionByDefault.key: is not a property here" in said


def test_an_unlisted_function_and_an_unknown_type_stop_the_preview(stack_of: StackOf) -> None:
    def looks_up() -> None:
        aws.ec2.get_vpc(default=True)

    def unknown() -> None:
        aws.dynamodb.Table("t", attributes=[{"name": "a", "type": "S"}], hash_key="a")

    with pytest.raises(auto.CommandError, match="does not know the function aws:ec2/getVpc:getVpc"):
        stack_of(looks_up).preview()
    with pytest.raises(auto.CommandError, match="does not know the resource type aws:dynamodb/table:Table"):
        stack_of(unknown).preview()


def test_default_tags_reach_a_group_and_who_asks_is_told_the_account(
    stack_of: StackOf, cloud: Callable[[str], Any]
) -> None:
    def program() -> None:
        provider = aws.Provider("other", region="eu-west-1", default_tags={"tags": {"team": "data"}})
        aws.cloudwatch.LogGroup("here", name="/here", tags={"class": "audit"})
        there = aws.cloudwatch.LogGroup("there", name="/there", opts=pulumi.ResourceOptions(provider=provider))
        pulumi.export("tags", there.tags_all)
        pulumi.export("arn", there.arn)
        pulumi.export("account", aws.get_caller_identity_output().account_id)

    outputs = stack_of(program).up().outputs
    arn = f"arn:aws:logs:{REGION}:123456789012:log-group:/here"
    assert cloud("logs").list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "platform", "class": "audit"}
    assert outputs["tags"].value == {"team": "data"}
    assert outputs["arn"].value == "arn:aws:logs:eu-west-1:123456789012:log-group:/there"
    assert outputs["account"].value == "123456789012"
