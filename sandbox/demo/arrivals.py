"""Reading back what arrived, from each sink's own API: CloudWatch Logs, the archive buckets, the SaaS intakes."""

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.context import Context
from sandbox.demo.traffic import UID
from sandbox.doubles.cloud import RunningCloud
from sandbox.doubles.otlp_codec import Encoding, LogRecord, decode
from sandbox.doubles.otlp_intake import flatten

CLASS = "tinybeans.log.class"


@dataclass(frozen=True)
class Arrived:
    """One record as a sink holds it."""

    sink: str
    place: str
    """Log group and stream, bucket and key, or the intake's name."""
    cls: str
    uid: str
    body: str
    text: str = field(repr=False)
    """Everything that the sink holds of it, as text."""


@dataclass(frozen=True)
class ArchiveObject:
    """One object in an archive bucket."""

    bucket: str
    key: str
    size_bytes: int
    records: int
    encryption: str
    lock: str


def in_cloudwatch(logs: Any, context: Context) -> list[Arrived]:
    """Return every record in every class's log group."""
    found: list[Arrived] = []
    for cls in context.policy.data_classes.classes:
        group = context.log_group(cls)
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        for event in (event for page in pages for event in page["events"]):
            record = json.loads(event["message"])
            place = f"{group}:{event['logStreamName']}"
            found.append(
                _arrived("cloudwatch", place, record.get("attributes", {}), record.get("body"), event["message"])
            )
    return found


def in_archives(s3: Any, context: Context) -> tuple[list[Arrived], list[ArchiveObject]]:
    """Return every record in every class's archive bucket, and the objects that hold them."""
    found: list[Arrived] = []
    objects: list[ArchiveObject] = []
    for cls in context.policy.data_classes.classes:
        bucket = context.archive_bucket(cls)
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        for item in (item for page in pages for item in page.get("Contents", [])):
            answer = s3.get_object(Bucket=bucket, Key=item["Key"])
            raw = answer["Body"].read()
            records = decode(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw, Encoding.JSON)
            objects.append(
                ArchiveObject(
                    bucket,
                    item["Key"],
                    item["Size"],
                    len(records),
                    answer.get("ServerSideEncryption", "none"),
                    answer.get("ObjectLockMode", "none"),
                )
            )
            found += [_from_otlp("archive", f"s3://{bucket}/{item['Key']}", record) for record in records]
    return found, objects


def in_intakes(cloud: RunningCloud, names: Iterable[str]) -> list[Arrived]:
    """Return every record that the SaaS doubles hold."""
    return [_from_otlp(name, name, record) for name in names for record in cloud.intakes[name].records]


def _from_otlp(sink: str, place: str, record: LogRecord) -> Arrived:
    return _arrived(sink, place, record.attributes, record.body, json.dumps(flatten(record), ensure_ascii=False))


def _arrived(sink: str, place: str, attributes: Mapping[str, Any], body: Any, text: str) -> Arrived:
    shown = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return Arrived(sink, place, str(attributes.get(CLASS, "")), str(attributes.get(UID, "")), shown, text)
