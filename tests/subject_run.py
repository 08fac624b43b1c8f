"""Real records of two people under two peppers, hot and archived, and the commands that are asked about one of them."""

from __future__ import annotations

import datetime
import gzip
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage
import pytest
from typer.testing import CliRunner, Result

from infra.archive import commands_subject
from infra.archive.__main__ import app
from infra.context import Context
from infra.documents.export_assignment import SIGNING_KEY
from infra.documents.subject_policy import STREAM
from sandbox.doubles.aws_clients import aws_client
from sandbox.doubles.cloudwatch_events import render
from sandbox.doubles.moto_server import MotoServer
from tests.collector_process import CREDENTIALS
from tests.collector_run import UID, Arrived, collector_run
from tests.factories import context
from tests.replay_run import _archive_soon, line

ANNA, BOB, ALIKE = "4711", "815", "47110"
MAIL, OTHER_MAIL = "Grandma@example.com", "bob@example.org"
ADDRESS, NAME = "203.0.113.7", "Maeve.Q"
PEPPERS = {"current": "pepper-made-up-of-this-year-0123456789", "2025a": "pepper-made-up-of-last-year-0123456789"}
IDENTIFIERS = f"# of Anna\nemail={MAIL}\nusername={NAME}\nip={ADDRESS}\n"
REASON = "DSR-114, GDPR art. 15"

LINES: dict[str, dict[str, dict[str, Any]]] = {
    "2025a": {
        "anna mail, earlier": {"cls": "application", "message": f"mail to {MAIL} bounced"},
        "bob mail, earlier": {"cls": "application", "message": f"mail to {OTHER_MAIL} bounced", "user_id": BOB},
        "anna logout": {"cls": "audit", "event": "audit.user.logout", "actor_id": ANNA},
    },
    "current": {
        "anna request": {"cls": "access", "user_id": ANNA, "remote_ip": ADDRESS},
        "bob request, same address": {"cls": "access", "user_id": BOB, "remote_ip": ADDRESS},
        "anna refused, nobody named": {"cls": "security", "remote_ip": ADDRESS},
        "anna refused, by name": {"cls": "security", "username": NAME},
        "anna mail": {"cls": "application", "message": f"mail to {MAIL.lower()} bounced"},
        "anna removed by bob": {
            "cls": "audit", "event": "audit.circle.member.removed", "actor_id": BOB, "target_id": ANNA,
        },
        "bob logout": {"cls": "audit", "event": "audit.user.logout", "actor_id": BOB},
        "alike id": {"cls": "application", "user_id": ALIKE, "message": f"user {ALIKE}"},
    },
}  # fmt: skip


@dataclass
class Place:
    """A cloud with the records in it."""

    context: Context
    endpoint: str
    directory: Path
    identity: pyrage.x25519.Identity
    uids: dict[str, str] = field(default_factory=dict)
    """Name to uid."""

    def client(self, service: str) -> Any:
        return aws_client(service, endpoint_url=self.endpoint, region=self.context.region, credentials=CREDENTIALS)

    def of(self, name: str) -> set[str]:
        """Return the uids of the records whose names begin so."""
        return {uid for known, uid in self.uids.items() if known.startswith(name)}

    def run(self, command: str, out: str, *more: str, lines: str = IDENTIFIERS, **options: str) -> Result:
        """Run a command about Anna to its end, her identifiers on standard input."""
        day = datetime.datetime.now(datetime.UTC).date()
        given = {
            "user": ANNA,
            "from": (day - datetime.timedelta(days=1)).isoformat(),
            "to": day.isoformat(),
            "out": str(self.directory / out),
            "reason": REASON,
            "identifiers": "-",
            **({"key": str(self.identity.to_public())} if command == "subject-export" else {}),
            **options,
        }
        variables = {**CREDENTIALS.child_environment(self.context.region, {}), "AWS_ENDPOINT_URL": self.endpoint}
        cleared = {name: None for name in os.environ if name.startswith("AWS_")}
        arguments = [item for name, text in given.items() for item in (f"--{name}", text)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(commands_subject, "context_from_file", lambda *_: self.context)
            return CliRunner(env={**cleared, **variables}).invoke(app, [command, *arguments, *more], input=lines)

    def opened(self, out: str, name: str) -> str:
        """Return a file of an export, decrypted."""
        plain: bytes = pyrage.decrypt((self.directory / out / f"{name}.age").read_bytes(), [self.identity])
        return plain.decode()

    def archived(self, cls: str) -> dict[str, set[str]]:
        """Return key -> uids of what a class's archive holds, read without the code that is tested."""
        s3, found = self.client("s3"), {}
        for item in s3.list_objects_v2(Bucket=self.context.archive_bucket(cls)).get("Contents", []):
            if item["Key"].startswith(("otlp/", "export/")):
                raw = s3.get_object(Bucket=self.context.archive_bucket(cls), Key=item["Key"])["Body"].read()
                text = gzip.decompress(raw).decode()
                found[item["Key"]] = {uid for uid in self.uids.values() if uid in text}
        return found

    def told(self, out: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return an erasure's statement and its objects."""
        lines = (self.directory / out / "objects.jsonl").read_text().splitlines()
        return json.loads((self.directory / out / "statement.json").read_text()), [json.loads(line) for line in lines]

    def audit(self, event: str) -> list[dict[str, Any]]:
        """Return the attributes of the audit records with this event."""
        events = self.client("logs").get_log_events(
            logGroupName=self.context.log_group("audit"), logStreamName=STREAM, startFromHead=True
        )["events"]
        found = [json.loads(item["message"])["attributes"] for item in events]
        return [item for item in found if item["event"] == event]


@contextmanager
def place(directory: Path) -> Iterator[Place]:
    """Yield a cloud that holds LINES as the real collector made them, each stretch under its own pepper."""
    stack = context("sandbox", pepper_epochs={"2025a": "2025-12-31"})
    with MotoServer() as moto:
        found = Place(stack, moto.endpoint, directory, pyrage.x25519.Identity.generate())
        _stores(found)
        for epoch, lines in LINES.items():
            found.client("secretsmanager").create_secret(
                Name=stack.secret("redaction-pepper" if epoch == "current" else f"redaction-pepper-{epoch}"),
                SecretString=PEPPERS[epoch],
            )
            own = directory / epoch
            own.mkdir()
            variables = {"SANDBOX_S3": moto.endpoint, "REDACTION_PEPPER": PEPPERS[epoch]}
            with collector_run(stack, own, _archive_soon, **variables) as run:
                for name, fields in lines.items():
                    given = dict(fields)
                    cls = given.pop("cls")
                    now = datetime.datetime.now(datetime.UTC).isoformat()
                    shown = {"message": name.split(",")[0].replace("anna", "").replace("bob", ""), "event": "made.up"}
                    run.send(name, line(timestamp=now, level="ERROR", **{"tinybeans.log.class": cls, **shown, **given}))
                run.settle(len(lines))
                found.uids |= {name: run.one(name).record.attributes[UID] for name in lines}
                _hot(found, run.cloudwatch.arrived)
                _settled(found, {run.one(name).record.attributes[UID] for name in lines})
        yield found


def _stores(found: Place) -> None:
    s3, logs = found.client("s3"), found.client("logs")
    for cls, data_class in found.context.policy.data_classes.classes.items():
        bucket = found.context.archive_bucket(cls)
        locked = data_class.archive.at(found.context.settings.environment).object_lock
        s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        if locked.days is not None:
            rule = {"DefaultRetention": {"Mode": locked.mode.value, "Days": locked.days}}
            s3.put_object_lock_configuration(
                Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
            )
        logs.create_log_group(logGroupName=found.context.log_group(cls))
        logs.create_log_stream(logGroupName=found.context.log_group(cls), logStreamName="collector")
    logs.create_log_stream(logGroupName=found.context.log_group("audit"), logStreamName=STREAM)
    kms = found.client("kms")
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=found.context.key_alias(SIGNING_KEY), TargetKeyId=key)


def _hot(found: Place, arrived: list[Arrived]) -> None:
    """Put what arrived into the log groups, and application's also into an export."""
    events: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in arrived:
        moment = item.record.time_unix_nano // 1_000_000
        events[item.cls].append({"timestamp": moment, "message": render(item.record)})
    for cls, batch in events.items():
        batch.sort(key=lambda event: event["timestamp"])
        found.client("logs").put_log_events(
            logGroupName=found.context.log_group(cls), logStreamName="collector", logEvents=batch
        )
        if cls == "application":
            lines = "".join(
                f"{datetime.datetime.fromtimestamp(event['timestamp'] / 1000, datetime.UTC):%Y-%m-%dT%H:%M:%S}.000Z "
                f"{event['message']}\n"
                for event in batch
            )
            day = datetime.datetime.now(datetime.UTC).date()
            key = f"export/application/{day}/1/{batch[0]['timestamp']}/collector/000000.gz"
            found.client("s3").put_object(
                Bucket=found.context.archive_bucket(cls), Key=key, Body=gzip.compress(lines.encode())
            )


def _settled(found: Place, uids: set[str]) -> None:
    deadline = time.monotonic() + 60
    while True:
        there: set[str] = set()
        for cls in found.context.policy.data_classes.classes:
            kept = found.archived(cls)
            there |= {uid for key, some in kept.items() if key.startswith("otlp/") for uid in some}
        if uids <= there:
            return
        assert time.monotonic() < deadline, f"{len(uids - there)} records are not in the archive"
        time.sleep(0.2)
