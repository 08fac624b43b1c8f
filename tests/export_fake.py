"""CloudWatch's exports as AWS does them, around moto: one active task an account, tasks that take time, fail, are
cancelled, are listed late and forgotten; throttling; and runs that crash, or meet another run, at any call.

moto accepts what AWS refuses and exports at once. S3 and KMS are moto's, or, where thousands of calls are made, those of
tests/export_memory.py.
"""

from __future__ import annotations

import datetime
import gzip
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from moto import mock_aws

from infra.export.targets import Assignment, Target
from tests.export_memory import Body, refusal

DAY_MS = 86_400_000
LISTED_AFTER = datetime.timedelta(minutes=2)
"""How long a task is missing from DescribeExportTasks after it was created."""
TAKES = datetime.timedelta(minutes=40)
FORGOTTEN_AFTER = datetime.timedelta(hours=30)
"""How long an ended task can still be listed."""
PAGE = 3
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Crash(BaseException):
    """The process ends here: nothing in the program may catch it."""


@dataclass
class FakeTask:
    """One export task."""

    asked: dict[str, Any]
    id: str
    created: datetime.datetime
    outcome: str
    """State that it ends in."""
    state: str = "PENDING"
    ended: datetime.datetime | None = None


@dataclass
class Event:
    """One event of a log group."""

    time_ms: int
    uid: str
    arrived: datetime.datetime


@dataclass
class Account:
    """What an account holds, and its clock. Change `now` by `advance` only."""

    now: datetime.datetime
    groups: dict[str, datetime.datetime] = field(default_factory=dict)
    """When each log group was created."""
    retention: dict[str, int] = field(default_factory=dict)
    events: dict[str, list[Event]] = field(default_factory=dict)
    tasks: list[FakeTask] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    """States that the next tasks end in; COMPLETED when there is none left."""
    throttled: int = 0
    """Calls of CloudWatch Logs that are still refused."""
    announced: list[dict[str, Any]] = field(default_factory=list)
    most_active: int = 0
    """Active tasks at once, at most."""
    s3: Any = None
    kms: Any = None

    def advance(self, by: datetime.timedelta) -> None:
        """Let time pass; tasks end on their way."""
        self.now += by
        for task in self.tasks:
            if task.state == "PENDING" and self.now >= task.created + TAKES / 4:
                task.state = "RUNNING"
            if task.state == "RUNNING" and self.now >= task.created + TAKES:
                self._end(task)

    def put(self, group: str, moment: datetime.datetime, uid: str) -> bool:
        """Take an event as PutLogEvents does; return whether it was taken."""
        oldest = self.now - min(datetime.timedelta(days=14), datetime.timedelta(days=self.retention[group]))
        if moment < oldest or moment > self.now + datetime.timedelta(hours=2):
            return False
        self.events.setdefault(group, []).append(Event(_ms(moment), uid, self.now))
        return True

    def collect(self, bucket: str, moment: datetime.datetime, uid: str) -> None:
        """Archive a record as the collector does, in the hour of its upload."""
        record = {
            "timeUnixNano": str(_ms(moment) * 1_000_000),
            "body": {"stringValue": 'quoted "timeUnixNano":"1" text'},
            "attributes": [{"key": "log.record.uid", "value": {"stringValue": uid}}],
        }
        text = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}, separators=(",", ":"))
        self.s3.put_object(
            Bucket=bucket,
            Key=f"otlp/year={self.now:%Y}/month={self.now:%m}/day={self.now:%d}/hour={self.now:%H}/logs_{uuid.uuid4()}.json.gz",
            Body=gzip.compress(text.encode()),
        )

    def held(self, group: str, begin_ms: int, until_ms: int) -> list[Event]:
        """Return what the group holds of a time, both ends included, oldest first."""
        kept_from = _ms(self.now - datetime.timedelta(days=self.retention[group]))
        found = [it for it in self.events.get(group, ()) if max(begin_ms, kept_from) <= it.time_ms <= until_ms]
        return sorted(found, key=lambda it: it.time_ms)

    def _end(self, task: FakeTask) -> None:
        events = self.held(task.asked["logGroupName"], task.asked["fromTime"], task.asked["to"])
        if task.outcome != "COMPLETED":
            events = events[: len(events) // 2]  # what a task that fails leaves behind
        below = task.asked["destinationPrefix"]
        bucket = task.asked["destination"]
        self.s3.put_object(Bucket=bucket, Key=f"{below}/aws-logs-write-test", Body=b"Permission Check Successful")
        for number in range(0, len(events), 3):
            lines = "".join(f"{_iso(it.time_ms)} {json.dumps({'uid': it.uid})}\n" for it in events[number : number + 3])
            key = f"{below}/{task.id}/collector/{number // 3:06d}.gz"
            self.s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(lines.encode()))
        task.state, task.ended = task.outcome, self.now


@dataclass
class FakeLogs:
    """The client of CloudWatch Logs, as far as the export uses it."""

    account: Account

    def create_export_task(self, **asked: Any) -> dict[str, Any]:
        """Create a task, as AWS does and moto does not."""
        account = self.account
        self._throttle("CreateExportTask")
        if asked["logGroupName"] not in account.groups:
            raise refusal("ResourceNotFoundException", "CreateExportTask", "no such group")
        if asked["to"] < _ms(account.groups[asked["logGroupName"]]) or asked["to"] < asked["fromTime"]:
            raise refusal("InvalidParameterException", "CreateExportTask", "to is earlier than the group's creation")
        if any(it.state in ("PENDING", "RUNNING", "PENDING_CANCEL") for it in account.tasks):
            raise refusal("LimitExceededException", "CreateExportTask", "Resource limit exceeded.")
        outcome = account.outcomes.pop(0) if account.outcomes else "COMPLETED"
        task = FakeTask(asked, str(uuid.uuid4()), account.now, outcome)
        account.tasks.append(task)
        account.most_active = max(account.most_active, sum(it.ended is None for it in account.tasks))
        return {"taskId": task.id}

    def describe_export_tasks(self, *, limit: int, nextToken: str = "0") -> dict[str, Any]:  # noqa: N803 - AWS's name
        """List tasks, late, a page at a time, and not for ever."""
        assert 1 <= limit <= 50
        self._throttle("DescribeExportTasks")
        now = self.account.now
        known = [
            it
            for it in self.account.tasks
            if now >= it.created + LISTED_AFTER and (it.ended is None or now < it.ended + FORGOTTEN_AFTER)
        ]
        at = int(nextToken)
        page = {"exportTasks": [_described(it) for it in known[at : at + PAGE]]}
        return page | ({"nextToken": str(at + PAGE)} if at + PAGE < len(known) else {})

    def describe_log_groups(self, *, logGroupNamePrefix: str) -> dict[str, Any]:  # noqa: N803 - AWS's name
        """List groups by prefix."""
        self._throttle("DescribeLogGroups")
        return {
            "logGroups": [
                {"logGroupName": name, "creationTime": _ms(made)}
                for name, made in sorted(self.account.groups.items())
                if name.startswith(logGroupNamePrefix)
            ]
        }

    def put_log_events(self, *, logGroupName: str, logStreamName: str, logEvents: list[Any]) -> dict[str, Any]:  # noqa: N803
        """Take audit records."""
        self._throttle("PutLogEvents")
        assert (logGroupName, logStreamName) == ("/test/audit", "export")
        self.account.announced += [json.loads(it["message"]) for it in logEvents]
        return {}

    def _throttle(self, operation: str) -> None:
        if self.account.throttled:
            self.account.throttled -= 1
            raise refusal("ThrottlingException", operation, "Rate exceeded")


class Watched:
    """A client that tells of each call before it is made and after it was."""

    def __init__(self, client: Any, tell: Callable[[], None]) -> None:
        self._client, self._tell = client, tell

    def __getattr__(self, name: str) -> Any:
        """Return the operation, watched."""
        operation = getattr(self._client, name)

        def call(**arguments: Any) -> Any:
            self._tell()
            answer = operation(**arguments)
            if name == "get_object":  # reading its body is a call that can fail, too
                answer = {**answer, "Body": Body(answer["Body"].read())}
            self._tell()
            return answer

        return call


def account_with(
    targets: list[Target], now: datetime.datetime, made: datetime.datetime, s3: Any, kms: Any
) -> tuple[Account, Assignment]:
    """Return an account that has these log groups since `made`, their buckets and a signing key, and the assignment."""
    account = Account(now, s3=s3, kms=kms)
    for target in targets:
        account.groups[target.log_group] = made
        account.retention[target.log_group] = target.hot_days
        if target.bucket:
            s3.create_bucket(Bucket=target.bucket)
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    return account, Assignment("test", tuple(targets), key, "/test/audit", "export", "policy-digest", "code-version")


@contextmanager
def moto_services() -> Iterator[tuple[Any, Any]]:
    """Yield clients of S3 and KMS that moto answers, in this process."""
    with mock_aws():
        yield boto3.client("s3", "us-east-1"), boto3.client("kms", "us-east-1")


def _described(task: FakeTask) -> dict[str, Any]:
    times = {"creationTime": _ms(task.created)} | ({"completionTime": _ms(task.ended)} if task.ended else {})
    return {
        "taskId": task.id,
        "taskName": task.asked["taskName"],
        "logGroupName": task.asked["logGroupName"],
        "status": {"code": task.state, "message": "made up"},
        "executionInfo": times,
    }


def _ms(moment: datetime.datetime) -> int:
    return (moment - EPOCH) // datetime.timedelta(milliseconds=1)


def _iso(milliseconds: int) -> str:
    moment = EPOCH + datetime.timedelta(milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
