"""What an erasure removes, what it leaves and what it says of both."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.subject import erase_key, rewrite
from tests.erase_run import DAY, NOW, OTHER, PERSON, Cloud, at, cloud, refusal

BOTH = [PERSON, OTHER]


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Iterator[Cloud]:
    with cloud(tmp_path) as found:
        yield found


def retained(place: Cloud, out: str = "out") -> dict[str, str]:
    """Return class and kind of what stays, with the reason."""
    return {f"{it['class']}: {it['what']}": it["why"] for it in place.told(out)[1] if it["fate"] == "retained"}


def test_every_unlocked_version_and_copy_goes_and_the_records_of_others_stay(place: Cloud) -> None:
    key = place.put("application", "a", BOTH)
    place.put("application", "a", [PERSON])
    place.put("application", "a", BOTH)
    said = place.run()
    assert said.exit_code == 0, said.output
    assert place.users("application", key) == [[OTHER]]
    assert place.copies("application", key) == []
    (row,) = place.told()[0]["erased"]
    assert row == {"class": "application", "records": 1, "objects": 1, "earlier_versions": 3, "copies": 3}
    assert place.verified("application").findings == []


def test_both_forms_are_written_again_and_what_has_nothing_of_the_person_is_not_touched(place: Cloud) -> None:
    keys = [place.put("access", "b", BOTH, form=form) for form in ("otlp", "export")]
    untouched = place.put("access", "c", [OTHER])
    before = place.client("s3").head_object(Bucket=place.context.archive_bucket("access"), Key=untouched)["VersionId"]
    assert place.run().exit_code == 0
    assert [place.users("access", key) for key in keys] == [[[OTHER]], [[OTHER]]]
    after = place.client("s3").head_object(Bucket=place.context.archive_bucket("access"), Key=untouched)["VersionId"]
    assert after == before


def test_a_version_below_a_delete_marker_goes_too_and_nothing_is_written_in_its_place(place: Cloud) -> None:
    key = place.put("client", "a", BOTH)
    place.client("s3").delete_object(Bucket=place.context.archive_bucket("client"), Key=key)
    assert place.run().exit_code == 0
    assert place.users("client", key) == []
    assert place.recorded("client") == []
    assert place.told()[0]["erased"][0]["earlier_versions"] == 1


def test_a_copy_whose_original_is_gone_goes_too(place: Cloud) -> None:
    key = place.put("client", "a", BOTH)
    bucket = place.context.archive_bucket("client")
    version = place.client("s3").head_object(Bucket=bucket, Key=key)["VersionId"]
    place.client("s3").delete_object(Bucket=bucket, Key=key, VersionId=version)
    assert place.copies("client", key) == [BOTH]
    assert place.run().exit_code == 0
    assert place.copies("client", key) == []


def test_the_record_of_an_erasure_names_both_checksums_versions_request_and_ground_and_no_person(place: Cloud) -> None:
    place.put("application", "a", BOTH)
    place.run()
    begun, done = place.recorded("application")
    assert (begun["kind"], done["kind"]) == ("begun", "done")
    assert begun["request"] == done["request"] == place.told()[0]["request"]
    assert begun["basis"] == "DSR-115, GDPR art. 17"
    assert begun["removed"] == 1
    assert done["versions_removed"] == done["copies_removed"] == [begun["was_version"]]
    assert done["new_version"] not in ("", begun["was_version"])
    assert begun["was_sha256"] != begun["sha256"] == done["sha256"]
    assert PERSON not in {str(value) for value in (*begun.values(), *done.values())}


def test_what_compliance_locks_stays_untouched_and_the_statement_says_until_when(place: Cloud) -> None:
    key = place.put("audit", "a", BOTH)
    assert place.run().exit_code == 0
    assert place.users("audit", key) == [BOTH]
    assert place.recorded("audit") == []
    assert retained(place)["audit: object"] == "Object Lock COMPLIANCE"
    row = next(it for it in place.told()[0]["retained"] if it["where"] == "archive, object")
    assert row["locked_until"] == (NOW.date() + datetime.timedelta(days=2557)).isoformat()
    assert row["until"] >= row["locked_until"]
    assert "17(3)(b)" in row["basis"]


def test_a_class_that_policy_locks_in_compliance_mode_is_not_erased_even_where_an_object_has_no_lock(
    place: Cloud,
) -> None:
    long_ago = NOW - datetime.timedelta(days=1)
    key = place.put("audit", "a", BOTH, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=long_ago)
    assert place.run().exit_code == 0
    assert place.users("audit", key) == [BOTH]
    assert retained(place)["audit: object"] == erase_key.NOT_ERASABLE


def test_governance_holds_until_its_end_and_not_longer(place: Cloud) -> None:
    locked = place.put("security", "a", BOTH)
    over = place.put(
        "security", "b", BOTH, ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=NOW - datetime.timedelta(days=1)
    )
    assert place.run().exit_code == 0
    assert place.users("security", locked) == [BOTH]
    assert place.users("security", over) == [[OTHER]]
    assert retained(place)["security: object"] == "Object Lock GOVERNANCE"


def test_a_legal_hold_keeps_the_object_and_its_copy(place: Cloud) -> None:
    key = place.put("application", "a", BOTH)
    place.client("s3").put_object_legal_hold(
        Bucket=place.context.archive_bucket("application"), Key=key, LegalHold={"Status": "ON"}
    )
    assert place.run().exit_code == 0
    assert place.users("application", key) == place.copies("application", key) == [BOTH]
    assert retained(place) == {
        "application: object": "Object Lock LEGAL_HOLD",
        "application: copy in the replica's region": erase_key.COPY_OF_KEPT,
    }
    assert place.told()[0]["retained"][0]["locked_until"] == "the hold is lifted"


def test_an_earlier_version_that_is_held_stays_and_is_named_in_statement_and_record(place: Cloud) -> None:
    key = place.put("application", "a", BOTH)
    place.client("s3").put_object_legal_hold(
        Bucket=place.context.archive_bucket("application"), Key=key, LegalHold={"Status": "ON"}
    )
    place.put("application", "a", BOTH)
    assert place.run().exit_code == 0
    assert place.users("application", key) == [[OTHER], BOTH]
    assert retained(place)["application: earlier version"] == "Object Lock LEGAL_HOLD"
    (remaining, copy) = place.recorded("application")[1]["versions_remaining"], place.copies("application", key)
    assert [item["why"] for item in remaining] == ["Object Lock LEGAL_HOLD"]
    assert copy == [BOTH], "the copy of what stays"


def test_a_truncated_object_is_stated_and_does_not_keep_others_from_being_erased(place: Cloud) -> None:
    key = place.put("application", "b", BOTH)
    body = place.client("s3").get_object(Bucket=place.context.archive_bucket("application"), Key=key)["Body"].read()
    place.put_bytes("application", key.replace("_b.", "_a."), body[:-12])
    assert place.run().exit_code == 0
    assert place.users("application", key) == [[OTHER]]
    assert "cut short" in retained(place)["application: object"]


def test_an_object_with_too_many_records_of_the_person_is_stated_with_the_next_step(
    place: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrite, "MOST", 1)
    many, few = place.put("application", "a", [PERSON, PERSON, OTHER]), place.put("application", "b", BOTH)
    assert place.run().exit_code == 0
    assert place.users("application", many) == [BOTH]
    assert place.users("application", few) == [[OTHER]]
    assert "run it for parts of the window" in retained(place)["application: object"]


def test_what_is_still_hot_is_stated_with_the_day_after_which_to_run_again(place: Cloud) -> None:
    logs, group = place.client("logs"), place.context.log_group("application")
    logs.create_log_stream(logGroupName=group, logStreamName="collector")
    milliseconds = int(datetime.datetime.combine(DAY, datetime.time(8), datetime.UTC).timestamp() * 1000)
    message = f'{{"timeUnixNano": {milliseconds * 10**6}, "attributes": {{"user_id": "{PERSON}"}}}}'
    event = {"timestamp": milliseconds, "message": message}
    logs.put_log_events(logGroupName=group, logStreamName="collector", logEvents=[event])
    assert place.run().exit_code == 0
    told = place.told()[0]
    assert [it["why"] for it in told["retained"]] == ["CloudWatch Logs cannot delete single events"]
    assert told["run_again_after"] > (DAY + datetime.timedelta(days=13)).isoformat()


def test_the_deleted_mapping_is_stated_with_its_day_and_a_day_that_is_none_is_refused(place: Cloud) -> None:
    assert place.run(mapping_deleted=DAY.isoformat()).exit_code == 0
    assert place.told()[0]["user_mapping"].startswith(f"deleted on {DAY}: the account's row")
    assert f"deleted on {DAY}" in (place.directory / "out" / "statement.html").read_text()
    said = place.run("bad", mapping_deleted="yesterday")
    assert said.exit_code == 2
    assert "MAPPING_DELETED: not a day" in said.output
    assert place.run("none").exit_code == 0
    assert place.told("none")[0]["user_mapping"].startswith("not said to be deleted")


def deleted(place: Cloud) -> bool:
    secret = place.context.secret("redaction-pepper-2025a")
    return "DeletedDate" in place.client("secretsmanager").describe_secret(SecretId=secret)


def test_an_epoch_is_dropped_only_on_an_explicit_word_and_with_the_days_in_which_it_can_be_restored(
    place: Cloud,
) -> None:
    early = place.run(drop_epoch="2025a")
    assert early.exit_code == 2
    assert "DROP_EPOCH: records of every user under it remain until" in early.output
    for unknown in ("current", "1999z"):
        said = place.run(drop_epoch=unknown)
        assert said.exit_code == 2
        assert "no earlier epoch" in said.output
    assert not deleted(place)
    assert place.run("dry", "--although-records-remain", confirm="", drop_epoch="2025a").exit_code == 0
    assert not deleted(place)

    said = place.run("done", "--although-records-remain", drop_epoch="2025a")
    assert said.exit_code == 0, said.output
    assert deleted(place)
    (epoch,) = place.told("done")[0]["pepper_epochs"]
    assert epoch["may_be_dropped"] == "dropped: its key can be restored for 30 days; take it out of pepper_epochs"


def test_an_epoch_that_was_dropped_and_is_still_in_the_settings_stops_the_next_request_with_the_next_step(
    place: Cloud,
) -> None:
    place.run("done", "--although-records-remain", drop_epoch="2025a")
    said = place.run("next")
    assert said.exit_code == 1
    assert "an epoch that was dropped leaves pepper_epochs first" in said.output


def test_an_epoch_that_may_not_be_dropped_is_stated_with_what_was_erased_before(place: Cloud) -> None:
    key = place.put("application", "a", BOTH)

    place.before = at("delete_secret", refusal("AccessDeniedException"))
    said = place.run("out", "--although-records-remain", drop_epoch="2025a")
    assert said.exit_code == 1
    assert "secretsmanager:DeleteSecret" in said.output
    assert place.users("application", key) == [[OTHER]]
    told = place.told()[0]
    assert told["erased"][0]["records"] == 1
    assert told["pepper_epochs"][0]["may_be_dropped"].startswith("not before")
