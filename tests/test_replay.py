"""A replay from end to end: what the real collector archived arrives in the real Loki and at Datadog as it was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.archive.records import UID
from infra.documents.collector.replay import REPLAYED
from infra.documents.collector.sink_window import ORIGINAL
from sandbox import loki
from sandbox.doubles.otlp_codec import LogRecord
from sandbox.tools.errors import ToolMissingError
from sandbox.tools.locate import locate
from tests.collector_run import Run, record
from tests.replay_run import Archived, archived, days, line

pytestmark = pytest.mark.collector
DAY_NS = 86_400 * 10**9
PLAIN = 120
AUDIT = {"tinybeans.log.class": "audit"}


def fill(run: Run) -> None:
    """Send records in which there is something to lose: values that were redacted, numbers, ids, times, escapes."""
    now = time.time_ns()
    scope = {"name": "mysite.audit", "version": "1.2", "attributes": {"kind": "sdk"}}
    more = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "timeUnixNano": str(now - 5 * 10**9),
    }
    run.send(
        "pseudonym",
        record("mail to grandma@example.com", {**AUDIT, "email": "a@b.example", "ip": "203.0.113.7"}),
        scope=scope,
    )
    run.send("secret", record("login", {**AUDIT, "password": "hunter22", "event": "auth.login.failed"}))
    run.send("ids", record('ü \n"quoted" \\ \x1b', AUDIT, **more), resource={"host.name": "web-1"}, scope=scope)
    numbers = {
        **AUDIT,
        "http.response.status_code": 201,
        "duration_ms": 12.5,
        "user_id": 42,
        "nested": {"list": [1, "b"]},
    }
    run.send("numbers", record("numbers", numbers, 9, observedTimeUnixNano=str(now)))
    run.send("empty", record("", AUDIT))
    run.send("object", record('text: {"a": 1}', AUDIT))
    run.send("old", record("old", AUDIT, timeUnixNano=str(now - 3 * DAY_NS)))
    run.send(
        "line",
        line(level="ERROR", message="from a line", logger="mysite.audit", service="tinybeans-web", environment="prod"),
    )
    run.send("withheld", record("withheld", {"tinybeans.log.class": "security", "note": "tinybeans-pseudonym:0"}))
    run.send("sampled", record("served", {"tinybeans.log.class": "access"}, 9, traceId="0" * 31 + "1"))
    for number in range(PLAIN):
        run.send(f"plain {number}", record(f"plain {number}", {**AUDIT, "sequence": number}))
        run.send(
            f"served {number}", record("served", {"tinybeans.log.class": "access"}, 9, traceId=f"{number + 1:032x}")
        )
    run.flush()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archived]:
    with archived(tmp_path_factory.mktemp("replay"), fill) as cloud:
        yield cloud


def window(before: int = 4) -> list[str]:
    return ["--from", days(before), "--to", days()]


def as_it_was(item: LogRecord) -> dict[str, Any]:
    """Return what of a record no sink may have changed; names of the sender may stand on the record or its resource."""
    attributes = {**item.resource, **item.attributes}
    for added in (REPLAYED, ORIGINAL, "ddtags"):
        attributes.pop(added, None)
    attributes.setdefault("deployment.environment.name", "sandbox")
    return {
        "body": item.body or "",
        "attributes": attributes,
        "severity": (item.severity_number, item.severity_text),
        "observed": item.observed_time_unix_nano,
        "scope": item.scope,
        "ids": (item.trace_id, item.span_id, item.event_name, item.flags),
    }


def test_what_was_archived_arrives_at_datadog_as_it_was_and_marked(found: Archived) -> None:
    before = found.records("audit")
    assert len(before) == PLAIN + 8
    result = found.replay("--class", "audit", *window(), "--to-sink", "datadog")

    assert result.returncode == 0, result.stdout + result.stderr
    arrived = found.in_datadog()
    assert {uid: len(items) for uid, items in arrived.items()} == dict.fromkeys(before, 1)
    for uid, original in before.items():
        replayed = arrived[uid][0]
        assert as_it_was(replayed) == as_it_was(original)
        assert replayed.attributes[REPLAYED].startswith("audit-")
        if ORIGINAL not in replayed.attributes:
            assert replayed.time_unix_nano == original.time_unix_nano
    (old,) = [uid for uid, item in before.items() if item.body == "old"]
    assert ORIGINAL in arrived[old][0].attributes
    assert "were met again and not sent twice" in result.stdout
