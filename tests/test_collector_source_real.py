"""The real collector reads its configuration as the task definition says, from its environment or from S3.

S3 is moto, whose address the environment gives as it does to any AWS SDK; the URI is the one that AWS would be asked
by. That the task role's policy lets it through is for tests/test_collector_source.py.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.components.collector_config import config_bucket, source_of
from infra.documents.config_source import ConfigSource
from infra.documents.task_size import CONFIG_BYTES
from sandbox.doubles.aws_clients import aws_client
from sandbox.doubles.cloud import RunningCloud, running_cloud
from sandbox.intakes import intakes_for, keys_for
from sandbox.task import addresses
from tests.collector_process import environment, executable
from tests.factories import STACKS, context
from tests.programs import Form, configuration

pytestmark = pytest.mark.collector

REGION = "us-east-1"
NEVER_OPENED = range(1, 7)
"""Ports; no collector is started here."""


@pytest.fixture(scope="module", name="cloud")
def _cloud() -> Iterator[RunningCloud]:
    """A cloud with the bucket of every stack."""
    keys = keys_for(context("sandbox").settings.destinations)
    with running_cloud(region=REGION, intakes=intakes_for(keys)) as cloud:
        for stack in STACKS:
            s3(cloud).create_bucket(Bucket=config_bucket(context(stack)))
        yield cloud


def s3(cloud: RunningCloud) -> Any:
    return aws_client("s3", endpoint_url=cloud.aws_endpoint, region=REGION)


def stored(cloud: RunningCloud, stack: str, text: str) -> ConfigSource:
    """Return how `text` travels in `stack`, the object stored where it is one."""
    source = source_of(context(stack), text)
    if source.object_key:
        s3(cloud).put_object(Bucket=config_bucket(context(stack)), Key=source.object_key, Body=text.encode())
    return source


def asked(
    command: str, uri: str, cloud: RunningCloud, source: ConfigSource, directory: Path
) -> subprocess.CompletedProcess[str]:
    """Return what the collector says to `command` about the configuration at `uri`."""
    return subprocess.run(
        [str(executable()), command, f"--config={uri}"],
        env=environment(**addresses(cloud, list(NEVER_OPENED), directory), **source.environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("stack", STACKS)
def test_the_collector_understands_what_was_reviewed_however_it_travels(
    stack: str, form: Form, cloud: RunningCloud, tmp_path: Path
) -> None:
    text = configuration(stack, form)
    source = stored(cloud, stack, text)
    assert (source.object_key is not None) is (form is Form.OBJECT)
    reviewed = tmp_path / "reviewed.yaml"
    reviewed.write_text(text, encoding="utf-8")

    travelled, on_disk = (
        asked("print-config", uri, cloud, source, tmp_path) for uri in (source.uri, f"file:{reviewed}")
    )

    assert travelled.returncode == on_disk.returncode == 0, travelled.stderr
    assert travelled.stdout == on_disk.stdout
    assert "health_check" in travelled.stdout
    assert asked("validate", source.uri, cloud, source, tmp_path).returncode == 0


def test_the_largest_configuration_that_is_allowed_is_read(cloud: RunningCloud, tmp_path: Path) -> None:
    text = configuration("prod", Form.OBJECT)
    source = stored(cloud, "prod", text + "#" * (CONFIG_BYTES - len(text.encode())))
    assert len(source.text.encode()) == CONFIG_BYTES
    assert asked("validate", source.uri, cloud, source, tmp_path).returncode == 0


def test_a_collector_whose_object_is_missing_ends_and_names_it(cloud: RunningCloud, tmp_path: Path) -> None:
    source = source_of(context("prod"), configuration("prod", Form.OBJECT) + "# never stored\n")
    answer = asked("validate", source.uri, cloud, source, tmp_path)
    assert answer.returncode != 0
    assert "NoSuchKey" in answer.stderr
    assert source.uri in answer.stderr
