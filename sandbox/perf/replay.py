"""`python -m sandbox.perf.replay`: time and memory of a replay's own part, on archives that are made while they are read.

Everything of `make replay` but the collector: objects unpacked and parsed, uids kept, batches written, the checkpoint on
disk. Making the objects is not counted.
"""

from __future__ import annotations

import datetime
import gzip
import io
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from botocore.response import StreamingBody
from rich.console import Console
from rich.table import Table

from infra.archive.objects import ArchiveObject, Form
from infra.archive.replay.carry import Options, carry
from infra.archive.replay.meters import Meters
from infra.archive.replay.request import Replay
from infra.archive.replay.state import opened
from infra.archive.window import parse_window
from infra.policy.destinations import Destination
from infra.stack import ROOT
from infra.stack_file import context_from_file
from sandbox.engine import STACK
from sandbox.peak import peak_bytes

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

EACH = 10_000
"""Records in an object: about 8 MB of JSON, as the collector writes at most."""
MEMORY_BAR_MIB = 300
DAY = datetime.date(2026, 11, 24)
_ROW = (
    '{"timeUnixNano":"1795514400000000000","observedTimeUnixNano":"1795514400000000001","severityNumber":9,'
    '"severityText":"INFO","body":{"stringValue":"keep uploaded by [email:0123456789abcdef01234567]"},"attributes":['
    '{"key":"log.record.uid","value":{"stringValue":"00000000-0000-7000-8000-%012d"}},'
    '{"key":"tinybeans.log.class","value":{"stringValue":"audit"}},{"key":"event","value":{"stringValue":"keep.created"}},'
    '{"key":"request_id","value":{"stringValue":"d578122f37714997afd41017dce1e6cf"}},'
    '{"key":"user_id","value":{"stringValue":"4242"}},{"key":"circle_id","value":{"stringValue":"77"}},'
    '{"key":"http.route","value":{"stringValue":"/api/keeps/{id}"}},{"key":"duration_ms","value":{"doubleValue":12.5}},'
    '{"key":"remote_ip","value":{"stringValue":"[ip_address:0123456789abcdef01234567]"}}],'
    '"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","eventName":"keep.created"}'
)
_HEAD = '{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"web"}}]},"scopeLogs":[{"scope":{},"logRecords":['


class Generated:
    """An archive of so many records, whose objects exist while they are read."""

    def __init__(self, records: int) -> None:
        self._objects = -(-records // EACH)
        self._records = records
        self.seconds = 0.0
        """CPU time that making them took."""

    @property
    def client(self) -> S3Client:
        """Return it as what reads archives expects it."""
        return cast("S3Client", self)

    def get_object(self, **asked: str) -> dict[str, Any]:
        """Return an object, made now."""
        began = time.process_time()
        first = int(asked["Key"].rsplit("_", 1)[1].split(".")[0]) * EACH
        rows = ",".join(_ROW % number for number in range(first, min(first + EACH, self._records)))
        raw = gzip.compress(f"{_HEAD}{rows}]}}]}}]}}".encode(), compresslevel=1)
        del rows
        self.seconds += time.process_time() - began
        return {"Body": StreamingBody(io.BytesIO(raw), len(raw))}

    def get_paginator(self, _: str) -> Generated:
        """Return what lists the objects."""
        return self

    def paginate(self, **asked: str) -> Iterator[dict[str, Any]]:
        """Yield one page an object."""
        now = datetime.datetime.now(datetime.UTC)
        for number in range(self._objects):
            key = f"otlp/year=2026/month=11/day=24/hour=08/logs_{number:08d}.json.gz"
            if key.startswith(asked["Prefix"]) and key > asked.get("StartAfter", ""):
                yield {"Contents": [{"Key": key, "Size": 1, "LastModified": now}]}


class Nowhere:
    """Takes every batch, and is told of everything."""

    def hand_over(self, body: bytes) -> None:
        """Take it."""

    def object_done(self, item: ArchiveObject) -> None:
        """Say nothing."""

    def sent(self, records: int) -> None:
        """Say nothing."""

    def waiting(self, meters: Meters) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Measured:
    """One replay."""

    records: int
    seconds: float
    """CPU time."""
    memory_mib: float
    """The most that this process ever had."""


def measure(records: int) -> Measured:
    """Return what replaying `records` takes."""
    now = datetime.datetime.combine(DAY, datetime.time(), datetime.UTC) + datetime.timedelta(days=5)
    window = parse_window(DAY.isoformat(), DAY.isoformat(), now)
    context = context_from_file(STACK, ROOT, now.date())
    replay = Replay(
        context, "audit", Destination.DATADOG, window, (Form.COLLECTED,), datetime.timedelta(days=2), "perf"
    )
    archive, nowhere = Generated(records), Nowhere()
    with tempfile.TemporaryDirectory() as directory, opened(Path(directory)) as state:
        began = time.process_time()
        carry(archive.client, replay, state, nowhere, Options(1e9, 1, past_unreadable=False), nowhere)
        seconds = time.process_time() - began - archive.seconds
        if state.counts.sent != records:
            raise AssertionError(f"{state.counts.sent:,} of {records:,} were sent")
    return Measured(records, seconds, peak_bytes() / 1024**2)


def main(
    records: Annotated[
        list[int] | None, typer.Option(min=1, help="How many; may be given again, smallest first.")
    ] = None,
) -> None:
    """Measure a replay's CPU time and memory. Exit status 1: more than 300 MiB."""
    console = Console()
    table = Table("records", "CPU s", "records per CPU s", "most memory, MiB")
    found = []
    for count in records or [100_000, 1_000_000]:
        with console.status(f"{count:,} records"):
            found.append(measure(count))
        item = found[-1]
        table.add_row(
            f"{item.records:,}", f"{item.seconds:.1f}", f"{item.records / item.seconds:,.0f}", f"{item.memory_mib:.0f}"
        )
    console.print(table)
    raise typer.Exit(int(any(item.memory_mib > MEMORY_BAR_MIB for item in found)))


if __name__ == "__main__":
    typer.run(main)
