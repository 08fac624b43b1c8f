"""Locks that are made longer, and never shorter."""

import datetime
from pathlib import Path

import pytest

from infra.archive.keeping.extend import by_requests, extend, parse_until
from infra.archive.keeping.register import Kind, entries
from infra.export.problems import RefusedError
from infra.problems import InputError
from tests.keeping_run import NOW, Kept, archive, asked, collected, window

OCTOBER = ("2026-10-01", "2026-10-31")
UNTIL = datetime.datetime(2026, 12, 20, tzinfo=datetime.UTC)


def ignore(_: int) -> None:
    """Show no progress."""


def lock(kept: Kept, key: str, version: str) -> tuple[str | None, datetime.datetime | None]:
    found = kept.s3.real.head_object(Bucket=kept.place.bucket, Key=key, VersionId=version)
    return found.get("ObjectLockMode"), found.get("ObjectLockRetainUntilDate")


def test_locks_get_longer_and_none_gets_shorter_and_who_asked_stays_written(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        keys = [collected("2026-10-05", name) for name in ("free", "longer", "shorter")]
        versions = [kept.put(key) for key in keys] + [kept.put(collected("2026-11-10"))]
        for key, version, days in ((keys[1], versions[1], 400), (keys[2], versions[2], 3)):
            kept.s3.real.put_object_retention(
                Bucket=kept.place.bucket, Key=key, VersionId=version,
                Retention={"Mode": "GOVERNANCE", "RetainUntilDate": NOW + datetime.timedelta(days=days)},
            )  # fmt: skip

        counts = extend(kept.place, window(*OCTOBER), UNTIL, asked(), by_requests(kept.state, ignore))

        assert (counts.versions, counts.changed) == (3, 2)
        longer = NOW + datetime.timedelta(days=400)
        assert [lock(kept, *pair) for pair in zip(keys, versions[:3], strict=True)] == [
            ("GOVERNANCE", UNTIL),
            ("GOVERNANCE", longer),
            ("GOVERNANCE", UNTIL),
        ]
        assert lock(kept, collected("2026-11-10"), versions[3]) == (None, None)
        begun, done = entries(kept.place)
        assert (begun.kind, done.kind, begun.body["who"]) == (Kind.EXTEND, Kind.EXTENDED, "Ada Counsel")
        assert begun.subject["until"] == UNTIL.isoformat()
        assert done.subject["changed"] == 2

        assert extend(kept.place, window(*OCTOBER), UNTIL, asked(), by_requests(kept.state, ignore)).changed == 0


def test_a_refusal_names_the_right_and_the_same_command_carries_on(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        key = collected("2026-10-05")
        version = kept.put(key)
        kept.s3.refused["put_object_retention"] = "AccessDenied"
        with pytest.raises(RefusedError, match=r"keepers' role, s3:PutObject.*s3:PutObjectRetention"):
            extend(kept.place, window(*OCTOBER), UNTIL, asked(), by_requests(kept.state, ignore))
        kept.s3.refused.clear()
        assert lock(kept, key, version) == (None, None)
        assert entries(kept.place) == []

        extend(kept.place, window(*OCTOBER), UNTIL, asked(), by_requests(kept.state, ignore))
        assert [entry.kind for entry in entries(kept.place)] == [Kind.EXTEND, Kind.EXTENDED]
        assert lock(kept, key, version) == ("GOVERNANCE", UNTIL)


def test_an_extension_to_policys_limit_that_was_interrupted_is_carried_on_a_minute_later(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        key = collected("2026-10-05")
        version = kept.put(key)
        first, later = (
            parse_until("2026-12-26", kept.place, NOW + datetime.timedelta(minutes=passed)) for passed in (0, 1)
        )
        assert first < later, "the limit moves with the clock"
        kept.s3.refused["get_object_retention"] = "AccessDenied"
        with pytest.raises(RefusedError, match=r"s3:GetObjectRetention"):
            extend(kept.place, window(*OCTOBER), first, asked(), by_requests(kept.state, ignore))
        kept.s3.refused.clear()

        extend(kept.place, window(*OCTOBER), later, asked(), by_requests(kept.state, ignore))
        assert [entry.kind for entry in entries(kept.place)] == [Kind.EXTEND, Kind.EXTENDED]
        assert lock(kept, key, version) == ("GOVERNANCE", first)


@pytest.mark.parametrize("text", ["2026-11-25", "2026-12-27", "never", "2026-13-01"])
def test_a_day_that_is_past_too_far_or_none_is_refused_with_policys_limit(tmp_path: Path, text: str) -> None:
    with archive(tmp_path) as kept, pytest.raises(InputError, match=r"2026-11-26 to 2026-12-26 .lock_extension_days"):
        parse_until(text, kept.place, NOW)


def test_a_lock_ends_with_its_last_day_and_never_behind_policys_limit(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        assert parse_until("2026-12-01", kept.place, NOW) == datetime.datetime(2026, 12, 2, tzinfo=datetime.UTC)
        assert parse_until("2026-12-26", kept.place, NOW) == NOW + datetime.timedelta(days=30)
