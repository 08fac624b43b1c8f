"""A replay from end to end: what the real collector archived arrives in the real Loki and at Datadog as it was."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from infra.archive import commands_replay
from infra.documents.collector.clues import MARKER
from infra.documents.collector.replay import REPLAYED
from infra.documents.collector.sink_window import ORIGINAL
from sandbox import loki
from sandbox.doubles.otlp_codec import LogRecord
from sandbox.tools.errors import ToolMissingError
from sandbox.tools.locate import locate
from tests.archive_fake import collected, collected_key, row, uid
from tests.collector_run import Run, record
from tests.replay_run import Archived, archived, days, line

pytestmark = pytest.mark.collector
DAY_NS = 86_400 * 10**9
PLAIN = 120
ADDED_BY_LOKI = {
    "tinybeans_replayed", "deployment_environment_name", "observed_timestamp", "scope_name", "scope_version",
    "severity_number", "severity_text", "severity_text_extracted", "trace_id", "span_id", "flags", "kind", "event_name",
}  # fmt: skip
"""What of a record is no attribute, under the name that Loki gives it."""
AUDIT = {"tinybeans.log.class": "audit"}


def fill(run: Run) -> None:
    """Send records in which there is something to lose: values that were redacted, numbers, ids, times, escapes."""
    now = time.time_ns()
    scope = {"name": "mysite.audit", "version": "1.2", "attributes": {"kind": "sdk"}}
    more: dict[str, Any] = {
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
    run.send("withheld", record("withheld", {"tinybeans.log.class": "security", "note": f"{MARKER}0"}))
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


@pytest.fixture(scope="module")
def at_loki(found: Archived) -> Iterator[str]:
    try:
        program = locate("loki", obtain=False)
    except ToolMissingError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no Loki: {error}")
    directory = found.directory / "loki"
    directory.mkdir()
    with loki.running_loki(program, directory) as url:
        yield url


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

    assert result.exit_code == 0, result.stdout + result.stderr
    arrived = found.in_datadog()
    assert {name: len(items) for name, items in arrived.items()} == dict.fromkeys(before, 1)
    for name, original in before.items():
        replayed = arrived[name][0]
        assert as_it_was(replayed) == as_it_was(original)
        assert replayed.attributes[REPLAYED].startswith("audit-")
        if ORIGINAL not in replayed.attributes:
            assert replayed.time_unix_nano == original.time_unix_nano
    (old,) = [name for name, item in before.items() if item.body == "old"]
    assert ORIGINAL in arrived[old][0].attributes
    assert "were met again and not sent twice" in result.stdout


def by_name(attributes: dict[str, Any]) -> dict[str, str]:
    """Return attributes as Loki holds them: names of letters, digits and underscores, values of text."""
    return {re.sub("[^A-Za-z0-9_]", "_", name): str(item) for name, item in attributes.items()}


def test_what_was_archived_arrives_in_loki_as_it_was_and_again_under_the_same_uids(
    found: Archived, at_loki: str
) -> None:
    before = found.records("audit")
    asked = ["--class", "audit", *window(), "--to-sink", "local"]
    result = found.replay(*asked, SANDBOX_LOKI=at_loki)

    assert result.exit_code == 0, result.stdout + result.stderr
    arrived = {item.metadata["log_record_uid"]: item for item in loki.records(at_loki)}
    assert arrived.keys() == before.keys()
    for name, original in before.items():
        replayed = arrived[name]
        held = {**replayed.labels, **replayed.metadata}
        attributes = by_name({**original.resource, **original.attributes})
        assert {name: held.get(name) for name in attributes} == attributes
        assert (replayed.time_unix_nano, replayed.line) == (original.time_unix_nano, original.body or "")
        assert held.get("trace_id", "") == original.trace_id
        added = held.keys() - attributes.keys()
        assert "tinybeans_replayed" in added
        assert added <= ADDED_BY_LOKI

    assert ", was replayed before" in found.replay(*asked, SANDBOX_LOKI=at_loki).stdout
    assert len(loki.records(at_loki)) == len(before)

    once_more = found.replay(*asked, "--again", "--form", "exported", SANDBOX_LOKI=at_loki)
    assert once_more.exit_code == 0, once_more.stdout + once_more.stderr
    assert {item.metadata["log_record_uid"] for item in loki.records(at_loki)} == before.keys()


def test_a_dry_run_counts_by_day_and_object_and_sends_nothing(found: Archived, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = sum(len(items) for items in found.in_datadog().values())
    monkeypatch.setattr(commands_replay.out, "_width", 300)
    result = found.replay("--class", "access", *window(), "--to-sink", "datadog", "--dry-run")

    kept = len(found.records("access"))
    assert result.exit_code == 0, result.stderr
    assert re.search(rf"{days()} +│ collected +│ +{kept}\b", result.stdout)
    assert re.search(rf"{days()} +│ exported +│ +{kept}\b", result.stdout)
    assert re.search(r"otlp/year=\d{4}/month=\d{2}/day=\d{2}/hour=\d{2}/logs_[0-9a-f-]{36}\.json\.gz", result.stdout)
    assert sum(len(items) for items in found.in_datadog().values()) == sent


def test_sampled_records_keep_how_many_they_stand_for(found: Archived) -> None:
    before = found.records("access")
    assert 0 < len(before) < PLAIN
    result = found.replay("--class", "access", *window(), "--to-sink", "datadog")

    assert result.exit_code == 0, result.stdout + result.stderr
    arrived = found.in_datadog()
    assert all(name in arrived for name in before), "a replay samples nothing"
    for name, original in before.items():
        count = arrived[name][0].attributes["sampling.adjusted_count"]
        assert (count, type(count)) == (original.attributes["sampling.adjusted_count"], float)


def test_no_withheld_record_is_replayed(found: Archived) -> None:
    bucket = found.context.archive_bucket("security")
    keys = [item["Key"] for item in found.s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert [key.split("/")[0] for key in keys if "quarantine" in key] == ["export", "otlp"]
    result = found.replay("--class", "security", *window(), "--to-sink", "datadog", "--dry-run")

    assert result.exit_code == 0, result.stderr
    assert "0 records in 0 of 0 objects" in result.stdout


def test_a_truncated_object_ends_the_replay_with_its_name_and_nothing_of_it_is_sent(found: Archived) -> None:
    bucket, key = found.context.archive_bucket("client"), collected_key(f"{days(1)}T08")
    rows = [row(number, f"{days(1)}T08:00:00", cls="client") for number in range(20)]
    found.s3.put_object(Bucket=bucket, Key=key, Body=collected(rows)[:-60])
    asked = ["--class", "client", *window(), "--to-sink", "datadog"]
    nobody = ["--collector", "http://127.0.0.1:9"]

    for arguments in ([*asked, "--dry-run"], [*asked, *nobody]):
        result = found.replay(*arguments)
        assert result.exit_code == 1
        assert re.search(rf"s3://{bucket}/{key}: it is cut short.* at byte [\d,]+ of its text", result.output)
    assert "--skip-unreadable" in result.stderr
    assert not {uid(number) for number in range(20)} & found.in_datadog().keys()
