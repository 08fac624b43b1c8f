"""A replay's bookkeeping: each record once, from where it was left, whatever interrupts it."""

from __future__ import annotations

import dataclasses
import datetime
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from infra.archive.errors import ArchiveError
from infra.archive.objects import Form
from infra.archive.replay import batch
from infra.archive.replay.carry import Options, carry
from infra.archive.replay.dry_run import look
from infra.archive.replay.errors import ReplayStoppedError
from infra.archive.replay.request import Replay
from infra.archive.replay.state import State, opened
from infra.archive.window import parse_window
from infra.policy.destinations import Destination
from sandbox.doubles.cloudwatch_events import render
from sandbox.doubles.otlp_codec import Encoding, LogRecord, decode
from tests.archive_fake import BUCKET, FakeS3, Quiet, collected, collected_key, row, uid
from tests.factories import context

NOW = datetime.datetime(2026, 11, 26, 14, 30, tzinfo=datetime.UTC)
FAST = Options(rate=1e6, patience=5, past_unreadable=False)
BOTH = (Form.COLLECTED, Form.EXPORTED)
EXPORT_KEY = "export/audit/2026-11-24/1/task/collector/000000.gz"


def a_replay(forms: tuple[Form, ...] = BOTH) -> Replay:
    stack = context("sandbox", adopt={"buckets": {"audit": BUCKET}})
    window = parse_window("2026-11-24", "2026-11-24", NOW)
    return Replay(stack, "audit", Destination.DATADOG, window, forms, datetime.timedelta(days=2), "audit-test")


class Taking:
    """Takes batches, and at one of them crashes: before it has it, or after, when nobody is told."""

    def __init__(self, crashes_at: int = -1, *, after: bool = False) -> None:
        self.records: list[LogRecord] = []
        self._calls, self._crashes_at, self._after = 0, crashes_at, after

    def hand_over(self, body: bytes) -> None:
        crashes = self._calls == self._crashes_at
        self._calls += 1
        if crashes and not self._after:
            raise KeyboardInterrupt
        self.records += decode(body, Encoding.JSON)
        if crashes:
            raise KeyboardInterrupt

    @property
    def uids(self) -> Counter[str]:
        return Counter(str(item.attributes["log.record.uid"]) for item in self.records)


def an_archive() -> FakeS3:
    """Three objects of eight records, one before the window, and an export with the same records and one more."""
    objects: dict[str, bytes] = {}
    every: list[dict[str, Any]] = []
    for number in range(3):
        rows = [row(number * 8 + at, f"2026-11-24T0{number}:00:0{at}") for at in range(8)]
        objects[collected_key(f"2026-11-24T0{number}")] = collected(rows)
        every += rows
    objects[collected_key("2026-11-23T23")] = collected([row(900, "2026-11-23T23:59:59")])
    request = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [row(24, "2026-11-24T09:00:00"), *every]}]}]})
    lines = "".join(f"2026-11-24T00:00:00.000Z {render(item)}\n" for item in decode(request.encode(), Encoding.JSON))
    objects[EXPORT_KEY] = gzip.compress(f"{lines}2026-11-24T00:00:00.000Z written by hand\n".encode())
    return FakeS3(objects)


EXPECTED = {uid(number) for number in range(25)}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "RECORDS", 3)


def run(directory: Path, s3: FakeS3, taking: Taking, options: Options = FAST, forms: tuple[Form, ...] = BOTH) -> State:
    with opened(directory) as state:
        carry(s3.client, a_replay(forms), state, taking, options, Quiet())
        return state


def test_each_record_of_the_window_is_sent_once_though_both_forms_hold_it(tmp_path: Path) -> None:
    taking = Taking()
    counts = run(tmp_path, an_archive(), taking).counts

    assert taking.uids == dict.fromkeys(EXPECTED, 1)
    assert (counts.sent, counts.seen_before) == (25, 24)
    assert counts.left_out == {"outside the window": 1, "not from a collector": 1}


def test_what_is_sent_is_what_was_archived(tmp_path: Path) -> None:
    s3, taking = an_archive(), Taking()
    run(tmp_path, s3, taking, forms=(Form.COLLECTED,))
    written = [
        item
        for key in sorted(s3.objects)
        if key.startswith("otlp/") and "day=24" in key
        for item in decode(gzip.decompress(s3.objects[key]), Encoding.JSON)
    ]

    assert taking.records == written


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(9))
def test_a_crash_at_any_batch_loses_nothing_and_sends_at_most_one_batch_twice(
    tmp_path: Path, at: int, after: bool
) -> None:
    first, second = Taking(at, after=after), Taking()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, an_archive(), first)
    counts = run(tmp_path, an_archive(), second).counts

    together = first.uids + second.uids
    assert together.keys() == EXPECTED
    twice = [name for name, count in together.items() if count > 1]
    assert len(twice) == (len(first.uids) - 3 * at if after else 0) <= 3
    assert (counts.sent, counts.seen_before) == (25, 24)
    assert counts.left_out["outside the window"] == 1


def test_a_second_run_reads_on_from_the_object_that_was_not_done(tmp_path: Path) -> None:
    s3 = an_archive()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, s3, Taking(4))
    s3.asked.clear()
    run(tmp_path, s3, Taking())

    assert s3.asked == [collected_key("2026-11-24T01"), collected_key("2026-11-24T02"), EXPORT_KEY]


def test_a_truncated_object_stops_the_replay_with_its_name_and_what_was_sent_is_noted(tmp_path: Path) -> None:
    s3, taking = an_archive(), Taking()
    broken = collected_key("2026-11-24T01")
    s3.objects[broken] = s3.objects[broken][:-40]
    with pytest.raises(ArchiveError, match=rf"s3://{BUCKET}/{broken}: it is cut short"):
        run(tmp_path, s3, taking)

    sent_before_it = taking.uids
    assert sent_before_it
    s3.objects = an_archive().objects
    run(tmp_path, s3, taking)
    assert taking.uids == dict.fromkeys(EXPECTED, 1)


def test_a_truncated_object_is_passed_over_when_asked_and_said(tmp_path: Path) -> None:
    s3, taking = an_archive(), Taking()
    broken = collected_key("2026-11-24T01")
    s3.objects[broken] = s3.objects[broken][:100]
    with opened(tmp_path) as state:
        options = dataclasses.replace(FAST, past_unreadable=True)
        (error,) = carry(s3.client, a_replay((Form.COLLECTED,)), state, taking, options, Quiet())

    assert error.key == broken
    assert {uid(number) for number in [*range(8), *range(16, 24)]} <= taking.uids.keys()


def test_a_dry_run_counts_by_day_form_and_object_and_goes_on_past_what_it_cannot_read() -> None:
    s3, done = an_archive(), list[str]()
    broken = collected_key("2026-11-24T01")
    s3.objects[broken] = s3.objects[broken][:100]
    found = look(s3.client, a_replay(), lambda item: done.append(item.key))

    day = datetime.date(2026, 11, 24)
    assert {key: count for key, count in found.by_day.items() if key != (day, "collected")} == {(day, "exported"): 25}
    assert 16 <= found.by_day[day, "collected"] < 24
    assert found.records == sum(found.by_day.values())
    assert found.records >= 16 + 25
    counts = {item.item.key: (item.records, item.left_out) for item in found.first if item.item.key != broken}
    assert counts == {
        collected_key("2026-11-24T00"): (8, 0),
        collected_key("2026-11-24T02"): (8, 0),
        EXPORT_KEY: (25, 1),
    }
    assert found.left_out == {"outside the window": 1, "not from a collector": 1}
    assert [error.key for error in found.unreadable] == [broken]
    assert len(done) == found.read == 5


def test_a_window_that_ends_now_stays_what_it_was_for_the_next_run(tmp_path: Path) -> None:
    first, later = (parse_window("2026-11-26", "2026-11-26", NOW + datetime.timedelta(hours=at)) for at in (0, 1))
    with opened(tmp_path) as state:
        assert state.window(first) == first
    with opened(tmp_path) as state:
        assert state.window(later) == first


def test_one_replay_runs_once_at_a_time(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(ReplayStoppedError, match="running already"), opened(tmp_path):
        pass


def test_a_checkpoint_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").write_bytes(b"not a database, but long enough to be taken for one" * 9)
    with pytest.raises(ReplayStoppedError, match=r"state.sqlite cannot be used .*AGAIN=1"), opened(tmp_path):
        pass
