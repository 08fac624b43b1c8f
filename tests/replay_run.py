"""Archived records for tests of replays, as the real collector archives them in moto, and the command that replays them."""

from __future__ import annotations

import datetime
import gzip
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner, Result

from infra.archive.__main__ import app
from infra.context import Context
from sandbox.doubles.aws_clients import aws_client
from sandbox.doubles.cloud import RunningCloud, running_cloud
from sandbox.doubles.cloudwatch_events import render
from sandbox.doubles.otlp_codec import Encoding, LogRecord, decode
from sandbox.doubles.otlp_intake import datadog
from tests.collector_process import executable
from tests.collector_run import UID, Run, collector_run
from tests.factories import context

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DATADOG_KEY = "sentinel-5f1c-datadog"
CLASS = "tinybeans.log.class"


@dataclass
class Archived:
    """A cloud with records in its archives."""

    cloud: RunningCloud
    context: Context
    s3: S3Client
    directory: Path
    loki: str = ""

    def records(self, cls: str) -> dict[str, LogRecord]:
        """Return what the collector archived of a class, by uid, read without the code that is tested."""
        bucket = self.context.archive_bucket(cls)
        found: dict[str, LogRecord] = {}
        for item in self.s3.list_objects_v2(Bucket=bucket, Prefix="otlp/year=").get("Contents", []):
            raw = self.s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            found |= {str(record.attributes[UID]): record for record in decode(gzip.decompress(raw), Encoding.JSON)}
        return found

    def variables(self) -> dict[str, str]:
        """Return the environment of a command that works on this cloud."""
        region = self.context.region
        return {
            **self.cloud.credentials.child_environment(
                region, {"PATH": os.environ["PATH"], "HOME": str(self.directory)}
            ),
            "AWS_ENDPOINT_URL": self.cloud.aws_endpoint,
            "OTELCOL": str(executable()),
            "SANDBOX_DATADOG": self.cloud.intakes["datadog"].url.removesuffix("/v1/logs"),
            "DATADOG_API_KEY": DATADOG_KEY,
            "SANDBOX_LOKI": self.loki,
        }

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of a replay, with its checkpoints in this directory."""
        program = [sys.executable, "-m", "infra.archive", "replay", "--state", str(self.directory / "state")]
        return [*program, *arguments]

    def replay(self, *arguments: str, **more: str) -> Result:
        """Run a replay to its end, in this process: the imports of another would take longer than it."""
        runner = CliRunner(env={**dict.fromkeys(os.environ), **self.variables(), **more})
        return runner.invoke(app, self.command(*arguments)[3:])

    def in_datadog(self) -> dict[str, list[LogRecord]]:
        """Return what arrived at Datadog, by uid."""
        found: dict[str, list[LogRecord]] = defaultdict(list)
        for record in self.cloud.intakes["datadog"].records:
            found[str(record.attributes[UID])].append(record)
        return dict(found)


def days(before: int = 0) -> str:
    """Return the day (UTC) so many days ago."""
    return (datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=before)).isoformat()


@contextmanager
def archived(directory: Path, fill: Any) -> Iterator[Archived]:
    """Yield a cloud whose archives hold what `fill` sent through the real collector; the doubles end with the block."""
    stack = context("sandbox")
    with running_cloud(region=stack.region, intakes=[datadog(DATADOG_KEY)]) as cloud:
        s3 = aws_client("s3", endpoint_url=cloud.aws_endpoint, region=stack.region)
        for cls in stack.policy.data_classes.classes:
            s3.create_bucket(Bucket=stack.archive_bucket(cls))
        first = directory / "first"
        first.mkdir()
        with collector_run(stack, first, _archive_soon, SANDBOX_S3=cloud.aws_endpoint) as run:
            fill(run)
            found = Archived(cloud, stack, s3, directory)
            _settle(run, found)
            _export(run, found)
        yield found


def _archive_soon(document: dict[str, Any]) -> None:
    """Have the archive's objects written at once rather than after two seconds."""
    for exporter in document["exporters"].values():
        batch = exporter.get("sending_queue", {}).get("batch") if isinstance(exporter, dict) else None
        if batch and batch["flush_timeout"] == "2s":
            batch["flush_timeout"] = "200ms"


def _settle(run: Run, found: Archived) -> None:
    deadline = time.monotonic() + 30
    classes = list(found.context.policy.data_classes.classes)
    while True:
        kept = Counter(item.cls for item in run.cloudwatch.arrived if item.stream == "collector")
        if kept and all(len(found.records(cls)) == kept[cls] for cls in classes):
            return
        assert time.monotonic() < deadline, (
            f"{kept} are in CloudWatch, not in the archive; {run.collector.log.read_text()[-2000:]}"
        )
        time.sleep(0.1)


def _export(run: Run, found: Archived) -> None:
    """Write CloudWatch's export of today beside what the collector archived, as `<time> <message>` lines."""
    lines: dict[str, list[str]] = defaultdict(list)
    for item in run.cloudwatch.arrived:
        instant = datetime.datetime.fromtimestamp(item.record.time_unix_nano // 10**9, datetime.UTC)
        lines[f"{item.cls}/{item.stream}"].append(f"{instant:%Y-%m-%dT%H:%M:%S.000Z} {render(item.record)}\n")
    for place, texts in lines.items():
        cls, stream = place.split("/")
        key = f"export/{cls}/{days()}/1/0f3c/{stream}/000000.gz"
        found.s3.put_object(
            Bucket=found.context.archive_bucket(cls), Key=key, Body=gzip.compress("".join(texts).encode())
        )


def line(**fields: Any) -> dict[str, Any]:
    """Return a record as container output has it: a line of JSON, sent as a body."""
    return {"body": {"stringValue": json.dumps(fields)}, "attributes": []}
