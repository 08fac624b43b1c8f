"""What stands in for each destination, and how what arrived there reads: plain fields by the record's uid."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.context import QUARANTINE_STREAM, STREAM, Context
from sandbox import loki
from sandbox.doubles.aws_clients import SANDBOX_CREDENTIALS, aws_client
from sandbox.doubles.cloud import RunningCloud, running_cloud
from sandbox.doubles.otlp_codec import Encoding, LogRecord, decode
from sandbox.doubles.otlp_intake import IntakeSpec, OtlpIntake, datadog, elastic, newrelic
from sandbox.doubles.syslog_tls import SyslogTls, certificate
from sandbox.tools.errors import ToolMissingError
from sandbox.tools.locate import locate

UID = "log.record.uid"
SENTINEL = "sentinel-5f1c-{}"
"""Made-up keys; no sink but its own may ever see one."""
INTAKES = {"datadog": datadog, "newrelic": newrelic, "elastic": elastic}

Arrived = dict[str, dict[str, Any]]


@dataclass
class Sink:
    """One destination's double: settings that lead there, variables for the collector, and what arrived by uid."""

    endpoints: dict[str, str]
    arrived: Callable[[], Arrived]
    variables: dict[str, str] = field(default_factory=dict)
    prepare: Callable[[Context], None] = lambda _: None
    """Creates what the destination must have before the collector starts."""
    stats: Callable[[], Any] = lambda: None


@contextmanager
def doubles(names: Iterable[str], directory: Path) -> Iterator[dict[str, Sink]]:
    """Run the doubles of the destinations `names` until the block ends; each has a directory of its own."""
    with ExitStack() as stack:
        found: dict[str, Sink] = {}
        cloud: RunningCloud | None = None
        for name in names:
            place = directory / name
            place.mkdir()
            if name in ("cloudwatch", "archive"):
                cloud = cloud or stack.enter_context(running_cloud(region="us-east-1"))
                found[name] = _aws(cloud, name)
            else:
                found[name] = stack.enter_context(_single(name, place))
        yield found


def _single(name: str, directory: Path) -> AbstractContextManager[Sink]:
    match name:
        case "datadog" | "newrelic" | "elastic":
            return _intake(name)
        case "loggly":
            return _loggly(directory)
        case "local":
            return _loki(directory)
        case _:
            raise ValueError(f"{name} is no sink")


@contextmanager
def _intake(name: str) -> Iterator[Sink]:
    made: Mapping[str, Callable[[str], IntakeSpec]] = INTAKES
    with OtlpIntake(made[name](SENTINEL.format(name))) as intake:
        address = intake.url.removesuffix("/v1/logs")
        variable = {"datadog": "DATADOG_API_KEY", "newrelic": "NEW_RELIC_LICENSE_KEY", "elastic": "ELASTIC_API_KEY"}
        yield Sink(
            {name: address},
            lambda: {str(item.attributes[UID]): otlp(item) for item in intake.records},
            {variable[name]: SENTINEL.format(name)},
            stats=lambda: intake.stats,
        )


@contextmanager
def _loggly(directory: Path) -> Iterator[Sink]:
    pem, token = certificate(directory), SENTINEL.format("loggly")
    with SyslogTls(token, pem) as double:

        def arrived() -> Arrived:
            assert not double.refused, double.refused
            found = {}
            for item in double.messages:
                message = json.loads(item.message)
                found[message.pop(UID)] = _filled(
                    time=item.timestamp,
                    priority=item.priority,
                    hostname=item.hostname,
                    appname=item.appname,
                    msg_id=item.msg_id,
                    tags=item.tags,
                    message=message,
                )
            return found

        variables = {"LOGGLY_TOKEN": token, "SSL_CERT_FILE": str(pem)}
        yield Sink({"loggly": double.address}, arrived, variables)


@contextmanager
def _loki(directory: Path) -> Iterator[Sink]:
    try:
        program = locate("loki", obtain=False)
    except ToolMissingError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no Loki: {error}")
    with loki.running_loki(program, directory) as url:
        yield Sink({"loki": url}, lambda: _from_loki(url), stats=lambda: loki.series(url))


def _from_loki(url: str) -> Arrived:
    found = {}
    for record in loki.records(url):
        metadata = dict(record.metadata)
        metadata.pop("observed_timestamp", None)
        uid = metadata.pop("log_record_uid")
        found[uid] = _filled(time=record.time_unix_nano, labels=record.labels, line=record.line, metadata=metadata)
    return found


def _aws(cloud: RunningCloud, name: str) -> Sink:
    logs = aws_client("logs", endpoint_url=cloud.aws_endpoint, region=cloud.region)
    s3 = aws_client("s3", endpoint_url=cloud.aws_endpoint, region=cloud.region)
    used: list[Context] = []

    def prepare(context: Context) -> None:
        used.append(context)
        if name == "archive":
            for cls in context.policy.data_classes.classes:
                s3.create_bucket(Bucket=context.archive_bucket(cls))
            return
        for cls, data_class in context.policy.data_classes.classes.items():
            group = context.log_group(cls)
            logs.create_log_group(logGroupName=group)
            kept = data_class.hot_retention_days.at(context.settings.environment)
            logs.put_retention_policy(logGroupName=group, retentionInDays=kept)
            for stream in (STREAM, QUARANTINE_STREAM):
                logs.create_log_stream(logGroupName=group, logStreamName=stream)

    def events() -> Arrived:
        found = {}
        for cls in used[-1].policy.data_classes.classes:
            group = used[-1].log_group(cls)
            for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
                for event in page["events"]:
                    shown = json.loads(event["message"])
                    uid = shown["attributes"].pop(UID)
                    shown.pop("observedTimeUnixNano")
                    shown["time"] = shown.pop("timeUnixNano")
                    found[uid] = {"group": group, "stream": event["logStreamName"], **shown}
        return found

    def objects() -> Arrived:
        found = {}
        for cls in used[-1].policy.data_classes.classes:
            bucket = used[-1].archive_bucket(cls)
            for item in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
                raw = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
                for record in decode(gzip.decompress(raw), Encoding.JSON):
                    found[str(record.attributes[UID])] = {"bucket": bucket, "key": item["Key"], **otlp(record)}
        return found

    variables = {
        key: value
        for key, value in SANDBOX_CREDENTIALS.child_environment("us-east-1").items()
        if key.startswith("AWS_")
    }
    if name == "archive":
        return Sink({"s3": cloud.aws_endpoint}, objects, variables, prepare)
    address = cloud.cloudwatch_logs_endpoint.removesuffix("/v1/logs")
    return Sink({"cloudwatch_logs": address}, events, variables, prepare, stats=lambda: cloud.cloudwatch.stats)


def otlp(item: LogRecord) -> dict[str, Any]:
    """Return a record that arrived by OTLP, its uid and the time of observation left out, as are empty fields."""
    attributes = {key: value for key, value in item.attributes.items() if key != UID}
    return _filled(
        time=item.time_unix_nano,
        severity_number=item.severity_number,
        severity_text=item.severity_text,
        body=item.body,
        attributes=attributes,
        resource=item.resource,
        scope=item.scope,
        trace_id=item.trace_id,
        span_id=item.span_id,
        event_name=item.event_name,
    )


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in ("", 0, {}, None)}
