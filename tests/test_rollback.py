"""A configuration that is an object, from the policy to the process, and back: deploy, edit, roll back.

The engine, the program, the policy, the settings and the collector are the real ones; the configuration is padded, so
that it is an object whatever its size. ECS is played: the collector is started as the service's revision says.
"""

import dataclasses
import hashlib
import json
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

import infra.program
from infra.components.collector_config import config_bucket
from infra.stack import Stack
from sandbox.demo.run import Live, live_sandbox
from sandbox.doubles.aws_clients import aws_client
from sandbox.engine import Timed
from sandbox.ports import free_ports
from sandbox.task import CollectorFailedError, RunningCollector, TaskSpec, addresses, running_collector, task_spec
from sandbox.tools.errors import ToolMissingError
from sandbox.tools.locate import locate
from tests.engine_stack import MANIFESTS, copied_root, edit, said
from tests.programs import PADDING, SMALL

pytestmark = [pytest.mark.engine, pytest.mark.collector, pytest.mark.timeout(600)]

own = infra.program.rendered_config


def told(collector: RunningCollector) -> str:
    """Return the argument that the collector was started with."""
    arguments = collector.process.args
    assert isinstance(arguments, list)
    return str(arguments[1])


def padded(stack: Stack) -> str:
    return own(stack) + PADDING


@dataclass(frozen=True)
class Home:
    """A live sandbox, and the repository it is made from."""

    live: Live
    root: Path
    cluster: str
    service: str

    def client(self, service: Any) -> Any:
        return aws_client(service, endpoint_url=self.live.cloud.aws_endpoint, region=self.live.cloud.region)

    @property
    def bucket(self) -> str:
        return config_bucket(self.live.context)

    def objects(self) -> dict[str, str]:
        """Return key to text of every stored configuration."""
        s3 = self.client("s3")
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])]
        return {key: s3.get_object(Bucket=self.bucket, Key=key)["Body"].read().decode() for key in keys}

    def versions(self) -> int:
        return len(self.client("s3").list_object_versions(Bucket=self.bucket).get("Versions", []))

    def revision(self) -> str:
        """Return the ARN of the task definition that the service runs."""
        found = self.client("ecs").describe_services(cluster=self.cluster, services=[self.service])["services"]
        return str(found[0]["taskDefinition"])

    def roll_back(self, revision: str) -> None:
        """Do what docs/operations.md says."""
        self.client("ecs").update_service(cluster=self.cluster, service=self.service, taskDefinition=revision)

    def spec(self) -> TaskSpec:
        return task_spec(self.client("ecs"), self.client("secretsmanager"), self.revision())

    def started(self, directory: Path, spec: TaskSpec | None = None) -> AbstractContextManager[RunningCollector]:
        """Run a further collector as the service's revision says."""
        cloud = self.live.cloud
        return running_collector(
            locate("otelcol", obtain=False),
            spec or self.spec(),
            addresses(cloud, free_ports(6), directory / "queues"),
            directory,
            cloud.credentials.child_environment(cloud.region),
        )

    def understood(self, directory: Path, *command: str) -> str:
        """Return the configuration as the collector understands it by `command`, or by the service's revision."""
        spec, cloud = self.spec(), self.live.cloud
        environment = {
            **cloud.credentials.child_environment(cloud.region),
            **spec.environment,
            **addresses(cloud, list(range(1, 7)), directory),
        }
        argv = [str(locate("otelcol", obtain=False)), "print-config", *(command or spec.command)]
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout

    def reviewed(self, directory: Path, text: str) -> str:
        """Return `text` as the collector understands it from a file."""
        (directory / "reviewed.yaml").write_text(text, encoding="utf-8")
        return self.understood(directory, f"--config=file:{directory / 'reviewed.yaml'}")


@dataclass(frozen=True)
class Deployed:
    """What one update left behind."""

    revision: str
    objects: dict[str, str]
    change: Timed


@pytest.fixture(scope="module", name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    try:
        engine, otelcol = locate("pulumi", obtain=False), locate("otelcol", obtain=False)
    except ToolMissingError as error:
        pytest.skip(str(error))
    directory = tmp_path_factory.mktemp("rollback")
    root = copied_root(directory)
    with (
        patch.object(infra.program, "rendered_config", padded),
        live_sandbox(directory, engine, otelcol, "cloudwatch,newrelic", lambda _: None, root) as live,
    ):
        yield Home(live, root, **live.stack.outputs()["collector_service"])


# Each step follows the one before, whichever test asks first.


@pytest.fixture(scope="module", name="first")
def _first(home: Home) -> Deployed:
    return Deployed(home.revision(), home.objects(), home.live.up)


@pytest.fixture(scope="module", name="again")
def _again(home: Home, first: Deployed) -> Timed:
    assert first.objects
    return home.live.stack.up()


@pytest.fixture(scope="module", name="edited")
def _edited(home: Home, again: Timed) -> Deployed:
    assert not again.changed
    edit(
        home.root / "policy/data_classes.yaml",
        "keep_percent: { sandbox: 50, dev: 100, staging: 50, prod: 20 }",
        "keep_percent: { sandbox: 60, dev: 100, staging: 50, prod: 20 }",
    )
    change = home.live.stack.up()
    return Deployed(home.revision(), home.objects(), change)


@pytest.fixture(scope="module", name="small")
def _small(home: Home, edited: Deployed) -> Deployed:
    """Deploy a configuration that travels inline."""
    assert edited.change.changed
    with patch.object(infra.program, "rendered_config", lambda _: SMALL):
        change = home.live.stack.up()
    return Deployed(home.revision(), home.objects(), change)


def test_the_object_is_the_reviewed_text_under_its_hash(home: Home, first: Deployed) -> None:
    ((key, text),) = first.objects.items()
    assert key == f"collector/{hashlib.sha256(text.encode()).hexdigest()}.yaml"
    assert text == (home.root / "collector_configs" / "rendered" / "sandbox.yaml").read_text() + PADDING
    head = home.client("s3").head_object(Bucket=home.bucket, Key=key)
    assert head["ServerSideEncryption"] == "aws:kms"
    assert head["SSEKMSKeyId"] in {item.outputs.get("arn") for item in home.live.stack.resources()}
    assert head["ContentType"] == "application/yaml"


def test_the_deployed_task_names_the_object_and_no_address_of_the_sandbox(home: Home, first: Deployed) -> None:
    definition = home.client("ecs").describe_task_definition(taskDefinition=first.revision)["taskDefinition"]
    (container,) = definition["containerDefinitions"]
    (key,) = first.objects
    assert container["command"] == [f"--config=s3://{home.bucket}.s3.us-east-1.amazonaws.com/{key}"]
    assert home.live.cloud.aws_endpoint not in json.dumps(definition, default=str)
    assert "AWS_ENDPOINT" not in json.dumps(definition, default=str)


def test_the_running_collector_took_its_configuration_from_the_object(home: Home, first: Deployed) -> None:
    assert home.live.collector.process.poll() is None
    (key,) = first.objects
    assert told(home.live.collector).endswith(key)
    assert "otelcol_process_uptime" in home.live.collector.metrics_page()


def test_the_collector_understands_exactly_the_reviewed_text(home: Home, first: Deployed, tmp_path: Path) -> None:
    home.roll_back(first.revision)
    (text,) = first.objects.values()
    understood = home.understood(tmp_path)
    assert understood == home.reviewed(tmp_path, text)
    assert "routing/class" in understood


def test_no_secret_is_in_the_object(home: Home, first: Deployed) -> None:
    secrets = home.client("secretsmanager")
    values = [
        secrets.get_secret_value(SecretId=it["ARN"])["SecretString"] for it in secrets.list_secrets()["SecretList"]
    ]
    assert len(values) >= 2
    (text,) = first.objects.values()
    assert not [value for value in values if value in text]
    assert "${env:REDACTION_PEPPER}" in text


def test_a_second_update_of_the_same_configuration_changes_nothing(again: Timed) -> None:
    assert again.touched == frozenset()


def test_a_policy_edit_makes_a_new_object_and_a_new_revision_and_leaves_the_old_ones(
    home: Home, first: Deployed, edited: Deployed
) -> None:
    assert said(edited.change.touched) == {
        "replace BucketObjectv2 collector-config-object",
        "replace TaskDefinition collector-task",
        "update Service collector-service",
        MANIFESTS,
    }
    assert edited.revision != first.revision
    assert len(edited.objects) == 2
    assert first.objects.items() <= edited.objects.items()
    revisions = home.client("ecs").list_task_definitions(status="ACTIVE")["taskDefinitionArns"]
    assert {first.revision, edited.revision} <= set(revisions)


def test_a_rollback_of_the_service_rolls_the_configuration_back(
    home: Home, first: Deployed, edited: Deployed, tmp_path: Path
) -> None:
    (old,) = first.objects.values()
    (new,) = [text for key, text in edited.objects.items() if key not in first.objects]
    home.roll_back(edited.revision)
    assert home.understood(tmp_path) == home.reviewed(tmp_path, new)
    home.roll_back(first.revision)
    assert home.understood(tmp_path) == home.reviewed(tmp_path, old) != home.reviewed(tmp_path, new)
    with home.started(tmp_path / "old") as collector:
        assert collector.process.poll() is None


def test_a_configuration_that_became_small_leaves_the_objects_to_be_rolled_back_to(
    home: Home, first: Deployed, edited: Deployed, small: Deployed, tmp_path: Path
) -> None:
    assert {line for line in said(small.change.touched) if "collector-" in line} == {
        "delete BucketObjectv2 collector-config-object",
        "replace TaskDefinition collector-task",
        "update Service collector-service",
    }
    assert small.objects == edited.objects
    home.roll_back(small.revision)
    with home.started(tmp_path / "small") as collector:
        assert told(collector) == "--config=env:OTELCOL_CONFIG"
    home.roll_back(first.revision)
    with home.started(tmp_path / "old") as collector:
        assert told(collector).startswith("--config=s3://")


def test_a_task_whose_object_is_missing_does_not_start_and_says_what_it_looked_for(
    home: Home, first: Deployed, tmp_path: Path
) -> None:
    home.roll_back(first.revision)
    spec = home.spec()
    gone = spec.command[0].replace("collector/", "collector/0")
    with (
        pytest.raises(CollectorFailedError, match="NoSuchKey"),
        home.started(tmp_path, dataclasses.replace(spec, command=(gone,))),
    ):
        pass


def test_going_back_to_an_earlier_text_stores_the_same_bytes_and_no_other_object(
    home: Home, edited: Deployed, small: Deployed
) -> None:
    before = home.versions()
    assert small.change.changed
    change = home.live.stack.up()
    assert home.objects() == edited.objects
    assert home.versions() == before + 1
    assert "create BucketObjectv2 collector-config-object" in said(change.touched)


def test_an_object_that_went_missing_is_stored_again_by_an_update_that_refreshes(home: Home, edited: Deployed) -> None:
    home.live.stack.up()
    s3 = home.client("s3")
    (current,) = [it.outputs["key"] for it in home.live.stack.resources() if it.type.endswith(":BucketObjectv2")]
    for item in s3.list_object_versions(Bucket=home.bucket, Prefix=current)["Versions"]:
        s3.delete_object(Bucket=home.bucket, Key=current, VersionId=item["VersionId"])
    assert current not in home.objects()
    home.live.stack.repair()
    assert home.objects() == edited.objects
