"""Requests about one person, on records that a real collector made of two people's lines under two peppers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from typer.testing import Result

from infra.archive.signature import from_kms
from infra.documents.export_assignment import SIGNING_KEY
from infra.documents.subject_policy import STREAM
from infra.export.erasure import Kind, loads
from tests.subject_run import ADDRESS, ANNA, MAIL, NAME, REASON, Place, place

pytestmark = pytest.mark.collector


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("subject")) as found:
        yield found


@pytest.fixture(scope="module")
def exported(cloud: Place) -> Result:
    return cloud.run("subject-export", "export")


@dataclass
class Erasures:
    """A dry run, then the erasure, and the archives of the application class before, between and after."""

    dry: Result
    done: Result
    archives: list[dict[str, set[str]]]


@pytest.fixture(scope="module")
def erased(cloud: Place, exported: Result) -> Erasures:
    assert exported.exit_code == 0
    before = cloud.archived("application")
    dry = cloud.run("subject-erase", "dry", reason="DSR-115, GDPR art. 17")
    between = cloud.archived("application")
    done = cloud.run("subject-erase", "done", reason="DSR-115, GDPR art. 17", confirm=ANNA)
    return Erasures(dry, done, [before, between, cloud.archived("application")])


def test_an_export_holds_every_record_of_the_person_once_and_nobody_elses(cloud: Place, exported: Result) -> None:
    assert exported.exit_code == 0, exported.output
    found = [json.loads(line) for line in cloud.opened("export", "records.jsonl").splitlines()]
    assert sorted(item["uid"] for item in found) == sorted(cloud.of("anna"))
    why = {item["uid"]: item["found_by"] for item in found}
    assert why[cloud.uids["anna mail, earlier"]] == why[cloud.uids["anna mail"]] == ["email"]
    assert why[cloud.uids["anna refused, by name"]] == ["username"]
    assert why[cloud.uids["anna refused, nobody named"]] == ["ip"]


def test_the_manifest_says_what_was_looked_for_and_read_and_holds_no_identifier(cloud: Place, exported: Result) -> None:
    text = cloud.opened("export", "manifest.json")
    told = json.loads(text)
    assert told["records"] == len(cloud.of("anna"))
    assert told["pepper_epochs"] == ["current", "2025a"]
    assert told["complete"]
    assert told["not_read"] == []
    assert told["objects_read"] >= 5
    # Hot, collected and, of the application class, exported: what is met again counts once.
    assert told["met_again"] == len(cloud.of("anna")) + 2
    assert {item["name"] for item in told["files"]} == {"records.jsonl.age", "index.html.age"}
    for secret in (MAIL, MAIL.lower(), ADDRESS, NAME):
        assert secret not in text
        assert secret not in exported.output


@pytest.mark.usefixtures("exported")
def test_the_index_can_be_read_and_everything_on_disk_is_encrypted(cloud: Place) -> None:
    page = cloud.opened("export", "index.html")
    assert f"What our logs say about user {ANNA}" in page
    assert "audit.circle.member.removed" in page
    files = list((cloud.directory / "export").iterdir())
    assert sorted(file.name for file in files) == ["index.html.age", "manifest.json.age", "records.jsonl.age"]
    assert all(file.read_bytes().startswith(b"age-encryption.org/v1") for file in files)


@pytest.mark.usefixtures("exported")
def test_who_asked_and_why_is_written_down_before_and_after(cloud: Place) -> None:
    (asked,), (done,) = cloud.audit("audit.subject.export.requested"), cloud.audit("audit.subject.export.finished")
    assert asked["subject.reason"] == REASON
    assert asked["subject.caller"].startswith("arn:aws:")
    assert asked["user_id"] == ANNA
    assert done["subject.request"] == asked["subject.request"]
    assert done["subject.records"] == str(len(cloud.of("anna")))


def test_a_dry_run_of_an_erasure_alters_nothing_and_says_what_it_would(cloud: Place, erased: Erasures) -> None:
    assert erased.dry.exit_code == 0, erased.dry.output
    assert erased.archives[0] == erased.archives[1]
    told = json.loads((cloud.directory / "dry" / "statement.json").read_text())
    assert not told["executed"]
    assert {item["class"] for item in told["erased"]} == {"application", "access", "security"}


def test_an_erasure_takes_the_persons_records_out_of_unlocked_objects_and_leaves_the_others(
    cloud: Place, erased: Erasures
) -> None:
    assert erased.done.exit_code == 0, erased.done.output
    before, _, after = erased.archives
    assert after == {key: uids - cloud.of("anna") for key, uids in before.items()}
    assert any(uids & cloud.of("anna") for uids in before.values())
    versions = cloud.client("s3").list_object_versions(Bucket=cloud.context.archive_bucket("application"))["Versions"]
    assert all(item["IsLatest"] for item in versions), "the replaced versions are gone"


@pytest.mark.usefixtures("erased")
def test_a_locked_object_stays_and_the_statement_says_until_when_and_on_which_ground(
    cloud: Place,
) -> None:
    kept = set().union(*cloud.archived("audit").values())
    assert {cloud.uids["anna logout"], cloud.uids["anna removed by bob"]} <= kept
    told, objects = cloud.told("done")
    (locked,) = [item for item in told["retained"] if item["why"] == "Object Lock GOVERNANCE"]
    assert (locked["class"], locked["records"]) == ("audit", 2)
    assert locked["locked_until"]
    assert locked["until"] > locked["locked_until"]
    assert "17(3)(b)" in locked["basis"]
    assert sum(item["records"] for item in objects if item.get("why") == "Object Lock GOVERNANCE") == 2
    hot = {item["class"] for item in told["retained"] if "single events" in item["why"]}
    assert hot == {"audit", "access", "security", "application"}
    page = (cloud.directory / "done" / "statement.html").read_text()
    assert "Object Lock GOVERNANCE" in page


@pytest.mark.usefixtures("erased")
def test_an_erasure_leaves_a_record_of_which_bytes_took_the_place_of_which(cloud: Place) -> None:
    s3, bucket = cloud.client("s3"), cloud.context.archive_bucket("application")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix="erasures/")["Contents"]]
    said = {
        item["object"].split("/", 3)[3]: (item["was_sha256"], item["sha256"])
        for item in cloud.told("done")[1]
        if item["class"] == "application" and item["what"] == "object"
    }
    stored = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
    records = [loads(data, bucket, key) for data, key in zip(stored, keys, strict=True)]
    for kind in Kind:
        assert {item.key: (item.was, item.now) for item in records if item.kind is kind} == said
    public = from_kms(cloud.client("kms"), cloud.context.key_alias(SIGNING_KEY))
    assert all(public.signed(item.text, item.signature) for item in records)
    assert {item.body["basis"] for item in records} == {"DSR-115, GDPR art. 17"}
    assert not any(ANNA.encode() in data for data in stored)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"user": "4711; drop"}, "USER"),
        ({"to": "2999-01-01"}, "TO"),
        ({"key": "age1nope"}, "KEY"),
        ({"reason": "because"}, "REASON"),
        ({"reason": "asked by grandma@example.com"}, "REASON"),
    ],
)
def test_bad_input_is_refused_before_anybody_is_asked_for_anything(
    cloud: Place, options: dict[str, str], key: str
) -> None:
    before = len(cloud.audit("audit.subject.export.requested"))
    said = cloud.run("subject-export", "bad", **options)
    assert said.exit_code == 2
    assert f": {key}: " in said.output
    assert len(cloud.audit("audit.subject.export.requested")) == before
    assert not list(cloud.directory.glob("bad*"))


def test_a_pepper_that_cannot_be_read_stops_the_export_and_leaves_nothing(cloud: Place) -> None:
    secrets = cloud.client("secretsmanager")
    name = cloud.context.secret("redaction-pepper-2025a")
    secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    try:
        said = cloud.run("subject-export", "short")
    finally:
        secrets.restore_secret(SecretId=name)
    assert said.exit_code == 1
    assert name in said.output
    assert not list(cloud.directory.glob("short*"))


def test_a_request_that_cannot_be_written_down_reads_nothing(cloud: Place) -> None:
    logs, group = cloud.client("logs"), cloud.context.log_group("audit")
    logs.delete_log_stream(logGroupName=group, logStreamName=STREAM)
    try:
        said = cloud.run("subject-export", "unsaid")
    finally:
        logs.create_log_stream(logGroupName=group, logStreamName=STREAM)
    assert said.exit_code == 1
    assert "audit record could not be written" in said.output
    assert not list(cloud.directory.glob("unsaid*"))
