"""Real archived records to ask about: a real collector archives them in moto's S3 and sends them to CloudWatch's double,
from where they can be exported, and to a real Loki.

What was sent is known by name, so that every question has an answer that was not found by asking it.
"""

from __future__ import annotations

import datetime
import gzip
import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.context import QUARANTINE_STREAM, STREAM, Context
from infra.documents.export_assignment import assignment
from sandbox import loki
from sandbox.archives import objects
from sandbox.doubles.aws_clients import AwsCredentials, aws_client
from sandbox.doubles.cloudwatch_otlp import CloudWatchOtlp
from sandbox.doubles.moto_server import MotoServer
from sandbox.tools.errors import ToolMissingError
from sandbox.tools.locate import locate
from tests.collector_process import CREDENTIALS
from tests.collector_run import Run, collector_run, record
from tests.factories import context, stack_values

REQUEST, USER, CIRCLE = "d578122f37714997afd41017dce1e6cf", "4711", "77"
ATTACKER, STRANGER = "203.0.113.7", "198.51.100.23"
OLD_DAY = datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)
"""Of made-up objects that no question about today has to read."""
OLD_RECORDS = 40


@dataclass
class Archived:
    """What was archived, and where."""

    context: Context
    s3: Any
    endpoint: str
    loki: str
    end: datetime.datetime
    """After the last record that is asked for."""
    sent: dict[str, str] = field(default_factory=dict)
    """Name to uid."""

    def uids(self, *names: str) -> set[str]:
        """Return the uids of the records that were sent under names that begin so."""
        return {uid for name, uid in self.sent.items() if name.startswith(names)}


def _lines(now: datetime.datetime) -> dict[str, dict[str, Any]]:
    """Return what is sent: name to a line of JSON as an application prints it."""

    def line(cls: str, minutes: float, message: str, event: str, **more: Any) -> dict[str, Any]:
        moment = now - datetime.timedelta(minutes=minutes)
        shown = {"timestamp": moment.isoformat(), "level": "ERROR", "message": message, "event": event}
        return {**shown, "tinybeans.log.class": cls, **more}

    return {
        "request 1": line("access", 30, "POST /api/keeps/ 201", "http.request", request_id=REQUEST, user_id=USER),
        "request 2": line("audit", 29, "keep.created", "audit.keep.created", request_id=REQUEST, actor_id=USER),
        "request 3": line("application", 28, 'it\'s "stored" \\ ünï', "keeps.stored", request_id=REQUEST, user_id=USER),
        "user 1": line("audit", 20, "user.logout", "audit.user.logout", actor_id=USER, request_id="r-1"),
        "other user": line("audit", 20, "user.logout", "audit.user.logout", actor_id="47110", request_id="r-2"),
        "failed 1": line(
            "security", 15, "refused", "auth.login.failed", remote_ip=ATTACKER, user_id="1", request_id="r-3"
        ),
        "failed 2": line(
            "security", 14, "refused", "auth.login.failed", remote_ip=ATTACKER, user_id="2", request_id="r-4"
        ),
        "failed 3": line(
            "security", 13, "slow down", "auth.login.rate_limited", remote_ip=ATTACKER, user_id="2", request_id="r-5"
        ),
        "failed 4": line(
            "security", 12, "refused", "auth.login.failed", remote_ip=STRANGER, user_id="3", request_id="r-6"
        ),
        "allowed": line("audit", 11, "user.login", "audit.user.login.success", remote_ip=STRANGER, request_id="r-7"),
        "deleted 1": line(
            "audit", 10, "keep.deleted", "audit.keep.deleted", circle_id=CIRCLE, actor_id="5", target_id="k-1"
        ),
        "deleted 2": line("audit", 9, "member out", "audit.circle.member.removed", circle_id=CIRCLE, actor_id="5"),
        "created": line("audit", 8, "keep.created", "audit.keep.created", circle_id=CIRCLE, actor_id="5"),
        "elsewhere": line("audit", 8, "keep.deleted", "audit.keep.deleted", circle_id="78", actor_id="5"),
        # Came a day and a half after it happened, as after an outage.
        "late": line("audit", 36 * 60, "keep.deleted", "audit.keep.deleted", circle_id=CIRCLE, actor_id="6"),
    }


@contextmanager
def archived(directory: Path) -> Iterator[Archived]:
    """Let a collector archive what `_lines` holds, one of it twice, and yield what came of it."""
    with ExitStack() as stack:
        moto = stack.enter_context(MotoServer())
        url = stack.enter_context(loki.running_loki(_loki(), directory))
        endpoints = {**json.loads(stack_values("sandbox")["endpoints"]), "loki": url}
        which = context("sandbox", destinations="cloudwatch,local", endpoints=endpoints)
        credentials = AwsCredentials(CREDENTIALS.access_key_id, CREDENTIALS.secret_access_key)
        s3 = aws_client("s3", endpoint_url=moto.endpoint, region=which.region, credentials=credentials)
        buckets = [which.archive_bucket(cls) for cls in which.policy.data_classes.classes]
        for bucket in buckets:
            s3.create_bucket(Bucket=bucket)
        now = datetime.datetime.now(datetime.UTC)
        found = Archived(which, s3, moto.endpoint, url, now)
        _log_groups(which, moto.endpoint, credentials)
        front = CloudWatchOtlp(logs_endpoint=moto.endpoint, region=which.region, credentials=credentials)
        cloudwatch = stack.enter_context(front).url.removesuffix("/v1/logs")
        addresses = {"SANDBOX_S3": moto.endpoint, "SANDBOX_CLOUDWATCH_LOGS": cloudwatch}
        with collector_run(which, directory, _sooner, **addresses) as run:
            _send(run, found, now)
            _settle(found, buckets, len(found.sent) + 1)
        for item in objects(cls="audit", start=OLD_DAY, records=OLD_RECORDS, hours=4, an_object=10):
            s3.put_object(Bucket=which.archive_bucket("audit"), Key=item.key, Body=item.content)
        yield found


def _log_groups(which: Context, endpoint: str, credentials: AwsCredentials) -> None:
    """Make what CloudWatch holds and what the nightly export needs: groups, streams, the key that signs manifests."""
    logs = aws_client("logs", endpoint_url=endpoint, region=which.region, credentials=credentials)
    kms = aws_client("kms", endpoint_url=endpoint, region=which.region, credentials=credentials)
    told = assignment(which)
    for target in told.targets:
        logs.create_log_group(logGroupName=target.log_group)
        logs.put_retention_policy(logGroupName=target.log_group, retentionInDays=target.hot_days)
        for stream in (STREAM, QUARANTINE_STREAM, told.audit_stream):
            logs.create_log_stream(logGroupName=target.log_group, logStreamName=stream)
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=told.signing_key, TargetKeyId=key)


def _send(run: Run, found: Archived, now: datetime.datetime) -> None:
    for name, line in _lines(now).items():
        run.send(name, record(json.dumps(line)))
    run.flush()
    # A client that had no answer in time sends again, with the same uid.
    again = uuid.UUID(run.sent["failed 1"])
    run.send("failed 1", record(json.dumps(_lines(now)["failed 1"])), uid=str(again))
    run.flush()
    found.sent |= run.sent


def _sooner(config: dict[str, Any]) -> None:
    """Let the archive's batches leave at once: what is tested is what is in them."""
    for exporter in config["exporters"].values():
        batching = exporter.get("sending_queue", {}).get("batch")
        if batching:
            batching |= {"flush_timeout": "100ms", "min_size": 1}


def _settle(found: Archived, buckets: list[str], count: int, seconds: float = 30.0) -> None:
    logs = aws_client(
        "logs",
        endpoint_url=found.endpoint,
        region=found.context.region,
        credentials=AwsCredentials(CREDENTIALS.access_key_id, CREDENTIALS.secret_access_key),
    )
    groups = [target.log_group for target in assignment(found.context).targets]
    deadline = time.monotonic() + seconds
    while True:
        archived_now = sum(
            gzip.decompress(found.s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()).count(
                b'"log.record.uid"'
            )
            for bucket in buckets
            for item in found.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        )
        hot = sum(len(logs.filter_log_events(logGroupName=group)["events"]) for group in groups)
        if archived_now >= count and hot >= count and len(loki.records(found.loki)) >= count - 1:
            return
        assert time.monotonic() < deadline, (
            f"{archived_now} of {count} archived, {hot} in CloudWatch, {len(loki.records(found.loki))} in Loki"
        )
        time.sleep(0.2)


def _loki() -> Path:
    try:
        return locate("loki", obtain=False)
    except ToolMissingError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no Loki: {error}")
