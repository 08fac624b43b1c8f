"""Archives of one stack in memory, a replica among them, and the command that erases from them, with what can go wrong."""

from __future__ import annotations

import datetime
import functools
import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.s3.models import s3_backends
from typer.testing import CliRunner, Result

from infra.archive import commands_erase, commands_subject
from infra.archive.__main__ import app
from infra.archive.places import BucketPlace
from infra.archive.signature import from_kms
from infra.archive.verify_erasures import Erasures, Kept
from infra.archive.verify_findings import Verified
from infra.context import Context
from infra.documents.export_assignment import SIGNING_KEY
from infra.documents.subject_policy import STREAM
from infra.subject.erase import replica_bucket
from tests.archive_fake import collected, collected_key, row
from tests.factories import context

PERSON, OTHER = "4711", "815"
REASON = "DSR-115, GDPR art. 17"
ACCOUNT = "123456789012"
OFFICER = f"arn:aws:iam::{ACCOUNT}:role/tinybeans-privacy-officer"
NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
DAY = NOW.date() - datetime.timedelta(days=3)
CLIENT = boto3.client
Hook = Callable[[str, dict[str, Any]], None]


class Killed(BaseException):
    """The process is gone: nothing behind this point runs."""


def refusal(code: str, operation: str = "Operation") -> ClientError:
    """Return what boto3 raises."""
    return ClientError({"Error": {"Code": code, "Message": "made up"}}, operation)


class Hooked:
    """A client that asks before each call."""

    def __init__(self, real: Any, cloud: Cloud) -> None:
        self._real, self._cloud = real, cloud

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)
        if name in ("meta", "get_paginator", "exceptions"):
            return method

        def call(**asked: Any) -> Any:
            self._cloud.before(name, asked)
            return method(**asked)

        return call


@functools.cache
def made(service: str, region: str) -> Any:
    """Return a client; making one takes longer than most of what is asked of it."""
    return CLIENT(service, region_name=region)  # type: ignore[call-overload]


@dataclass
class Session:
    """What stands in for a session in the role that may erase."""

    cloud: Cloud

    def client(self, service: str, region_name: str = "us-east-1") -> Any:
        return Hooked(made(service, region_name), self.cloud)


@dataclass
class Cloud:
    """The stack's archives."""

    context: Context
    directory: Path
    before: Hook = lambda _name, _asked: None
    takes_the_role: bool = False
    """Whether the command takes the role that may erase, as it does at AWS; nothing is hooked then."""

    def client(self, service: str, region: str = "us-east-1") -> Any:
        return made(service, region)

    @property
    def replica(self) -> Any:
        return self.client("s3", "us-west-2")

    def put(self, cls: str, name: str, users: list[str], *, copy: bool = True, form: str = "otlp", **more: Any) -> str:
        """Store an object with a record of each of `users`, and its copy; return its key."""
        key = key_of(name, form)
        rows = [row(number, f"{DAY}T08:00:00", cls=cls, user_id=user) for number, user in enumerate(users)]
        body = collected(rows) if form == "otlp" else exported(rows)
        return self.put_bytes(cls, key, body, copy=copy, **more)

    def put_bytes(self, cls: str, key: str, body: bytes, *, copy: bool = True, **more: Any) -> str:
        bucket = self.context.archive_bucket(cls)
        version = self.client("s3").put_object(Bucket=bucket, Key=key, Body=body, **more)["VersionId"]
        if copy and self.context.settings.replica:
            there = replica_bucket(self.context, cls)
            self.replica.put_object(Bucket=there, Key=key, Body=body, **more)
            newest = s3_backends[ACCOUNT]["aws"].buckets[there].keys.getlist(key)[-1]
            newest._version_id = version  # as replication keeps it
        return key

    def users(self, cls: str, key: str) -> list[list[str]]:
        """Return the users in each version of an object, the newest first."""
        return self._users(self.client("s3"), self.context.archive_bucket(cls), key)

    def copies(self, cls: str, key: str) -> list[list[str]]:
        """Return the same of its copies."""
        return self._users(self.replica, replica_bucket(self.context, cls), key)

    def _users(self, s3: Any, bucket: str, key: str) -> list[list[str]]:
        found = []
        for item in s3.list_object_versions(Bucket=bucket, Prefix=key).get("Versions", []):
            body = s3.get_object(Bucket=bucket, Key=key, VersionId=item["VersionId"])["Body"].read()
            found.append([user for user in (PERSON, OTHER) if f'"{user}"' in gzip.decompress(body).decode()])
        return found

    def run(self, out: str = "out", *more: str, confirm: str = PERSON, **options: str) -> Result:
        """Run subject-erase to its end; the hooks see every call of AWS but those of STS."""
        given = {
            "user": PERSON,
            "from": DAY.isoformat(),
            "to": DAY.isoformat(),
            "out": str(self.directory / out),
            "reason": REASON,
            "confirm": confirm,
            **options,
        }
        arguments = [item for name, text in given.items() for item in (f"--{name.replace('_', '-')}", text)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(commands_subject, "context_from_file", lambda *_: self.context)
            if not self.takes_the_role:
                patch.setattr(commands_erase, "eraser_session", lambda *_: Session(self))
            return CliRunner().invoke(app, ["subject-erase", *arguments, *more])

    def export(self, out: str, key: str) -> Result:
        """Run subject-export to its end; the hooks see every call of AWS."""
        given = {"user": PERSON, "from": DAY.isoformat(), "to": DAY.isoformat(), "reason": REASON, "key": key}
        arguments = [item for name, text in given.items() for item in (f"--{name}", text)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(commands_subject, "context_from_file", lambda *_: self.context)
            patch.setattr(boto3, "client", Session(self).client)
            return CliRunner().invoke(app, ["subject-export", *arguments, "--out", str(self.directory / out)])

    def told(self, out: str = "out") -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the statement and the objects."""
        lines = (self.directory / out / "objects.jsonl").read_text().splitlines()
        return json.loads((self.directory / out / "statement.json").read_text()), [json.loads(line) for line in lines]

    def audit(self, event: str) -> list[dict[str, Any]]:
        """Return the attributes of the audit records with this event."""
        events = self.client("logs").get_log_events(
            logGroupName=self.context.log_group("audit"), logStreamName=STREAM, startFromHead=True
        )["events"]
        found = [json.loads(item["message"])["attributes"] for item in events]
        return [item for item in found if item["event"] == event]

    def recorded(self, cls: str) -> list[dict[str, Any]]:
        """Return the bodies of the records of erasures of a class, in order of key."""
        s3, bucket = self.client("s3"), self.context.archive_bucket(cls)
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="erasures/").get("Contents", [])]
        return [json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())["body"] for key in keys]

    def verified(self, cls: str) -> Verified:
        """Return what verification says of a class's erasures."""
        found = Verified()
        place = BucketPlace(self.client("s3"), self.context.archive_bucket(cls))
        kept = Kept(DAY - datetime.timedelta(days=2), NOW.date(), 30, NOW)
        public = from_kms(self.client("kms"), self.context.key_alias(SIGNING_KEY))
        Erasures(place, public).look(kept, found)
        return found


def key_of(name: str, form: str) -> str:
    """Return the key of an object of either form."""
    return collected_key(f"{DAY}T08", name) if form == "otlp" else f"export/app/{DAY}/1/task/collector/{name}.gz"


def exported(rows: list[dict[str, Any]]) -> bytes:
    """Return the object of these records as CloudWatch exports it."""
    lines = []
    for item in rows:
        attributes = {pair["key"]: next(iter(pair["value"].values())) for pair in item["attributes"]}
        event = {"timeUnixNano": int(item["timeUnixNano"]), "body": "text", "attributes": attributes}
        lines.append(f"{DAY}T08:00:00.000Z {json.dumps(event)}\n")
    return gzip.compress("".join(lines).encode())


@contextmanager
def cloud(directory: Path, stack: str = "prod", **settings: Any) -> Iterator[Cloud]:
    """Yield empty archives of every class of a stack, its replica, signing key, peppers and audit stream."""
    with mock_aws():
        found = Cloud(context(stack, pepper_epochs={"2025a": "2025-12-31"}, **settings), directory)
        here = found.context
        for cls in here.policy.data_classes.classes:
            _bucket(found.client("s3"), here.archive_bucket(cls))
            if here.settings.replica:
                _bucket(found.replica, replica_bucket(here, cls), "us-west-2")
            found.client("logs").create_log_group(logGroupName=here.log_group(cls))
        found.client("logs").create_log_stream(logGroupName=here.log_group("audit"), logStreamName=STREAM)
        kms = found.client("kms")
        key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=here.key_alias(SIGNING_KEY), TargetKeyId=key)
        for name in ("redaction-pepper", "redaction-pepper-2025a"):
            found.client("secretsmanager").create_secret(Name=here.secret(name), SecretString=f"made-up-{name}")
        yield found


def _bucket(s3: Any, name: str, region: str = "") -> None:
    place = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region else {}
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True, **place)


def nothing(_name: str, _asked: dict[str, Any]) -> None:
    """Let every call through."""


def at(method: str, error: BaseException) -> Hook:
    """Return a hook that raises at each call of a method."""

    def raising(name: str, _asked: dict[str, Any]) -> None:
        if name == method:
            raise error

    return raising
