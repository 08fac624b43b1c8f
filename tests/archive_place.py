"""An account in moto, in this process, in which the commands on archives are run as somebody runs them."""

from __future__ import annotations

import datetime
import functools
import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError
from typer.testing import CliRunner, Result

from infra.archive.__main__ import app
from infra.context import QUARANTINE_STREAM, STREAM, Context
from infra.documents.export_assignment import assignment
from tests.archive_fake import collected_key, row
from tests.collector_run import batch

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOW = datetime.datetime.now(datetime.UTC)
TODAY = str(NOW.date())
REQUEST = "r-1"
REGION, ACCOUNT = "us-east-1", "123456789012"


@dataclass
class Place:
    """An account with an archive of the audit class, exported once, and what is refused in it."""

    context: Context
    directory: Path = Path("nowhere")
    """Where a replay keeps its state."""
    refused: dict[str, ClientError] = field(default_factory=dict)
    """Operation to what it is answered with."""

    @functools.cached_property
    def s3(self) -> S3Client:
        return boto3.client("s3", REGION)

    @property
    def bucket(self) -> str:
        return self.context.archive_bucket("audit")

    def run(self, command: str, *more: str, start: str = TODAY, end: str = TODAY, cls: str = "audit") -> Result:
        arguments = ["--from", start, "--to", end, "--class", cls]
        usual = {
            "search": ["one-request", f"request_id={REQUEST}", "--output", "jsonl"],
            "replay": ["--to-sink", "cloudwatch", "--dry-run", "--state", str(self.directory)],
        }
        return CliRunner(env={"COLUMNS": "300"}).invoke(app, [command, *usual.get(command, []), *arguments, *more])

    def keys(self, prefix: str = "") -> dict[str, str]:
        """Return what lies in the archive: key to its tag."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return {item["Key"]: item["ETag"] for item in listed}

    def forget(self, prefix: str) -> None:
        for key in self.keys(prefix):
            self.s3.delete_object(Bucket=self.bucket, Key=key)

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content)

    def content(self, key: str) -> bytes:
        content: bytes = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content


def furnish(found: Place) -> None:
    """Make log groups, archives and the signing key, and one record of the audit class that both hold."""
    logs, kms, s3 = boto3.client("logs", REGION), boto3.client("kms", REGION), boto3.client("s3", REGION)
    told = assignment(found.context)
    for target in told.targets:
        logs.create_log_group(logGroupName=target.log_group)
        for stream in (STREAM, QUARANTINE_STREAM, told.audit_stream):
            logs.create_log_stream(logGroupName=target.log_group, logStreamName=stream)
        s3.create_bucket(Bucket=str(target.bucket))
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=told.signing_key, TargetKeyId=key)
    at = int(NOW.timestamp()) * 1000
    record = {"timeUnixNano": f"{at}000000", **row(1, f"{NOW:%Y-%m-%dT%H:%M:%S}", request_id=REQUEST)}
    event = {
        "resource": {"attributes": {"service.name": "web"}},
        "timeUnixNano": at * 10**6,
        "severityNumber": record["severityNumber"],
        "severityText": record["severityText"],
        "body": record["body"]["stringValue"],
        "attributes": {item["key"]: item["value"]["stringValue"] for item in record["attributes"]},
    }
    logs.put_log_events(
        logGroupName=found.context.log_group("audit"),
        logStreamName=STREAM,
        logEvents=[{"timestamp": at, "message": json.dumps(event)}],
    )
    document = json.dumps({"resourceLogs": [batch([record])]}, separators=(",", ":"))  # as the exporter writes it
    found.put(collected_key(f"{NOW:%Y-%m-%dT%H}"), gzip.compress(document.encode()))
