"""What an erasure removes, what it leaves and says so, and how it ends when something goes wrong in the middle."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyrage
import pytest

from infra.documents.eraser_policy import role_name
from infra.subject import erase_key
from infra.subject.handover import TEMPLATES
from tests.erase_run import CLIENT, DAY, NOW, OTHER, PERSON, Cloud, Hook, Killed, cloud, refusal

BOTH = [PERSON, OTHER]


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Iterator[Cloud]:
    with cloud(tmp_path) as found:
        yield found


def nothing(_name: str, _asked: dict[str, Any]) -> None:
    """Let every call through."""


def at(method: str, error: BaseException) -> Hook:
    """Return a hook that raises at each call of a method."""

    def raising(name: str, _asked: dict[str, Any]) -> None:
        if name == method:
            raise error

    return raising


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


@pytest.mark.parametrize(
    ("method", "code", "says"),
    [
        ("get_object", "AccessDenied", "permission is missing"),
        ("get_object", "KMS.AccessDeniedException", "permission is missing"),
        ("head_object", "AccessDenied", "permission is missing"),
        ("list_object_versions", "AccessDenied", "permission is missing"),
        ("put_object", "AccessDenied", "role that may erase"),
        ("put_object", "KMS.DisabledException", "role that may erase"),
        ("sign", "AccessDeniedException", "does not sign"),
        ("sign", "DisabledException", "does not sign"),
    ],
)
def test_a_refusal_in_the_middle_ends_with_what_it_takes_states_what_was_done_and_can_be_carried_on(
    place: Cloud, method: str, code: str, says: str
) -> None:
    keys = [place.put("application", name, BOTH) for name in "ab"]

    def refused(name: str, asked: dict[str, Any]) -> None:
        late = asked.get("Key") == keys[1] or asked.get("Bucket") == place.context.archive_bucket("access")
        if name == method and (late or (method == "sign" and len(place.recorded("application")) == 2)):
            raise refusal(code)

    place.before = refused
    said = place.run()
    assert said.exit_code == 1
    assert says in said.output
    assert place.users("application", keys[0]) == [[OTHER]]
    told, objects = place.told()
    assert says in told["stopped_by"]
    assert next(it["object"] for it in objects if it["what"] == "object").endswith(keys[0])
    assert place.audit("audit.subject.erase.stopped")
    assert place.verified("application").findings == []

    place.before = nothing
    assert place.run("again").exit_code == 0
    assert [place.users("application", key) for key in keys] == [[[OTHER]], [[OTHER]]]
    assert place.verified("application").findings == []


CHANGES = ("put_object", "delete_object")


@pytest.mark.parametrize("number", range(5), ids=["announced", "written", "removed", "copy removed", "ended"])
def test_killed_before_any_change_the_state_is_explained_and_the_next_run_finishes(place: Cloud, number: int) -> None:
    key = place.put("application", "a", BOTH)
    changes = 0

    def killed(name: str, _asked: dict[str, Any]) -> None:
        nonlocal changes
        if name in CHANGES:
            if changes == number:
                raise Killed
            changes += 1

    place.before = killed
    with pytest.raises(Killed):
        place.run()
    assert changes == number
    place.before = nothing
    assert place.verified("application").findings == []

    said = place.run("again")
    assert said.exit_code == 0, said.output
    assert place.users("application", key) == [[OTHER]]
    assert place.copies("application", key) == []
    assert [body["kind"] for body in place.recorded("application")] == ["begun", "done"]
    found = place.verified("application")
    assert (found.findings, sum(found.erased.values())) == ([], 1)


def test_another_persons_erasure_that_was_not_finished_is_finished_by_the_next_one(place: Cloud) -> None:
    key = place.put("application", "a", BOTH)

    place.before = at("delete_object", Killed())
    with pytest.raises(Killed):
        place.run()
    place.before = nothing
    assert place.users("application", key) == [[OTHER], BOTH]
    assert place.run("other", user="999", confirm="999").exit_code == 0
    assert place.users("application", key) == [[OTHER]]
    finished = [it for it in place.told("other")[1] if "finished_for" in it]
    assert len(finished) == 1


def test_an_object_that_changed_meanwhile_is_not_written_over(place: Cloud) -> None:
    key = place.put("application", "a", BOTH)

    def meanwhile(name: str, asked: dict[str, Any]) -> None:
        if name == "put_object" and asked["Key"] == key:
            place.before = nothing
            place.put("application", "a", [PERSON, OTHER, OTHER])

    place.before = meanwhile
    said = place.run()
    assert said.exit_code == 1
    assert "PreconditionFailed" in said.output
    assert place.run("again").exit_code == 0
    assert place.users("application", key) == [[OTHER]]


def test_a_forged_record_of_an_unfinished_erasure_stops_the_next_one(place: Cloud) -> None:
    key = place.put("application", "a", BOTH)
    place.before = at("delete_object", Killed())
    with pytest.raises(Killed):
        place.run()
    place.before = nothing
    s3, bucket = place.client("s3"), place.context.archive_bucket("application")
    (where,) = [it["Key"] for it in s3.list_objects_v2(Bucket=bucket, Prefix="erasures/")["Contents"]]
    stored = s3.get_object(Bucket=bucket, Key=where)["Body"].read()
    s3.put_object(Bucket=bucket, Key=where, Body=stored.replace(b'"removed": 1', b'"removed": 2'))
    said = place.run("again")
    assert said.exit_code == 1
    assert "not what its digest says" in said.output
    assert place.users("application", key) == [[OTHER], BOTH]


def test_facts_outlive_a_page_that_cannot_be_made(place: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    key = place.put("application", "a", BOTH)
    monkeypatch.setattr(TEMPLATES, "get_template", lambda _: 1 / 0)
    said = place.run()
    assert said.exit_code == 1
    assert "the facts are whole" in said.output
    assert place.users("application", key) == [[OTHER]]
    assert place.told()[0]["erased"][0]["records"] == 1
    assert sorted(path.name for path in (place.directory / "out").iterdir()) == ["objects.jsonl", "statement.json"]
    assert sorted(path.name for path in place.directory.iterdir()) == ["out"]
    assert place.audit("audit.subject.erase.finished")


def test_facts_outlive_an_error_that_nobody_thought_of(place: Cloud) -> None:
    keys = [place.put("application", name, BOTH) for name in "ab"]

    def odd(name: str, asked: dict[str, Any]) -> None:
        if name == "head_object" and asked["Key"] == keys[1]:
            raise LookupError("secret-of-a-family")

    place.before = odd
    said = place.run()
    assert isinstance(said.exception, LookupError)
    told, objects = place.told()
    assert told["stopped_by"] == "an unexpected LookupError; run it again"
    assert [it["records"] for it in objects if it["what"] == "object"] == [1]
    assert (place.directory / "out" / "statement.html").exists()
    assert place.audit("audit.subject.erase.stopped")


def test_what_a_killed_process_wrote_down_is_kept_and_the_next_run_asks_for_another_place(
    place: Cloud,
) -> None:
    place.put("application", "a", BOTH)
    partial = place.directory / "out.partial"
    partial.mkdir()
    (partial / "objects.jsonl").write_text('{"fate": "erased"}\n')
    said = place.run()
    assert said.exit_code == 2
    assert "holds what an erasure did that was killed" in said.output
    assert (partial / "objects.jsonl").read_text() == '{"fate": "erased"}\n'


def test_a_dry_run_that_fails_leaves_nothing(place: Cloud) -> None:
    place.put("application", "a", BOTH)
    place.before = at("get_object", refusal("AccessDenied"))
    said = place.run(confirm="")
    assert said.exit_code == 1
    assert list(place.directory.iterdir()) == []


def test_facts_outlive_an_audit_record_that_cannot_be_written_at_the_end(place: Cloud) -> None:
    place.put("application", "a", BOTH)
    asked = 0

    def second(name: str, _asked: dict[str, Any]) -> None:
        nonlocal asked
        asked += name == "put_log_events"
        if name == "put_log_events" and asked == 2:
            raise refusal("AccessDeniedException")

    place.before = second
    said = place.run()
    assert said.exit_code == 1
    assert "audit record could not be written" in said.output
    assert place.told()[0]["erased"][0]["records"] == 1
    assert (place.directory / "out" / "statement.html").exists()


def test_an_export_that_cannot_read_an_object_hands_over_the_rest_and_says_so(place: Cloud) -> None:
    key = place.put("application", "b", BOTH)
    body = place.client("s3").get_object(Bucket=place.context.archive_bucket("application"), Key=key)["Body"].read()
    place.put_bytes("application", key.replace("_b.", "_a."), body[:-12])
    identity = pyrage.x25519.Identity.generate()
    said = place.export("out", str(identity.to_public()))
    assert said.exit_code == 1
    assert "cut short" in said.output
    told = json.loads(pyrage.decrypt((place.directory / "out/manifest.json.age").read_bytes(), [identity]))
    assert (told["complete"], told["records"], len(told["not_read"])) == (False, 1, 1)


@pytest.mark.parametrize("code", ["AccessDenied", "KMS.DisabledException"])
def test_an_export_that_lacks_a_permission_hands_over_nothing(place: Cloud, code: str) -> None:
    place.put("application", "a", BOTH)
    place.before = at("get_object", refusal(code))
    said = place.export("out", str(pyrage.x25519.Identity.generate().to_public()))
    assert said.exit_code == 1
    assert "permission is missing" in said.output
    assert list(place.directory.iterdir()) == []


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


def test_the_command_takes_the_role_for_the_request_and_says_how_where_it_may_not(
    place: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.put("application", "a", BOTH)
    place.takes_the_role = True
    asked: list[dict[str, Any]] = []
    real = place.client("sts")

    class Sts:
        def assume_role(self, **given: Any) -> Any:
            asked.append(given)
            if len(asked) > 1:
                raise refusal("AccessDenied")
            return real.assume_role(**given)

        def get_caller_identity(self) -> Any:
            return real.get_caller_identity()

    client = CLIENT
    monkeypatch.setattr(
        "infra.archive.commands_erase.boto3.client",
        lambda name, **options: Sts() if name == "sts" else client(name, **options),
    )
    assert place.run().exit_code == 0
    (taken,) = asked
    assert taken["RoleArn"].endswith(f":role/{role_name(place.context)}")
    assert taken["RoleSessionName"] == f"subject-request-{place.told()[0]['request']}"
    said = place.run("refused")
    assert said.exit_code == 1
    for word in (role_name(place.context), *place.context.settings.access.erasers, "aws sts assume-role"):
        assert word in said.output
    assert len(place.audit("audit.subject.erase.requested")) == 1, "nothing was asked of the archives"


def test_a_stack_that_names_no_eraser_says_so_when_the_archive_refuses(tmp_path: Path) -> None:
    with cloud(tmp_path, "dev") as place:
        assert not place.context.settings.access.erasers
        place.put("application", "a", BOTH)

        place.before = at("put_object", refusal("AccessDenied"))
        said = place.run()
        assert said.exit_code == 1
        assert "access.erasers of the stack's settings" in said.output
