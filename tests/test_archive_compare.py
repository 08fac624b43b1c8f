"""Export and collector's archive are compared record by record: every difference gets a name, whatever the size."""

import datetime
import json
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.archive.objects import Form
from infra.archive.records import ArchivedRecord
from infra.archive.verify_content import uid_key
from infra.archive.verify_parts import DAY_NS, Side, Uids
from infra.archive.verify_records import (
    EPOCH,
    ExportedDay,
    Outcome,
    collected_traits,
    compared,
    exported_traits,
    summed,
)
from infra.documents.collector.sink_window import ORIGINAL
from infra.export import audit
from tests.factories import ROOT

DAY = datetime.date(2026, 11, 19)
NOON = (DAY - EPOCH).days * DAY_NS + DAY_NS // 2
BEGUN = datetime.datetime(2026, 11, 20, 13, tzinfo=datetime.UTC)
EXPORTED = {DAY: ExportedDay(BEGUN, whole=True)}


def record(number: int = 1, **changed: Any) -> ArchivedRecord:
    made = ArchivedRecord(
        time_ns=NOON, observed_ns=NOON + 1, severity_number=9, severity_text="INFO", body="photo stored",
        attributes={"log.record.uid": str(uuid.UUID(int=number)), "duration_ms": 5.0, "user": "u-1"},
        resource={"service.name": "web"}, scope={}, trace_id="", span_id="", flags=0, event_name="",
        source=Form.COLLECTED, object_key="k", number=number,
    )  # fmt: skip
    attributes = {**made.attributes, **changed.pop("attributes", {})}
    return replace(made, attributes=attributes, **changed)


def outcome(
    tmp_path: Path,
    collected: list[ArchivedRecord],
    exported: list[ArchivedRecord],
    days: dict[datetime.date, ExportedDay] | None = None,
    hot_days: int = 90,
) -> dict[str, int]:
    mine, theirs = Side(tmp_path / "mine"), Side(tmp_path / "theirs")
    for it in collected:
        mine.add(it, collected_traits(it, EXPORTED if days is None else days, hot_days))
    for it in exported:
        theirs.add(it, exported_traits(it))
    return dict(summed(compared(mine, theirs))[0])


OLD = NOON + 14 * DAY_NS
CASES = {
    Outcome.SAME: ([record()], [record(attributes={"duration_ms": 5})]),
    Outcome.MASKED: ([record()], [record(attributes={"user": "***"})]),
    Outcome.ALTERED: ([record()], [record(attributes={"user": "u-2"})]),
    Outcome.TOO_OLD: ([record(observed_ns=OLD)], []),
    Outcome.AFTER: ([record(observed_ns=NOON + 2 * DAY_NS)], []),
    Outcome.MISSING_EXPORT: ([record()], []),
    Outcome.MISSING_COLLECTED: ([], [record()]),
    Outcome.OWN: ([], [record(object_key="export/tinybeans/prod/audit/1/a-task/export/000000.gz")]),
    Outcome.FOREIGN: ([], [replace(record(), attributes={})]),
    Outcome.MOVED: ([], [record(attributes={ORIGINAL: "2026-01-01T00:00:00Z"})]),
}


@pytest.mark.parametrize("expected", CASES, ids=lambda it: it.name.lower())
def test_a_difference_is_named(expected: Outcome, tmp_path: Path) -> None:
    collected, exported = CASES[expected]
    assert outcome(tmp_path, collected, exported) == {expected.value: 1}


def test_a_record_of_a_day_without_export_is_not_called_missing(tmp_path: Path) -> None:
    assert outcome(tmp_path, [record()], [], {}) == {Outcome.NOT_EXPORTED.value: 1}


def test_what_retention_took_before_the_export_is_not_called_missing(tmp_path: Path) -> None:
    assert outcome(tmp_path, [record()], [], {DAY: ExportedDay(BEGUN, whole=False)}) == {Outcome.RETENTION.value: 1}


def test_a_record_that_a_signed_erasure_took_out_of_one_side_is_erased_and_no_other_is(tmp_path: Path) -> None:
    for name, mine, theirs in (("exported", [], [record(7), record(8)]), ("collected", [record(7), record(8)], [])):
        sides, erased = (
            (Side(tmp_path / name / "mine"), Side(tmp_path / name / "theirs")),
            Uids(tmp_path / name / "uids"),
        )
        for it in mine:
            sides[0].add(it, collected_traits(it, EXPORTED, 90))
        for it in theirs:
            sides[1].add(it, exported_traits(it))
        erased.add(uid_key(record(7).uid))
        counts, bad = summed(compared(*sides, erased))
        erased.close()
        assert counts[Outcome.ERASED.value] == 1
        assert [uid for uids in bad.values() for uid in uids] == [record(8).uid]


@pytest.mark.parametrize("stream", ["export", "subject-requests", "archive-keeping", "collector"])
def test_what_only_a_command_could_have_written_is_known_by_its_stream_and_not_by_what_it_says(
    stream: str, tmp_path: Path
) -> None:
    said = record(object_key=f"export/tinybeans/prod/audit/1/a-task/{stream}/000000.gz", event_name=audit.EVENT)
    expected = Outcome.MISSING_COLLECTED if stream == "collector" else Outcome.OWN
    assert outcome(tmp_path, [], [said]) == {expected.value: 1}


def test_a_moved_record_is_found_under_its_other_day(tmp_path: Path) -> None:
    moved = record(time_ns=NOON + 3 * DAY_NS, attributes={ORIGINAL: "2026-11-19T12:00:00Z"})
    assert outcome(tmp_path, [record()], [moved]) == {Outcome.SAME.value: 1}


def test_duplicates_of_either_side_are_counted_once_each(tmp_path: Path) -> None:
    found = outcome(tmp_path, [record(), record()], [record(), record(), record()])
    assert found == {Outcome.SAME.value: 1, Outcome.DUPLICATE.value: 3}


def test_a_record_that_a_client_sent_again_is_alike_whichever_copy_either_side_holds(tmp_path: Path) -> None:
    first, second = record(), record(observed_ns=NOON + 2 * 10**9)
    assert outcome(tmp_path, [first, second], [first, second]) == {Outcome.SAME.value: 1, Outcome.DUPLICATE.value: 2}
    assert outcome(tmp_path / "one each", [first], [second]) == {Outcome.SAME.value: 1}


def test_the_uids_of_what_is_missing_are_named(tmp_path: Path) -> None:
    mine, theirs = Side(tmp_path / "mine"), Side(tmp_path / "theirs")
    mine.add(record(7), collected_traits(record(7), EXPORTED, 90))
    _, bad = summed(compared(mine, theirs))
    assert bad == {f"{DAY}: {Outcome.MISSING_EXPORT.value}": [str(uuid.UUID(int=7))]}


def test_memory_stays_bounded_however_many_records_there_are(tmp_path: Path) -> None:
    code = f"""
import json, sys, time
from dataclasses import replace
from pathlib import Path
from tests.test_archive_compare import EXPORTED, NOON, record
from infra.archive.verify_parts import ROW, Side
from infra.archive.verify_records import compared, summed
import hashlib
from sandbox.peak import peak_bytes
def rows(side, count):
    for number in range(count):
        uid = hashlib.blake2b(number.to_bytes(8, 'big'), digest_size=16).digest()
        side._files[uid[-1]].write(ROW.pack(uid, b'content-hash', 20776, 0))
seconds, peak = [], []
for count in (50_000, 200_000):
    started = time.process_time()
    mine, theirs = (Side(Path({str(tmp_path)!r}) / f'{{name}}{{count}}') for name in 'ab')
    rows(mine, count)
    rows(theirs, count)
    counts, _ = summed(compared(mine, theirs))
    assert counts['in both, alike'] == count, counts
    seconds.append(time.process_time() - started)
    peak.append(peak_bytes())
print(json.dumps([seconds, peak]))
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    seconds, peak = json.loads(result.stdout)
    assert max(peak) < 300 * 1024**2
    assert peak[1] - peak[0] < 30 * 1024**2, "memory grows with the number of records"
    assert seconds[1] < 4 * seconds[0] * 2.5, "time grows faster than the number of records"


def test_how_a_record_was_read_makes_no_difference(tmp_path: Path) -> None:
    nested = {"b": [1, {"y": "z", "x": 2.0}], "a": "text", "flag": True}
    read = json.loads(json.dumps({"a": "text", "flag": True, "b": [1.0, {"x": 2, "y": "z"}]}))
    mine, theirs = record(attributes=nested, body=nested), record(attributes=read, body=read)
    assert outcome(tmp_path, [mine], [theirs]) == {Outcome.SAME.value: 1}


@pytest.mark.parametrize(
    "changed",
    [{"flag": 1}, {"flag": "True"}, {"list": [["a", 1]]}, {"list": {"a": "1"}}, {"list": []}, {"list": {}}, {"n": 5.5}],
    ids=str,
)
def test_values_of_another_kind_are_not_alike(tmp_path: Path, changed: dict[str, Any]) -> None:
    was = {"flag": True, "list": {"a": 1}, "n": 5}
    found = outcome(tmp_path, [record(attributes=was)], [record(attributes={**was, **changed})])
    assert found == {Outcome.ALTERED.value: 1}


def test_the_note_of_a_moved_time_counts_for_nothing_and_only_among_the_attributes(tmp_path: Path) -> None:
    note = {ORIGINAL: "2026-11-19T12:00:00Z"}
    assert outcome(tmp_path / "a", [record()], [record(attributes=note)]) == {Outcome.SAME.value: 1}
    altered = outcome(tmp_path / "b", [record(body={"a": "b"})], [record(body={"a": "b", **note})])
    assert altered == {Outcome.ALTERED.value: 1}


@pytest.mark.parametrize(
    "masked", [{"body": "by **** today"}, {"body": ["a", {"k": "**"}]}, {"attributes": {"u": {"**": 1}}}]
)
def test_a_mask_is_seen_wherever_it_stands(tmp_path: Path, masked: dict[str, Any]) -> None:
    assert outcome(tmp_path, [record()], [record(**masked)]) == {Outcome.MASKED.value: 1}


def test_one_star_is_no_mask(tmp_path: Path) -> None:
    assert outcome(tmp_path, [record()], [record(body="a * b")]) == {Outcome.ALTERED.value: 1}


@pytest.mark.parametrize("uid", ["01K00000000000000000000000", "0199000000007000800000000000000 ", "zz", ""])
def test_a_uid_that_is_no_uuid_is_still_found_on_the_other_side(tmp_path: Path, uid: str) -> None:
    one = record(attributes={"log.record.uid": uid})
    assert outcome(tmp_path, [one], [one]) == {Outcome.SAME.value: 1}
