"""The collector's task definition: what is in it, that it is stable, and that it fits."""

import json
from typing import Any

import pytest

from infra.components.access_logs import AccessLogs
from infra.components.collector import Collector, refuse_if_too_large
from infra.components.collector_roles import CollectorRoles
from infra.documents.config_source import config_source
from infra.documents.container import container_definitions, dumped, mount_path
from infra.documents.task_size import CONFIG_BYTES, guarded, guarded_definitions
from infra.problems import InputError
from infra.secrets import needed
from tests.collector_stack import CONFIG, build, collector, secret_arn, varied
from tests.engine import deploy
from tests.factories import STACKS, context, in_stack

TASK = "aws:ecs/taskDefinition:TaskDefinition"


def container(stack: str = "prod") -> dict[str, Any]:
    found: list[dict[str, Any]] = collector(stack).one(TASK).document("containerDefinitions")
    assert len(found) == 1
    return found[0]


def environment(stack: str = "prod") -> dict[str, str]:
    return {item["name"]: item["value"] for item in container(stack)["environment"]}


@pytest.mark.parametrize("stack", STACKS)
def test_the_image_is_the_tested_version_pinned_by_digest(stack: str) -> None:
    image = context(stack).settings.collector.image
    assert container(stack)["image"] == f"{image.repository}:{image.version}@{image.digest}"
    assert image.digest.startswith("sha256:")


def test_a_small_configuration_travels_in_the_task_definition() -> None:
    assert environment()["OTELCOL_CONFIG"] == CONFIG
    assert container()["command"] == ["--config=env:OTELCOL_CONFIG"]


def test_nothing_but_the_configuration_and_how_go_collects_garbage_is_in_the_environment() -> None:
    assert set(environment()) == {"OTELCOL_CONFIG", "GOGC", "GOMEMLIMIT"}


@pytest.mark.parametrize(("stack", "limit"), [("prod", "3276MiB"), ("dev", "819MiB")])
def test_go_collects_garbage_late_and_harder_at_four_fifths_of_the_memory(stack: str, limit: str) -> None:
    assert environment(stack)["GOMEMLIMIT"] == limit
    assert environment(stack)["GOGC"] == "400"


@pytest.mark.parametrize("stack", STACKS)
def test_each_secret_comes_from_its_exact_arn_and_no_other_is_handed_over(stack: str) -> None:
    given = context(stack)
    expected = {entry.environment_variable: secret_arn(given, entry.name) for entry in needed(given.settings)}
    assert {item["name"]: item["valueFrom"] for item in container(stack)["secrets"]} == expected
    assert "REDACTION_PEPPER" in expected


def test_the_collector_runs_as_its_own_user_on_a_read_only_root_without_capabilities() -> None:
    got = container()
    assert got["user"] == "10001"
    assert got["readonlyRootFilesystem"] is True
    assert got["linuxParameters"] == {"capabilities": {"add": [], "drop": ["ALL"]}}
    assert "privileged" not in got


def test_queues_are_the_only_thing_that_it_can_write() -> None:
    assert container()["mountPoints"] == [
        {"containerPath": "/var/lib/otelcol", "readOnly": False, "sourceVolume": "queues"}
    ]


def test_a_collector_that_ends_is_started_again_on_the_same_volume() -> None:
    assert container()["restartPolicy"] == {"enabled": True, "restartAttemptPeriod": 60}
    assert container()["essential"] is True


def test_it_has_the_two_minutes_that_fargate_allows_to_stop() -> None:
    assert container()["stopTimeout"] == 120


def test_its_own_log_never_stalls_it_and_the_mode_is_said() -> None:
    assert container()["logConfiguration"] == {
        "logDriver": "awslogs",
        "options": {
            "awslogs-group": "/tinybeans/prod/collector",
            "awslogs-region": "us-east-1",
            "awslogs-stream-prefix": "collector",
            "max-buffer-size": "10m",
            "mode": "non-blocking",
        },
    }


@pytest.mark.parametrize("stack", STACKS)
def test_ports_are_the_same_inside_and_out_and_a_reference_leaves_the_standard_ones(stack: str) -> None:
    assert container(stack)["portMappings"] == [
        {"containerPort": port, "hostPort": port, "protocol": "tcp"} for port in (4317, 4318, 13133)
    ]


def test_a_port_that_the_settings_name_is_the_one_that_is_open() -> None:
    stack = varied("prod", collector={"listen": {"grpc": "0.0.0.0:14317"}})
    task = deploy(lambda: build(stack)).one(TASK).document("containerDefinitions")
    assert [port["containerPort"] for port in task[0]["portMappings"]] == [4318, 13133, 14317]


def test_what_ecs_would_fill_in_is_there_already() -> None:
    got = container()
    assert (got["cpu"], got["systemControls"], got["volumesFrom"]) == (0, [], [])


def test_two_programs_register_the_same_bytes() -> None:
    once, again = (deploy(lambda: build(context())).one(TASK) for _ in range(2))
    assert once["containerDefinitions"] == again["containerDefinitions"]


def test_the_order_in_which_things_are_given_changes_nothing() -> None:
    forth = deploy(lambda: build(context()))
    back = deploy(lambda: build(context(), reverse=True))
    for kind in (TASK, "aws:iam/rolePolicy:RolePolicy"):
        assert {item.name: item.inputs for item in forth.all(kind)} == {
            item.name: item.inputs for item in back.all(kind)
        }


def test_the_document_is_canonical() -> None:
    def document(secrets: dict[str, str], ports: tuple[int, ...]) -> str:
        return dumped(
            container_definitions(
                image="image@sha256:0",
                memory_mib=1024,
                config=config_source("é", bucket="b", s3_service="s3"),
                ports=ports,
                data_directory="/data",
                secrets=secrets,
                log_group="/group",
                region="us-east-1",
            )
        )

    text = document({"B": "2", "A": "1"}, (2, 1, 2))
    assert text == document({"A": "1", "B": "2"}, (1, 2))
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert [item["name"] for item in json.loads(dumped([{"name": "b"}, {"name": "a"}]))] == ["a", "b"]


def test_a_directory_that_the_collector_resolves_is_mounted_at_the_standard_place() -> None:
    assert mount_path("${env:SANDBOX_DATA}") == "/var/lib/otelcol"
    assert mount_path("/queues") == "/queues"


def test_a_configuration_that_reviewers_can_be_shown_passes_and_one_byte_more_is_refused_by_its_file() -> None:
    assert guarded("x" * CONFIG_BYTES, environment="prod") == "x" * 500_000
    with pytest.raises(
        InputError, match=r"collector_configs/rendered/prod\.yaml: .*would take 500001 bytes"
    ) as refused:
        guarded("x" * (CONFIG_BYTES + 1), environment="prod")
    assert "xx" not in str(refused.value)


def test_size_is_counted_in_bytes_not_in_characters() -> None:
    with pytest.raises(InputError):
        guarded("é" * (CONFIG_BYTES // 2 + 1), environment="prod")


def test_a_configuration_that_json_makes_larger_than_a_task_definition_is_not_in_it() -> None:
    backslashes = "\\" * (40 * 1024)
    refuse_if_too_large(context(), backslashes)
    (found,) = deploy(lambda: build(context(), config=backslashes)).one(TASK).document("containerDefinitions")
    assert found["command"][0].startswith("--config=s3://")


def test_container_definitions_that_ecs_would_not_take_are_refused() -> None:
    assert guarded_definitions("x" * 63488, environment="prod")
    with pytest.raises(InputError, match=r"Pulumi\.prod\.yaml: .*would take 63489 bytes.*at most 63488 bytes"):
        guarded_definitions("x" * 63489, environment="prod")


def test_a_configuration_that_is_too_large_stops_before_anything_is_registered() -> None:
    refused: list[InputError] = []

    def program() -> None:
        roles = CollectorRoles("collector", context=context(), opts=in_stack())
        access_logs = AccessLogs("access-logs", context=context(), opts=in_stack())
        with pytest.raises(InputError) as caught:
            Collector(
                "collector",
                context=context(),
                roles=roles,
                config="x" * (CONFIG_BYTES + 1),
                secret_arns={},
                log_group_arns={},
                buckets={},
                key_arns={},
                access_logs=access_logs,
            )
        refused.append(caught.value)

    deployment = deploy(program)
    assert "collector_configs/rendered/prod.yaml" in str(refused[0])
    assert not [item for item in deployment.resources if item.type == "tinybeans:logging:Collector"]
    assert not deployment.all("aws:kms/key:Key")


def test_the_task_is_of_the_size_that_the_settings_ask_for() -> None:
    task, wanted = collector().one(TASK), context().settings.collector
    assert (task["cpu"], task["memory"]) == (str(wanted.cpu), str(wanted.memory_mib))
    assert task["networkMode"] == "awsvpc"
    assert task["requiresCompatibilities"] == ["FARGATE"]
    assert task["runtimePlatform"] == {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"}


def test_replaced_revisions_stay_so_that_a_rollback_has_something_to_start() -> None:
    assert collector().one(TASK)["skipDestroy"] is True


def test_the_volume_is_configured_when_a_task_starts() -> None:
    assert collector().one(TASK)["volumes"] == [{"name": "queues", "configureAtLaunch": True}]
