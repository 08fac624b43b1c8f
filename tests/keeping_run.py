"""An archive in moto to hold, lock and certify, and what S3 does not do by itself: small pages, refusals, crashes."""

from __future__ import annotations

import datetime
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
from tests.factories import context

NOW = datetime.datetime(2026, 11, 26, 16, tzinfo=datetime.UTC)
PAGE = 3


@dataclass
class S3:
    """moto's S3 with pages of PAGE versions, and calls that are answered with an error code."""

    real: Any
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
        return self.real.put_object_legal_hold(**asked)


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
            logGroupName=told.audit_group, logStreamName=told.audit_stream, startFromHead=True
        )
        return [event["message"] for event in events["events"]]


@contextmanager
def archive(directory: Path, cls: str = "application", *, lockable: bool = True) -> Iterator[Kept]:
    """Yield an empty archive of the sandbox's class `cls`."""
    with mock_aws():
        s3, logs = S3(boto3.client("s3", "us-east-1")), boto3.client("logs", "us-east-1")
        place = place_of(context("sandbox"), cls, Services(s3, logs, boto3.client("sts", "us-east-1")))
        s3.real.create_bucket(Bucket=place.bucket, ObjectLockEnabledForBucket=lockable)
        s3.real.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"})
        logs.create_log_group(logGroupName=place.assignment.audit_group)
        logs.create_log_stream(logGroupName=place.assignment.audit_group, logStreamName=place.assignment.audit_stream)
        yield Kept(place, s3, directory / "state")


def collected(day: str, name: str = "1", hour: str = "10") -> str:
    year, month, number = day.split("-")
    return f"otlp/year={year}/month={month}/day={number}/hour={hour}/logs_{name}.json.gz"


def window(first: str, last: str) -> Window:
    return parse_window(first, last, NOW)


def asked(why: str = "order 12 of the court") -> Asked:
    return asked_by("Ada Counsel", why, NOW)
