"""Stacks of the whole program in the real engine, with a cloud of their own, for tests that live with one."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.secrets import CATALOGUE, DEPLOY_KEYS, WEBHOOKS
from sandbox.doubles.aws_clients import aws_client
from sandbox.doubles.cloud import running_cloud
from sandbox.engine import SandboxStack, Touched, sandbox_stack
from sandbox.tools.errors import ToolMissingError
from sandbox.tools.locate import locate
from tests.factories import ROOT

REGION = "us-east-1"
SECRETS = {entry.config_key: f"sentinel-{entry.name}-7a41" for entry in (*CATALOGUE, *DEPLOY_KEYS)}
"""Secret config key to a value that must be found nowhere but in Secrets Manager, or in no plain text at all."""
WEBHOOK_URL = "https://pager.invalid/sentinel-webhook-7a41"
"""The address of the webhook that Pulumi.sandbox.yaml names; it must be found nowhere at all."""

MANIFESTS = "update Function nightly-export-function"
"""Each manifest names the policy by which its day was kept, so that another policy is told to the export."""
STORED = frozenset(f"{operation} BucketObjectv2 collector-config-object" for operation in ("create", "replace"))
"""What another configuration touches besides, where it is too large to travel inline (tests/test_rollback.py)."""


@dataclass(frozen=True)
class Aws:
    """The cloud that stacks come up in."""

    endpoint: str

    def client(self, service: str) -> Any:
        """Return a boto3 client."""
        return aws_client(service, endpoint_url=self.endpoint, region=REGION)

    def log_groups(self) -> dict[str, Any]:
        """Return name to description of every log group."""
        return {item["logGroupName"]: item for item in self.client("logs").describe_log_groups()["logGroups"]}

    def buckets(self) -> set[str]:
        """Return the names of all buckets."""
        return {item["Name"] for item in self.client("s3").list_buckets()["Buckets"]}

    def secrets(self) -> dict[str, str]:
        """Return name to value of every secret."""
        client = self.client("secretsmanager")
        names = [item["Name"] for item in client.list_secrets()["SecretList"]]
        return {name: client.get_secret_value(SecretId=name)["SecretString"] for name in names}

    def key_state(self, key: str) -> str:
        """Return the state of the KMS key with this id or ARN."""
        return str(self.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"])


@contextmanager
def empty_aws() -> Iterator[Aws]:
    """Yield a cloud with nothing in it."""
    with running_cloud(region=REGION) as cloud:
        yield Aws(cloud.aws_endpoint)


def engine() -> Path:
    """Return the real engine; where there is none, the test that asks is skipped, saying how to get it."""
    try:
        return locate("pulumi", obtain=False)
    except ToolMissingError as error:
        pytest.skip(str(error))


@contextmanager
def stack_in(
    directory: Path, aws: Aws, *, root: Path = ROOT, config: Mapping[str, str] | None = None
) -> Iterator[SandboxStack]:
    """Yield the stack of the program under `root`, its state in `directory`, its secrets the sentinels."""
    values = {**SECRETS, WEBHOOKS: json.dumps({"pager": WEBHOOK_URL})}
    with sandbox_stack(
        directory, engine=engine(), aws_endpoint=aws.endpoint, root=root, config=config, secret_values=values
    ) as stack:
        yield stack


def copied_root(directory: Path) -> Path:
    """Return a copy of what reviewers change: policy, collector configuration, settings, and the program's entry."""
    root = directory / "repository"
    for folder in ("policy", "collector_configs"):
        shutil.copytree(ROOT / folder, root / folder)
    for file in ("__main__.py", "Pulumi.sandbox.yaml"):
        shutil.copy(ROOT / file, root)
    return root


def edit(file: Path, old: str, new: str) -> None:
    """Replace the one place in `file` that says `old`."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file.name} says {text.count(old)} times: {old}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def said(touched: frozenset[Touched]) -> set[str]:
    """Return `operation type name` of each resource, the type by its last word."""
    return {f"{item.operation} {item.type.rsplit(':', 1)[-1]} {item.name}" for item in touched}


def texts_in(directory: Path) -> Iterator[tuple[Path, str]]:
    """Yield every file under `directory` with its text, undecodable bytes left out."""
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            yield path, path.read_text(encoding="utf-8", errors="ignore")
