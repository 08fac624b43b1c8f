"""What a collector in replay mode lets through: archived records that are clean by today's policy, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from infra.archive.replay.carry import arrived
from infra.archive.replay.door import Door
from infra.archive.replay.meters import Meters, read
from infra.archive.replay.own_collector import own_collector
from infra.documents.collector.clues import MARKER
from infra.documents.collector.replay import REPLAYED
from infra.policy.destinations import Destination
from sandbox.doubles.otlp_codec import LogRecord
from sandbox.doubles.otlp_intake import OtlpIntake, datadog
from tests.archive_fake import Quiet, uid
from tests.collector_process import environment, executable
from tests.collector_run import UID, batch, record
from tests.factories import ROOT, context

pytestmark = pytest.mark.collector
KEY = "sentinel-5f1c-datadog"
LEAK = "sentinel-5f1c-leaked"
PSEUDONYM = "[email:0123456789abcdef01234567]"
AUDIT = {"tinybeans.log.class": "audit"}
TIME = str(time.time_ns())

CLEAN = {
    "plain": record("plain", AUDIT, timeUnixNano=TIME),
    "pseudonym in text": record(
        f"mail to {PSEUDONYM} from [ip_address:0123456789abcdef01234567]", AUDIT, timeUnixNano=TIME
    ),
    "pseudonym under its name": record("b", {**AUDIT, "email": PSEUDONYM, "password": "[password]"}, timeUnixNano=TIME),
    "a whole double, as an export may write it": record("b", {**AUDIT, "duration_ms": 12}, timeUnixNano=TIME),
    "the collector's own words": record(
        "b",
        {**AUDIT, "tinybeans.problem": "attribute_name", "[attribute_name]": "x", "level": "odd"},
        timeUnixNano=TIME,
    ),
}
REFUSED = {
    "an address": (record(f"mail to {LEAK}@example.com", AUDIT, timeUnixNano=TIME), "email"),
    "a password under its name": (record("b", {**AUDIT, "password": LEAK}, timeUnixNano=TIME), "name"),
    "an address beside a pseudonym": (
        record(f"{PSEUDONYM} is {LEAK}@example.com", {**AUDIT, "email": PSEUDONYM}, timeUnixNano=TIME),
        "email",
    ),
    "a marker of pseudonyms": (record(f"{LEAK} {MARKER}0", AUDIT, timeUnixNano=TIME), "pseudonym"),
    "a forged verdict": (
        record(
            f"{LEAK}@example.com", {**AUDIT, "tinybeans.redaction": "ok", "tinybeans.normal": True}, timeUnixNano=TIME
        ),
        "email",
    ),
    "a class that may not go there": (
        record(LEAK, {"tinybeans.log.class": "nothing"}, timeUnixNano=TIME),
        "not_archived",
    ),
    "no class": (record(LEAK, timeUnixNano=TIME), "not_archived"),
    "no time": (record(LEAK, AUDIT), "not_archived"),
    "bytes": (record(b"\xff" + LEAK.encode(), AUDIT, timeUnixNano=TIME), "shape"),
    "nested": (record("b", {**AUDIT, "a": {"password": LEAK}}, timeUnixNano=TIME), "name"),
    "was withheld": (record(LEAK, {**AUDIT, "tinybeans.quarantine.reason": "size"}, timeUnixNano=TIME), "size"),
}


def with_uid(found: dict[str, Any], number: int) -> dict[str, Any]:
    return {**found, "attributes": [*found["attributes"], {"key": UID, "value": {"stringValue": uid(number)}}]}


@dataclasses.dataclass
class Outcome:
    arrived: dict[str, LogRecord]
    meters: Meters
    by_name: dict[str, str]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    directory = tmp_path_factory.mktemp("refusals")
    rows = {**CLEAN, **{name: item for name, (item, _) in REFUSED.items()}}
    names = {name: uid(number) for number, name in enumerate(rows)}
    batches = [batch([with_uid(item, number)]) for number, item in enumerate(rows.values())]
    batches += [
        batch([record(LEAK, AUDIT, timeUnixNano=TIME)]),  # no uid
        batch([with_uid(record("b", AUDIT, timeUnixNano=TIME), 900)], resource={"password": LEAK}),
        batch([with_uid(record("b", AUDIT, timeUnixNano=TIME), 901)], scope={"attributes": {"password": LEAK}}),
        batch([with_uid(record("b", AUDIT, timeUnixNano=TIME), 902)], resource={"email": PSEUDONYM}),
    ]
    with OtlpIntake(datadog(KEY)) as intake:
        endpoints = {"datadog": intake.url.removesuffix("/v1/logs")}
        stack = context("sandbox", destinations="datadog", endpoints=endpoints)
        variables = environment(DATADOG_API_KEY=KEY)
        with own_collector(
            executable(), stack, Destination.DATADOG, ROOT, directory, variables, "a-replay"
        ) as collector:
            door = Door(collector.url, 20, collector.ended)
            door.hand_over(json.dumps({"resourceLogs": batches}).encode())
            door.close()
            meters = arrived(lambda: read(collector.metrics), collector.ended, 20, Quiet())
        yield Outcome({str(item.attributes[UID]): item for item in intake.records}, meters, names)
        assert LEAK not in collector.log.read_text()


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_record_goes_through_unchanged_but_for_its_mark(outcome: Outcome, name: str) -> None:
    sent = CLEAN[name]
    found = outcome.arrived[outcome.by_name[name]]
    attributes = {item["key"]: item["value"].get("stringValue", 12.0) for item in sent["attributes"]}

    assert found.body == sent["body"]["stringValue"]
    assert {key: found.attributes[key] for key in attributes} == attributes
    assert isinstance(found.attributes.get("duration_ms", 0.0), float)
    assert found.attributes.keys() - attributes.keys() == {UID, REPLAYED, "ddtags"}
    assert found.attributes[REPLAYED] == "a-replay"
    assert str(found.time_unix_nano) == TIME


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_clean_or_not_archived_goes_nowhere(outcome: Outcome, name: str) -> None:
    assert outcome.by_name[name] not in outcome.arrived


def test_names_on_resources_and_scopes_are_looked_at_too(outcome: Outcome) -> None:
    assert not {uid(900), uid(901)} & outcome.arrived.keys()
    assert outcome.arrived[uid(902)].resource["email"] == PSEUDONYM


def test_nothing_of_what_was_refused_is_at_the_sink(outcome: Outcome) -> None:
    assert len(outcome.arrived) == len(CLEAN) + 1
    assert LEAK not in repr(outcome.arrived)


def test_what_was_refused_is_counted_by_reason(outcome: Outcome) -> None:
    expected: dict[str, int] = {"not_archived": 1, "name": 2}
    for _, reason in REFUSED.values():
        expected[reason] = expected.get(reason, 0) + 1

    assert outcome.meters.refused == expected
    assert (outcome.meters.accepted, outcome.meters.passed) == (len(CLEAN) + len(REFUSED) + 4, len(CLEAN) + 1)
