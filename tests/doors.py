"""Ways in for tests: the sandbox's collector with the receivers that a test names, and what arrived."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from infra.context import Context
from infra.documents.collector import collector_config
from infra.documents.collector.way import spill_exporter
from infra.policy.data_classes import DataClass
from tests.collector_run import Arrived, Run, collector_run
from tests.factories import ROOT, policy, settings

WITHIN_SECONDS = 20.0


def stack(receivers: dict[str, Any], *, classes: dict[str, DataClass] | None = None, **sections: Any) -> Context:
    """Return the sandbox's context with these receivers; `classes` replace classes of the policy."""
    found = settings("sandbox", destinations="cloudwatch", receivers=receivers, **sections)
    known = policy().data_classes
    changed = known.model_copy(update={"classes": {**known.classes, **(classes or {})}})
    return Context(found, replace(policy(), data_classes=changed))


QUEUE_BYTES = 60_000
REFUSED = "otelcol_exporter_enqueue_failed_log_records"
PRINTED_AT = datetime.now(UTC).replace(microsecond=133_106) - timedelta(hours=1)
"""When the line of the contract was written: recently, as every sink's window asks."""


def narrow(config: dict[str, Any]) -> dict[str, Any]:
    """Return `config` with queues and spills that are soon full."""
    for exporter in config["exporters"].values():
        queue = exporter.get("sending_queue", {})
        if "storage" not in queue:
            continue
        batch = {"min_size": 1000, "max_size": 20_000, "flush_timeout": "100ms"}
        batches = {"batch": {**queue["batch"], **batch}} if "batch" in queue else {}
        exporter["sending_queue"] = {**queue, "queue_size": QUEUE_BYTES, **batches}
    return config


@contextmanager
def running(
    where: Context,
    directory: Path,
    change: Callable[[dict[str, Any]], dict[str, Any]] = lambda config: config,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Run]:
    """Run the collector of `where` with doubles for its sinks, its configuration altered by `change`."""
    with (
        patch("tests.collector_run.collector_config", lambda *given: change(collector_config(*given))),
        collector_run(where, directory, **(variables or {})) as found,
    ):
        yield found


def until_refused(found: Run, seconds: float = WITHIN_SECONDS) -> None:
    """Return once a sink's spill, which is asked when its queue is full, has refused records too."""
    deadline = time.monotonic() + seconds
    while not found.collector.metric(REFUSED, exporter=spill_exporter("cloudwatch")):
        assert time.monotonic() < deadline, "no spill was ever full"
        time.sleep(0.05)


def until(found: Run, enough: Callable[[list[Arrived]], bool], seconds: float = WITHIN_SECONDS) -> list[Arrived]:
    """Return what arrived as soon as it is enough; fails with what there is when it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not enough(arrived := found.cloudwatch.arrived):
        assert time.monotonic() < deadline, (
            f"{len(arrived)} arrived: {[str(item.record.body)[:80] for item in arrived][-20:]}; "
            f"{found.collector.log.read_text()[-1500:]}"
        )
        time.sleep(0.05)
    return arrived


def at_least(count: int) -> Callable[[list[Arrived]], bool]:
    """Return whether that many arrived."""
    return lambda arrived: len(arrived) >= count


def by_attribute(arrived: list[Arrived], key: str, value: str) -> Arrived:
    """Return the one record with this attribute."""
    found = [item for item in arrived if item.record.attributes.get(key) == value]
    assert len(found) == 1, f"{key}={value} arrived {len(found)} times"
    return found[0]


def by_body(arrived: list[Arrived], start: str) -> Arrived:
    """Return the one record whose body begins like this."""
    found = [item for item in arrived if str(item.record.body).startswith(start)]
    assert len(found) == 1, f"{start!r} arrived {len(found)} times"
    return found[0]


def contract() -> list[dict[str, Any]]:
    """Return the rows of the table in docs/logging-contract.md."""
    page = (ROOT / "docs" / "logging-contract.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \| `(.+?)` \| `(.+?)` \|$", page, re.M)
    assert len(rows) > 20
    return [
        {"key": key, "becomes": to.strip("`"), "example": json.loads(example), "reads": reads}
        for key, to, example, reads in rows
    ]


def contract_line() -> dict[str, Any]:
    """Return one line that has every field of the contract, written at PRINTED_AT."""
    return {row["key"]: row["example"] for row in contract()} | {"timestamp": PRINTED_AT.isoformat()}


def nanoseconds(at: datetime) -> str:
    """Return `at` as OTLP has it: Unix nanoseconds, as text."""
    return str((at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000)


def differences(arrived: Arrived) -> list[str]:
    """Return where `arrived`, sent as `contract_line`, is not what the contract says."""
    record, wrong = arrived.record, []
    plain = {
        "time": str(record.time_unix_nano),
        "severity": record.severity_text,
        "body": record.body,
        "trace id": record.trace_id,
        "span id": record.span_id,
    }
    for row in contract():
        reads = nanoseconds(PRINTED_AT) if row["becomes"] == "time" else row["reads"]
        got = plain.get(row["becomes"], record.attributes.get(row["becomes"]))
        if str(got) != reads:
            wrong.append(f"{row['becomes']}: {got!r}, not {reads!r}")
        if row["key"] != row["becomes"] and row["key"] in record.attributes:
            wrong.append(f"{row['key']} is still there")
    return wrong
