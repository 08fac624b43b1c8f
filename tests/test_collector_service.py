"""How the collectors run: their number, their volumes, and what happens when they are replaced."""

from typing import Any

import pulumi_aws as aws
import pytest

from infra.components.access_logs import AccessLogs
from infra.components.collector import Collector
from infra.components.collector_roles import CollectorRoles
from tests.collector_stack import CONFIG, LARGE_CONFIG, build, collector, varied
from tests.engine import Registered, deploy
from tests.factories import ROOT, STACKS, context, in_stack

SERVICE, CLUSTER, SCALABLE = "aws:ecs/service:Service", "aws:ecs/cluster:Cluster", "aws:appautoscaling/target:Target"
SCALING = "aws:appautoscaling/policy:Policy"
BUCKET, OBJECT = "aws:s3/bucket:Bucket", "aws:s3/bucketObjectv2:BucketObjectv2"


def service(stack: str = "prod") -> Registered:
    return collector(stack).one(SERVICE)


def volume(stack: str = "prod") -> Any:
    configuration = service(stack)["volumeConfiguration"]
    assert configuration["name"] == collector(stack).one("aws:ecs/taskDefinition:TaskDefinition")["volumes"][0]["name"]
    return configuration["managedEbsVolume"]


@pytest.mark.parametrize("stack", STACKS)
def test_the_cluster_has_container_insights(stack: str) -> None:
    assert collector(stack).one(CLUSTER)["settings"] == [{"name": "containerInsights", "value": "enabled"}]


def test_collectors_run_on_the_newest_fargate_platform_without_public_addresses() -> None:
    assert service()["launchType"] == "FARGATE"
    assert service()["platformVersion"] == "LATEST"
    network = service()["networkConfiguration"]
    assert network["assignPublicIp"] is False
    assert network["subnets"] == list(context().settings.network.subnet_ids)
    assert network["securityGroups"] == ["collector-tasks-group-id"]


def test_a_deployment_that_fails_is_rolled_back() -> None:
    assert service()["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}


def test_a_deployment_never_runs_fewer_collectors_and_spreads_them_over_zones() -> None:
    assert service()["deploymentMinimumHealthyPercent"] == 100
    assert service()["deploymentMaximumPercent"] == 200
    assert service()["availabilityZoneRebalancing"] == "ENABLED"


def test_nobody_can_open_a_shell_in_a_collector() -> None:
    assert service()["enableExecuteCommand"] is False


def test_both_ports_are_behind_the_load_balancer() -> None:
    assert [
        (item["containerName"], item["containerPort"], item["targetGroupArn"].rsplit(":", 1)[-1])
        for item in service()["loadBalancers"]
    ] == [("collector", 4317, "collector-grpc-target"), ("collector", 4318, "collector-http-target")]


@pytest.mark.parametrize("stack", STACKS)
def test_each_task_gets_an_encrypted_volume_of_the_size_that_the_settings_ask_for(stack: str) -> None:
    got = volume(stack)
    assert got["encrypted"] is True
    assert got["kmsKeyId"] == "arn:aws:kms:us-east-1:123456789012:collector-queues-key"
    assert got["roleArn"] == "arn:aws:iam:us-east-1:123456789012:collector-infrastructure-role"
    assert got["sizeInGb"] == context(stack).settings.collector.queue.volume_gib
    assert (got["volumeType"], got["fileSystemType"]) == ("gp3", "ext4")
    assert got["tagSpecifications"] == [{"resourceType": "volume", "propagateTags": "SERVICE"}]
    assert service(stack)["propagateTags"] == "SERVICE"


@pytest.mark.parametrize("stack", STACKS)
def test_the_stacks_minimum_is_where_the_number_starts_and_scaling_owns_it_then(stack: str) -> None:
    assert service(stack)["desiredCount"] == context(stack).settings.collector.tasks.minimum
    assert service(stack).ignore_changes == ("desiredCount",)


@pytest.mark.parametrize("stack", STACKS)
def test_the_number_stays_between_the_stacks_minimum_and_maximum(stack: str) -> None:
    target, tasks = collector(stack).one(SCALABLE), context(stack).settings.collector.tasks
    assert (target["minCapacity"], target["maxCapacity"]) == (tasks.minimum, tasks.maximum)
    cluster = collector(stack).one(CLUSTER)["name"]
    assert target["resourceId"] == f"service/{cluster}/collector-service"
    assert (target["serviceNamespace"], target["scalableDimension"]) == ("ecs", "ecs:service:DesiredCount")


def tracked(deployment: Any) -> dict[str, tuple[int, bool]]:
    found = [item["targetTrackingScalingPolicyConfiguration"] for item in deployment.all(SCALING)]
    return {
        item["predefinedMetricSpecification"]["predefinedMetricType"]: (item["targetValue"], item["disableScaleIn"])
        for item in found
    }


def test_cpu_and_memory_decide_and_no_queue_is_thrown_away_to_save_a_task() -> None:
    assert tracked(collector()) == {
        "ECSServiceAverageCPUUtilization": (60, True),
        "ECSServiceAverageMemoryUtilization": (60, True),
    }


def test_what_the_settings_say_of_scaling_is_what_is_set() -> None:
    stack = varied("prod", collector={"scaling": {"cpu_percent": 45, "memory_percent": 70, "scale_in": True}})
    assert tracked(deploy(lambda: build(stack))) == {
        "ECSServiceAverageCPUUtilization": (45, False),
        "ECSServiceAverageMemoryUtilization": (70, False),
    }


@pytest.mark.parametrize(
    "name",
    [
        "collector-infrastructure-policy",
        "collector-task-policy",
        "collector-execution-policy",
        "collector-log-group",
        "collector-config-policy",
        "collector-grpc-listener",
        "collector-http-listener",
        "collector-https-rule",
        "collector-tasks-health-rule",
    ],
)
def test_a_task_starts_after_everything_it_needs_and_goes_before_it(name: str) -> None:
    needed = [item.urn for item in collector().resources if item.name == name]
    assert needed
    assert set(needed) <= service().depends_on


def test_a_task_starts_after_the_object_that_it_reads() -> None:
    deployment = collector(config=LARGE_CONFIG)
    assert deployment.one(OBJECT).urn in deployment.one(SERVICE).depends_on


def test_the_service_waits_for_what_the_program_adds() -> None:
    def program() -> Collector:
        roles = CollectorRoles("collector", context=context(), opts=in_stack())
        grant = aws.iam.RolePolicy("elsewhere", role="x", policy="{}")
        return Collector(
            "collector",
            context=context(),
            roles=roles,
            config="",
            secret_arns={"redaction-pepper": "arn:1", "datadog-api-key": "arn:2"},
            log_group_arns={},
            buckets={},
            key_arns={},
            access_logs=AccessLogs("access-logs", context=context(), opts=in_stack()),
            after=[grant],
        )

    deployment = deploy(program)
    assert deployment.one("aws:iam/rolePolicy:RolePolicy", "elsewhere").urn in deployment.one(SERVICE).depends_on


@pytest.mark.parametrize("config", [CONFIG, LARGE_CONFIG], ids=["inline", "object"])
@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("stack", STACKS)
def test_every_part_has_a_parent_tags_and_the_components_name(stack: str, config: str, *, preview: bool) -> None:
    untaggable = ("aws:kms/alias:Alias", "aws:iam/rolePolicy:RolePolicy", SCALING)
    parts = [
        item
        for item in collector(stack, preview=preview, config=config).resources
        if item.custom and item.type.startswith("aws:") and not item.parent.endswith("::access-logs")
    ]
    assert len(parts) > 40
    for part in parts:
        assert part.parent.rsplit("$", 1)[-1].startswith("tinybeans:logging:")
        assert part.name.startswith("collector-")
        part_of_bucket = part.type.startswith("aws:s3/") and part.type not in (BUCKET, OBJECT)
        if part.type not in untaggable and not part_of_bucket:
            assert part["tags"]["Environment"] == stack


def test_no_environment_is_named_in_the_collectors_code() -> None:
    files = [*ROOT.glob("infra/components/collector*.py"), ROOT / "infra/components/vpc_endpoints.py"]
    assert len(files) > 8
    assert not [file.name for file in files for name in STACKS if f'"{name}"' in file.read_text()]
