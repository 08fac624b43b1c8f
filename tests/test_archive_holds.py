"""Legal holds: what is held, who says so, and what happens when holding is interrupted, refused or lifted."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.archive.keeping.hold import by_requests, hold, release
from infra.archive.keeping.register import Kind, entries
from infra.export import manifest
from infra.export.days import start
from infra.export.ledger import World, append
from infra.export.problems import RefusedError
from infra.export.tasks import Task
from infra.problems import InputError
from tests.keeping_run import NOW, Kept, archive, asked, collected, window

OCTOBER = ("2026-10-01", "2026-10-31")


def ignore(_: int) -> None:
    """Show no progress."""


def kinds(kept: Kept) -> list[Kind]:
    return [entry.kind for entry in entries(kept.place)]


def test_every_version_of_the_window_is_held_and_nothing_else(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        twice = collected("2026-10-05")
        wanted = {
            (twice, kept.put(twice)),
            (twice, kept.put(twice)),
            (collected("2026-09-30", hour="22"), kept.put(collected("2026-09-30", hour="22"))),  # a clock that is fast
            (collected("2026-11-02", hour="22"), kept.put(collected("2026-11-02", hour="22"))),  # an outage of two days
            *(
                (key, kept.put(key))
                for key in ("export/g/2026-10-31/1/task/collector/0.gz", "manifests/chain/g/9.json")
            ),
        }
        for key in (collected("2026-09-29"), collected("2026-11-04"), "export/g/2026-11-01/1/task/collector/0.gz"):
            kept.put(key)

        counts = hold(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore))

        assert kept.held() == wanted
        assert (counts.versions, counts.bytes) == (6, 42)
        for key, version in wanted:
            with pytest.raises(ClientError, match="AccessDenied"):
                kept.s3.real.delete_object(Bucket=kept.place.bucket, Key=key, VersionId=version)


def test_expiry_leaves_a_held_version_where_it_is_below_a_marker(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        key = collected("2026-10-05")
        version = kept.put(key)
        hold(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore))

        kept.s3.real.delete_object(Bucket=kept.place.bucket, Key=key)  # what an expiration does to a current version

        assert kept.held() == {(key, version)}
        with pytest.raises(ClientError, match="NoSuchKey"):
            kept.s3.real.get_object(Bucket=kept.place.bucket, Key=key)


def test_who_held_what_why_and_when_is_chained_in_the_archive_and_told_to_the_audit_log(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        kept.put(collected("2026-10-05"))
        hold(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore))
        begun, done = entries(kept.place)
        told = [json.loads(line) for line in kept.announced()]

        assert (begun.kind, done.kind) == (Kind.HOLD, Kind.HELD)
        assert (begun.body["who"], begun.body["why"]) == ("Ada Counsel", "order 12 of the court")
        assert begun.body["when"] == "2026-11-26T16:00:00+00:00"
        assert begun.body["caller"].startswith("arn:aws:")
        assert begun.body["policy"] == kept.place.assignment.policy_digest
        assert done.body["previous"] == begun.digest
        assert (done.subject["versions"], done.subject["of"]) == (1, 1)
        assert [item["attributes"]["archive.digest"] for item in told] == [begun.digest, done.digest]
        assert {item["attributes"]["tinybeans.log.class"] for item in told} == {"audit"}


def test_a_register_entry_outlives_the_archives_expiry_and_what_is_written_over_it(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        kept.put(collected("2026-10-05"))
        hold(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore))
        before = entries(kept.place)
        kept.put("register/00000001.json")
        kept.s3.real.delete_object(Bucket=kept.place.bucket, Key="register/00000002.json")

        assert entries(kept.place) == before


@pytest.mark.parametrize("crash_after", [1, 4, 9])
def test_an_interrupted_hold_is_carried_on_by_the_same_command(tmp_path: Path, crash_after: int) -> None:
    with archive(tmp_path) as kept:
        wanted = {(key, kept.put(key)) for key in (collected("2026-10-05", str(number)) for number in range(10))}
        kept.s3.crash_after = crash_after
        with pytest.raises(KeyboardInterrupt):
            hold(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore))
        assert kinds(kept) == [Kind.HOLD]
        kept.s3.crash_after, kept.s3.holds = None, 0

        counts = hold(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore))

        assert kept.held() == wanted
        assert counts.versions == 10
        assert kinds(kept) == [Kind.HOLD, Kind.HELD]
        assert kept.s3.holds <= 11 - (crash_after - 1) // 3 * 3  # whole pages are not done again
        assert not list(kept.state.glob("*"))


def test_a_hold_that_is_asked_for_again_holds_what_has_come_since(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        kept.put(collected("2026-10-05"))
        hold(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore))
        late = (collected("2026-11-01"), kept.put(collected("2026-11-01")))
        hold(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore))

        assert late in kept.held()
        assert kinds(kept) == [Kind.HOLD, Kind.HELD, Kind.HELD]


def test_a_release_lifts_one_hold_and_leaves_what_another_covers(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        kept.put(collected("2026-10-05"))
        both = (collected("2026-10-20"), kept.put(collected("2026-10-20")))
        hold(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore))
        hold(
            kept.place,
            window("2026-10-15", "2026-11-15"),
            asked("another case altogether"),
            by_requests(kept.state, ignore),
        )

        release(kept.place, window(*OCTOBER), asked("order 12 was withdrawn"), by_requests(kept.state, ignore))
        assert kept.held() == {both}
        with pytest.raises(InputError, match=r"no hold has this window.*FROM=2026-10-15"):
            release(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore))

        release(
            kept.place, window("2026-10-15", "2026-11-15"), asked("closed for good"), by_requests(kept.state, ignore)
        )
        assert kept.held() == set()


def test_a_right_that_is_lost_in_the_middle_is_named_and_the_same_command_carries_on(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        wanted = {(key, kept.put(key)) for key in (collected("2026-10-05", str(number)) for number in range(10))}
        kept.s3.denied_after = 5
        with pytest.raises(RefusedError, match=r"s3:PutObjectLegalHold.*what was done before stays done.*carries on"):
            hold(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore))
        assert kinds(kept) == [Kind.HOLD], "the register says that it was begun and not that it is done"
        kept.s3.denied_after = None

        assert hold(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore)).versions == 10
        assert kept.held() == wanted
        assert kinds(kept) == [Kind.HOLD, Kind.HELD]


@pytest.mark.parametrize(
    ("method", "right"),
    [
        ("put_object_legal_hold", "s3:PutObjectLegalHold"),
        ("get_object_legal_hold", "s3:GetObjectLegalHold"),
        ("get_object_lock_configuration", "s3:GetBucketObjectLockConfiguration"),
        ("list_objects_v2", "s3:ListBucket"),
    ],
)
def test_a_missing_right_is_named_before_anything_is_held_or_written(tmp_path: Path, method: str, right: str) -> None:
    with archive(tmp_path) as kept:
        kept.put(collected("2026-10-05"))
        kept.s3.refused[method] = "AccessDenied"

        with pytest.raises(RefusedError, match=right):
            hold(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore))
        kept.s3.refused.clear()
        assert (kept.held(), entries(kept.place), kept.announced()) == (set(), [], [])


def test_a_bucket_without_object_lock_is_refused_with_the_reason(tmp_path: Path) -> None:
    with archive(tmp_path, lockable=False) as kept, pytest.raises(RefusedError, match=r"has no Object Lock.*Deploy"):
        hold(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore))


def test_days_that_only_cloudwatch_has_are_exported_before_they_are_held(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        kept.put(collected("2026-11-25"))
        with pytest.raises(RefusedError, match="make archive-export FROM=2026-11-25 TO=2026-11-25 CLASS=application"):
            hold(kept.place, window("2026-11-25", "2026-11-25"), asked(), by_requests(kept.state, ignore))
        assert (kept.held(), entries(kept.place)) == (set(), [])

        day = window("2026-11-25", "2026-11-25").start.date()
        kms: Any = boto3.client("kms", "us-east-1")
        key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName=kept.place.assignment.signing_key, TargetKeyId=key)
        world = World(kept.place.assignment, kept.place.services.logs, kept.s3, kms)
        finding = manifest.exported(kept.place.target, day, 1, Task("t", "n", "COMPLETED", start(day), NOW), (), None)
        append(world, kept.place.target, None, finding, NOW)

        hold(kept.place, window("2026-11-25", "2026-11-25"), asked(), by_requests(kept.state, ignore))
        assert len(kept.held()) == 2  # the object and the manifest
