"""What the collector's roles may do, who may take them, and who may use the keys of its queues and its own log.

What AWS would decide is evaluated on the documents; that it accepts them is not proven here.
"""

import json
from typing import Any

import pytest

from infra.documents.collector_policy import execution_policy, task_policy
from infra.documents.ecr import ecr_repository
from infra.documents.ecs_volume import infrastructure_policy
from tests.collector_stack import collector
from tests.engine import Registered
from tests.factories import STACKS, context
from tests.policy_evaluator import Decision, Request, decide, listed

ROLE, POLICY, KEY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy", "aws:kms/key:Key"
GROUP = "aws:cloudwatch/logGroup:LogGroup"
ACCOUNT = "123456789012"
LOGS = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/tinybeans/prod"
AUDIT = f"arn:aws:s3:::tinybeans-prod-logs-audit-{ACCOUNT}-us-east-1"
OWN_LOG = f"{LOGS}/collector"
EXECUTION_ARN = f"arn:aws:iam:us-east-1:{ACCOUNT}:collector-execution-role"
INFRASTRUCTURE_ARN = f"arn:aws:iam:us-east-1:{ACCOUNT}:collector-infrastructure-role"
DEPLOYER = f"arn:aws:iam::{ACCOUNT}:role/tinybeans-logging-deploy"


def granted(part: str, stack: str = "prod") -> Any:
    return collector(stack).one(POLICY, f"collector-{part}-policy").document("policy")


def may(part: str, action: str, resource: str, **keys: str) -> bool:
    named = {name.replace("__", ":"): value for name, value in keys.items()}
    return decide(Request("anybody", action, resource, named), granted(part)) is Decision.ALLOWED


def actions(document: Any) -> set[str]:
    return {action for statement in document["Statement"] for action in listed(statement["Action"])}


@pytest.mark.parametrize("part", ["task", "execution", "infrastructure"])
@pytest.mark.parametrize("stack", STACKS)
def test_every_grant_names_exact_actions_and_says_what_it_is_for(part: str, stack: str) -> None:
    document = granted(part, stack)
    sids = [statement["Sid"] for statement in document["Statement"]]
    assert len(set(sids)) == len(sids)
    assert not [action for action in actions(document) if "*" in action]
    assert "null" not in json.dumps(document)


def test_the_collector_may_do_six_things() -> None:
    assert actions(granted("task")) == {
        "cloudwatch:PutMetricData",
        "logs:PutLogEvents",
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:PutObject",
        "kms:Decrypt",
        "kms:GenerateDataKey",
    }


@pytest.mark.parametrize("cls", ["audit", "security", "application", "access", "client"])
def test_the_collector_writes_to_the_one_stream_of_each_class(cls: str) -> None:
    assert may("task", "logs:PutLogEvents", f"{LOGS}/{cls}:log-stream:collector")
    assert not may("task", "logs:PutLogEvents", f"{LOGS}/{cls}:log-stream:other")


@pytest.mark.parametrize(("cls", "allowed"), [("security", True), ("audit", False), ("application", False)])
def test_only_the_quarantine_class_has_a_stream_for_withheld_records(cls: str, *, allowed: bool) -> None:
    assert may("task", "logs:PutLogEvents", f"{LOGS}/{cls}:log-stream:quarantine") is allowed


def test_the_collector_can_write_into_no_group_but_the_classes_own() -> None:
    for group in ("collector", "other"):
        assert not may("task", "logs:PutLogEvents", f"{LOGS}/{group}:log-stream:collector")


def test_the_collector_can_create_neither_a_group_nor_a_stream() -> None:
    assert not [action for action in actions(granted("task")) if "Create" in action]


def test_the_collector_adds_to_archives_under_its_prefix_and_reads_nothing_back() -> None:
    assert may("task", "s3:PutObject", f"{AUDIT}/otlp/year=2026/x.json.gz")
    assert not may("task", "s3:PutObject", f"{AUDIT}/export/x")
    assert not may("task", "s3:PutObject", "arn:aws:s3:::somebody-elses/otlp/x")
    assert not may("task", "s3:GetObject", f"{AUDIT}/otlp/x")
    assert not may("task", "s3:DeleteObject", f"{AUDIT}/otlp/x")


def test_the_collector_uses_class_keys_through_s3_only() -> None:
    key = context().arn("kms", "key/audit")
    assert may("task", "kms:GenerateDataKey", key, kms__ViaService="s3.us-east-1.amazonaws.com")
    assert not may("task", "kms:GenerateDataKey", key)
    assert not may("task", "kms:GenerateDataKey", key, kms__ViaService="secretsmanager.us-east-1.amazonaws.com")


def test_a_grant_on_nothing_is_left_out() -> None:
    found = task_policy(streams=[], archives={}, keys=[], s3_service="s3")["Statement"]
    assert [statement["Sid"] for statement in found] == ["PutMetrics"]


def test_what_starts_the_collector_writes_its_log_and_cannot_create_a_group() -> None:
    stream = f"{OWN_LOG}:log-stream:collector/collector/0a1b"
    assert may("execution", "logs:CreateLogStream", stream)
    assert may("execution", "logs:PutLogEvents", stream)
    assert not may("execution", "logs:PutLogEvents", f"{LOGS}/audit:log-stream:collector")
    assert actions(granted("execution")) == {"logs:CreateLogStream", "logs:PutLogEvents"}


def test_an_image_from_ecr_is_pulled_from_its_one_repository() -> None:
    repository = ecr_repository("210987654321.dkr.ecr.eu-west-1.amazonaws.com/mirror/otel")
    document = execution_policy(log_group_arn=OWN_LOG, partition="aws", repository=repository)
    arn = "arn:aws:ecr:eu-west-1:210987654321:repository/mirror/otel"
    pulls = {"ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}
    assert {action for action in actions(document) if action.startswith("ecr:")} == pulls | {
        "ecr:GetAuthorizationToken"
    }
    for action in pulls:
        assert decide(Request("agent", action, arn), document) is Decision.ALLOWED
        assert decide(Request("agent", action, arn + "2"), document) is Decision.SILENT


@pytest.mark.parametrize(
    "repository",
    [
        "otel/opentelemetry-collector-contrib",
        "public.ecr.aws/x/y",
        "evil.com/123456789012.dkr.ecr.us-east-1.amazonaws.com/x",
    ],
)
def test_only_an_ecr_registry_is_taken_for_one(repository: str) -> None:
    assert ecr_repository(repository) is None


@pytest.mark.parametrize("part", ["task", "execution", "infrastructure"])
def test_the_roles_have_names_that_others_can_rely_on(part: str) -> None:
    assert collector().one(ROLE, f"collector-{part}-role")["name"] == f"tinybeans-prod-collector-{part}"


@pytest.mark.parametrize("part", ["task", "execution"])
def test_only_ecs_tasks_of_this_account_and_region_take_the_roles(part: str) -> None:
    trust = collector().one(ROLE, f"collector-{part}-role").document("assumeRolePolicy")
    here = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/c/1"}

    def takes(who: str, **other: str) -> bool:
        keys = {**here, **{name.replace("__", ":"): value for name, value in other.items()}}
        return decide(Request(who, "sts:AssumeRole", "role", keys), trust) is Decision.ALLOWED

    assert takes("ecs-tasks.amazonaws.com")
    assert not takes("ecs.amazonaws.com")
    assert not takes("ecs-tasks.amazonaws.com", aws__SourceAccount="999999999999")
    assert not takes("ecs-tasks.amazonaws.com", aws__SourceArn="arn:aws:ecs:us-east-1:999999999999:task/c/1")
    assert not takes("ecs-tasks.amazonaws.com", aws__SourceArn=f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task/c/1")
    assert decide(Request("ecs-tasks.amazonaws.com", "sts:AssumeRole", "role"), trust) is Decision.SILENT


def test_ecs_takes_the_infrastructure_role_for_no_other_account() -> None:
    trust = collector().one(ROLE, "collector-infrastructure-role").document("assumeRolePolicy")

    def takes(**keys: str) -> bool:
        named = {name.replace("__", ":"): value for name, value in keys.items()}
        return decide(Request("ecs.amazonaws.com", "sts:AssumeRole", "role", named), trust) is Decision.ALLOWED

    assert takes()
    assert takes(aws__SourceAccount=ACCOUNT)
    assert not takes(aws__SourceAccount="999999999999")


def test_ecs_manages_volumes_that_it_made_for_this_clusters_tasks_and_no_other() -> None:
    volume = f"arn:aws:ec2:us-east-1:{ACCOUNT}:volume/vol-1"
    ours = f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/tinybeans-prod-collector/1"
    others = f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/other/1"
    document = granted("infrastructure")
    for action, kind in (
        ("ec2:CreateVolume", "Request"),
        ("ec2:DeleteVolume", "Resource"),
        ("ec2:AttachVolume", "Resource"),
    ):
        for made_for, managed, expected in (
            (ours, "true", Decision.ALLOWED),
            (others, "true", Decision.SILENT),
            (ours, "false", Decision.SILENT),
        ):
            tags = {f"aws:{kind}Tag/AmazonECSCreated": made_for, f"aws:{kind}Tag/AmazonECSManaged": managed}
            assert decide(Request("ecs", action, volume, tags), document) is expected, (action, made_for, managed)


def test_ecs_tags_a_volume_only_while_it_creates_it() -> None:
    volume = f"arn:aws:ec2:us-east-1:{ACCOUNT}:volume/vol-1"
    tags = {
        "aws:RequestTag/AmazonECSCreated": f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/tinybeans-prod-collector/1",
        "aws:RequestTag/AmazonECSManaged": "true",
    }
    document = granted("infrastructure")
    assert decide(Request("ecs", "ec2:CreateTags", volume, tags), document) is Decision.SILENT
    creating = {**tags, "ec2:CreateAction": "CreateVolume"}
    assert decide(Request("ecs", "ec2:CreateTags", volume, creating), document) is Decision.ALLOWED


def test_the_infrastructure_role_names_the_cluster_that_there_is() -> None:
    cluster = collector().one("aws:ecs/cluster:Cluster")["name"]
    assert granted("infrastructure") == infrastructure_policy(
        partition="aws", region="us-east-1", account_id=ACCOUNT, cluster=cluster
    )


def key(name: str) -> Registered:
    return collector().one(KEY, f"collector-{name}-key")


def test_the_queue_key_is_for_new_volumes_by_way_of_ec2() -> None:
    uses = {
        statement["Sid"]: statement
        for statement in key("queues").document("policy")["Statement"]
        if INFRASTRUCTURE_ARN in listed(statement["Principal"].get("AWS", []))
    }
    through = {
        "StringEquals": {"kms:CallerAccount": ACCOUNT, "kms:ViaService": "ec2.us-east-1.amazonaws.com"},
        "ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": "aws:ebs:id"},
    }
    assert {sid: (statement["Action"], statement.get("Condition")) for sid, statement in uses.items()} == {
        "EcsSeesKey": ("kms:DescribeKey", None),
        "EcsEncryptsVolumes": (["kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"], through),
        "EcsLetsEc2UseKey": ("kms:CreateGrant", {**through, "Bool": {"kms:GrantIsForAWSResource": "true"}}),
    }


def test_nobody_but_ecs_uses_the_queue_key() -> None:
    uses = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant")
    others = [
        statement["Sid"]
        for statement in key("queues").document("policy")["Statement"]
        if statement["Effect"] == "Allow"
        and INFRASTRUCTURE_ARN not in listed(statement["Principal"]["AWS"])
        and any(use in listed(statement["Action"]) for use in uses)
    ]
    assert others == []


@pytest.mark.parametrize("name", ["queues", "log"])
@pytest.mark.parametrize("stack", STACKS)
def test_the_collectors_keys_rotate_as_the_policy_says_and_are_kept(name: str, stack: str) -> None:
    found = collector(stack).one(KEY, f"collector-{name}-key")
    wanted = context(stack).policy.data_classes.service_keys
    assert found["enableKeyRotation"] is True
    assert found["rotationPeriodInDays"] == wanted.rotation_days
    assert found["deletionWindowInDays"] == wanted.deletion_window_days
    assert found.protect is context(stack).protect


def test_the_own_log_has_its_own_key_that_encrypts_no_other_group() -> None:
    document = key("log").document("policy")

    def uses(group: str, who: str, **other: str) -> Decision:
        keys = {"kms:EncryptionContext:aws:logs:arn": group, **other}
        return decide(Request(who, "kms:GenerateDataKey", "*", keys), document)

    service = "logs.us-east-1.amazonaws.com"
    assert uses(OWN_LOG, service) is Decision.ALLOWED
    assert uses(f"{LOGS}/audit", service) is Decision.SILENT
    for who in (EXECUTION_ARN, DEPLOYER):
        assert uses(OWN_LOG, who, **{"kms:ViaService": service}) is Decision.ALLOWED
        assert uses(f"{LOGS}/audit", who, **{"kms:ViaService": service}) is Decision.SILENT
    assert uses(OWN_LOG, EXECUTION_ARN) is Decision.SILENT
    assert uses(OWN_LOG, DEPLOYER) is Decision.DENIED


@pytest.mark.parametrize("stack", STACKS)
def test_the_own_log_is_encrypted_kept_as_set_and_protected(stack: str) -> None:
    group = collector(stack).one(GROUP)
    assert group["name"] == f"/tinybeans/{stack}/collector"
    assert group["kmsKeyId"] == f"arn:aws:kms:us-east-1:{ACCOUNT}:collector-log-key"
    assert group["retentionInDays"] == context(stack).settings.collector.log_retention_days
    assert group["deletionProtectionEnabled"] is context(stack).protect
    assert group.protect is context(stack).protect
    assert group.delete_before_replace
