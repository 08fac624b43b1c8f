"""An archive in moto to hold, lock and certify, and what S3 does not do by itself: small pages, refusals, crashes."""

from __future__ import annotations

import datetime
import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

from infra.archive.keeping.place import Asked, Place, Services, asked_by, place_of
from infra.archive.window import Window, parse_window
from infra.documents.bucket_policy import REGISTER
from infra.documents.keeper_policy import STREAM, batch_trust
from sandbox.doubles.moto_batch import BadRequest, BatchOperations
from tests.factories import context

NOW = datetime.datetime(2026, 11, 26, 16, tzinfo=datetime.UTC)
PAGE = 3


@dataclass
class S3:
    """moto's S3 with pages of PAGE versions, and calls that are answered with an error code."""

    real: Any
    denied_after: int | None = None
    """Holds after which S3 denies the right."""
    refused: dict[str, str] = field(default_factory=dict)
    """Method to the error code that it is answered with."""
    crash_after: int | None = None
    """Holds after which the process is stopped."""
    holds: int = 0

    def __getattr__(self, name: str) -> Any:
        if code := self.refused.get(name):

            def refuse(**_: Any) -> Any:
                raise ClientError({"Error": {"Code": code, "Message": "made up"}}, name)

            return refuse
        return getattr(self.real, name)

    def list_object_versions(self, **asked: Any) -> Any:
        return self.real.list_object_versions(**asked, MaxKeys=PAGE)

    def put_object(self, **asked: Any) -> Any:
        # S3 asks for the right to lock whoever writes an object with a lock; moto asks for none.
        if "ObjectLockMode" in asked and (code := self.refused.get("put_object_retention")):
            raise ClientError({"Error": {"Code": code, "Message": "made up"}}, "PutObject")
        return self.real.put_object(**asked)

    def put_object_legal_hold(self, **asked: Any) -> Any:
        if code := self.refused.get("put_object_legal_hold"):
            raise ClientError({"Error": {"Code": code, "Message": "made up"}}, "PutObjectLegalHold")
        self.holds += 1
        if self.crash_after is not None and self.holds > self.crash_after:
            raise KeyboardInterrupt
        if self.denied_after is not None and self.holds > self.denied_after:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "made up"}}, "PutObjectLegalHold")
        return self.real.put_object_legal_hold(**asked)

    def get_object_retention(self, **asked: Any) -> Any:
        # moto has no such call; what it says of an object's lock when it is asked for the object is the same.
        if code := self.refused.get("get_object_retention"):
            raise ClientError({"Error": {"Code": code, "Message": "made up"}}, "GetObjectRetention")
        found = self.real.head_object(**asked)
        if "ObjectLockMode" not in found:
            raise ClientError({"Error": {"Code": "NoSuchObjectLockConfiguration", "Message": ""}}, "GetObjectRetention")
        lock = {"Mode": found["ObjectLockMode"], "RetainUntilDate": found["ObjectLockRetainUntilDate"]}
        return {"Retention": lock}


class Kms:
    """moto's KMS, with calls that are answered with an error code."""

    def __init__(self, real: Any) -> None:
        self.real = real
        self.refused: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        if code := self.refused.get(name):

            def refuse(**_: Any) -> Any:
                raise ClientError({"Error": {"Code": code, "Message": "made up"}}, name)

            return refuse
        return getattr(self.real, name)


class Control:
    """S3 Control, with jobs that the sandbox's double carries out in this process."""

    def __init__(self) -> None:
        self.double = BatchOperations()
        self.refused: dict[str, str] = {}
        self.asked: list[dict[str, Any]] = []

    def create_job(self, **asked: Any) -> Any:
        self._answer("create_job")
        self.asked.append(asked)
        operation = {
            name: json.loads(json.dumps(value, default=lambda it: it.isoformat().replace("+00:00", "Z")))
            for name, value in asked["Operation"].items()
        }
        confirmation = str(asked["ConfirmationRequired"]).lower()
        plain = {**asked, "Operation": operation, "ConfirmationRequired": confirmation}
        try:
            return {"JobId": self.double.create(asked["AccountId"], plain).id}
        except BadRequest as error:
            raise ClientError({"Error": {"Code": "InvalidRequest", "Message": str(error)}}, "CreateJob") from error

    def describe_job(self, AccountId: str, JobId: str) -> Any:  # noqa: N803 - AWS's names
        assert AccountId == "123456789012"
        self._answer("describe_job")
        made = self.double.jobs[JobId]
        return {
            "Job": {
                "JobId": made.id,
                "Status": made.status,
                "ProgressSummary": {
                    "TotalNumberOfTasks": made.succeeded + made.failed,
                    "NumberOfTasksSucceeded": made.succeeded,
                    "NumberOfTasksFailed": made.failed,
                },
            }
        }

    def _answer(self, name: str) -> None:
        if code := self.refused.get(name):
            raise ClientError({"Error": {"Code": code, "Message": "made up"}}, name)


@dataclass
class Kept:
    """An archive, and what to say about it."""

    place: Place
    s3: S3
    state: Path

    def put(self, key: str) -> str:
        return str(self.s3.real.put_object(Bucket=self.place.bucket, Key=key, Body=b"records")["VersionId"])

    def held(self) -> set[tuple[str, str]]:
        """Return key and version of whatever is held, but for the register."""
        found = set()
        for item in self.s3.real.list_object_versions(Bucket=self.place.bucket).get("Versions", []):
            where = {"Key": item["Key"], "VersionId": item["VersionId"]}
            answer = self.s3.real.get_object_legal_hold(Bucket=self.place.bucket, **where)
            if answer["LegalHold"].get("Status") == "ON" and not item["Key"].startswith(REGISTER):
                found.add((item["Key"], item["VersionId"]))
        return found

    def announced(self) -> list[str]:
        told = self.place.assignment
        events = self.place.services.logs.get_log_events(
            logGroupName=told.audit_group, logStreamName=STREAM, startFromHead=True
        )
        return [event["message"] for event in events["events"]]


@functools.cache
def client(service: str) -> Any:
    """Return a client for every test: making one takes longer than most of what it is asked."""
    session: Any = boto3.Session("made-up", "made-up", region_name="us-east-1")
    return session.client(service)


@contextmanager
def archive(directory: Path, cls: str = "application", *, lockable: bool = True) -> Iterator[Kept]:
    """Yield an empty archive of the sandbox's class `cls`."""
    with mock_aws():
        s3, logs = S3(client("s3")), client("logs")
        kms, iam = client("kms"), client("iam")
        services = Services(s3, logs, client("sts"), Kms(kms), Control())
        place = place_of(context("sandbox"), cls, services)
        key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=place.signing_key, TargetKeyId=key)
        s3.real.create_bucket(Bucket=place.batch.bucket)
        iam.create_role(
            RoleName=place.batch.role_arn.rpartition("/")[2],
            AssumeRolePolicyDocument=json.dumps(batch_trust(place.batch.account_id)),
        )
        s3.real.create_bucket(Bucket=place.bucket, ObjectLockEnabledForBucket=lockable)
        s3.real.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"})
        logs.create_log_group(logGroupName=place.assignment.audit_group)
        for stream in (place.assignment.audit_stream, STREAM):
            logs.create_log_stream(logGroupName=place.assignment.audit_group, logStreamName=stream)
        yield Kept(place, s3, directory / "state")


def collected(day: str, name: str = "1", hour: str = "10") -> str:
    year, month, number = day.split("-")
    return f"otlp/year={year}/month={month}/day={number}/hour={hour}/logs_{name}.json.gz"


def window(first: str, last: str) -> Window:
    return parse_window(first, last, NOW)


def asked(why: str = "order 12 of the court") -> Asked:
    return asked_by("Ada Counsel", why, NOW)
