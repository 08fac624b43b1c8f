"""Holds and locks of many versions by S3 Batch Operations, with a double that carries jobs out by S3's own rules."""

import datetime
import json
from pathlib import Path

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.validate import ParamValidator

from infra.archive.keeping import extend as locks
from infra.archive.keeping.batch import write_job
from infra.archive.keeping.hold import by_job, hold, release
from infra.archive.keeping.job import control_client
from infra.archive.keeping.register import Kind, entries
from infra.documents.batch_job import manifest_rows
from infra.export.problems import ExportError, RefusedError
from tests.keeping_run import Control, Kept, archive, asked, client, collected, window

OCTOBER = ("2026-10-01", "2026-10-31")
UNTIL = datetime.datetime(2026, 12, 20, tzinfo=datetime.UTC)


def ignore(_: int) -> None:
    """Show no progress."""


def control(kept: Kept) -> Control:
    found = kept.place.services.control
    assert isinstance(found, Control)
    return found


def test_a_job_holds_and_releases_every_version_of_a_window_and_the_register_says_so(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        wanted = {(key, kept.put(key)) for key in (collected("2026-10-05", f"a,b {number}") for number in range(7))}
        kept.put(collected("2026-09-01"))
        seen: list[int] = []

        counts = hold(kept.place, window(*OCTOBER), asked(), by_job(kept.state, seen.append))
        assert (counts.versions, counts.changed, sum(seen)) == (7, 7, 7)
        assert kept.held() == wanted
        release(kept.place, window(*OCTOBER), asked("order 12 was withdrawn"), by_job(kept.state, ignore))
        assert kept.held() == set()

        register = entries(kept.place)
        assert [entry.kind for entry in register] == [Kind.HOLD, Kind.HELD, Kind.RELEASE, Kind.RELEASED]
        assert register[1].subject["changed"] == 7
        assert not list(kept.state.glob("*"))
        (first, _) = control(kept).asked
        shape = client("s3control").meta.service_model.operation_model("CreateJob").input_shape
        assert not ParamValidator().validate(first, shape).has_errors()
        assert first["RoleArn"] == kept.place.batch.role_arn
        assert len(first["ClientRequestToken"]) == 64  # the longest that S3 takes


@pytest.mark.parametrize(
    ("method", "right"), [("create_job", r"s3:CreateJob, and iam:PassRole"), ("describe_job", "s3:DescribeJob")]
)
def test_a_refused_job_names_the_right_and_the_same_command_starts_no_second_one(
    tmp_path: Path, method: str, right: str
) -> None:
    with archive(tmp_path) as kept:
        wanted = {(collected("2026-10-05"), kept.put(collected("2026-10-05")))}
        control(kept).refused[method] = "AccessDenied"
        with pytest.raises(RefusedError, match=right):
            hold(kept.place, window(*OCTOBER), asked(), by_job(kept.state, ignore))
        assert [entry.kind for entry in entries(kept.place)] == [Kind.HOLD]
        control(kept).refused.clear()

        hold(kept.place, window(*OCTOBER), asked(), by_job(kept.state, ignore))
        assert kept.held() == wanted
        assert len(control(kept).asked) == 1
        assert [entry.kind for entry in entries(kept.place)] == [Kind.HOLD, Kind.HELD]


def test_versions_that_a_job_could_not_hold_are_said_and_the_same_command_tries_again(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        lost = collected("2026-10-05", "lost")
        for key in (collected("2026-10-05"), lost):
            kept.put(key)
        create = control(kept).create_job

        def after_a_loss(**job: object) -> object:
            # Between the listing and the job, as a lifecycle rule may: moto removes, S3 would have expired.
            version = kept.s3.real.list_object_versions(Bucket=kept.place.bucket, Prefix=lost)["Versions"][0]
            kept.s3.real.delete_object(Bucket=kept.place.bucket, Key=lost, VersionId=version["VersionId"])
            return create(**job)

        control(kept).create_job = after_a_loss  # type: ignore[method-assign]
        with pytest.raises(
            ExportError, match=r"1 of 2 versions could not be changed; s3://.*/batch-operations/reports/"
        ):
            hold(kept.place, window(*OCTOBER), asked(), by_job(kept.state, ignore))
        assert [entry.kind for entry in entries(kept.place)] == [Kind.HOLD]
        control(kept).create_job = create  # type: ignore[method-assign]

        assert hold(kept.place, window(*OCTOBER), asked(), by_job(kept.state, ignore)).changed == 1
        assert len({job["ClientRequestToken"] for job in control(kept).asked}) == 2
        assert [entry.kind for entry in entries(kept.place)] == [Kind.HOLD, Kind.HELD]


def test_a_job_locks_for_longer_and_leaves_what_is_locked_for_longer_still(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        free, longer = collected("2026-10-05", "free"), collected("2026-10-05", "longer")
        versions = [kept.put(free), kept.put(longer)]
        kept.s3.real.put_object_retention(
            Bucket=kept.place.bucket, Key=longer, VersionId=versions[1],
            Retention={"Mode": "GOVERNANCE", "RetainUntilDate": UNTIL + datetime.timedelta(days=90)},
        )  # fmt: skip

        counts = locks.extend(kept.place, window(*OCTOBER), UNTIL, asked(), locks.by_job(kept.state, ignore))

        assert (counts.versions, counts.changed) == (2, 1)
        until = [
            kept.s3.get_object_retention(Bucket=kept.place.bucket, Key=key, VersionId=version)["Retention"]
            for key, version in zip((free, longer), versions, strict=True)
        ]
        assert [lock["RetainUntilDate"] for lock in until] == [UNTIL, UNTIL + datetime.timedelta(days=90)]
        assert [entry.kind for entry in entries(kept.place)] == [Kind.EXTEND, Kind.EXTENDED]


def test_a_job_can_be_written_down_to_look_at_and_holds_nothing(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        version = kept.put(collected("2026-10-05", "a,b"))
        assert (write_job(kept.place, window(*OCTOBER), "ON", tmp_path / "job", ignore), kept.held()) == (1, set())
        job = json.loads((tmp_path / "job/job.json").read_text())

        key = "otlp/year%3D2026/month%3D10/day%3D05/hour%3D10/logs_a%2Cb.json.gz"
        assert (tmp_path / "job/manifest.csv").read_text() == f"{kept.place.bucket},{key},{version}\n"
        assert job["Operation"] == {"S3PutObjectLegalHold": {"LegalHold": {"Status": "ON"}}}
        assert (job["ConfirmationRequired"], len(job["ClientRequestToken"])) == (True, 64)
        shape = client("s3control").meta.service_model.operation_model("CreateJob").input_shape
        assert not ParamValidator().validate(job, shape).has_errors()
    assert list(manifest_rows("b", [("k", "1"), ("k", "2")])) == ["b,k,1\n", "b,k,2\n"]


@pytest.mark.parametrize(
    ("endpoint", "wanted"),
    [
        (None, "https://123456789012.s3-control.us-east-1.amazonaws.com/"),
        ("http://127.0.0.1:9", "http://127.0.0.1:9/"),
        ("http://localhost:9", "http://123456789012.localhost:9/"),
    ],
)
def test_an_address_is_asked_as_it_is_and_a_name_with_the_account_in_front(
    monkeypatch: pytest.MonkeyPatch, endpoint: str | None, wanted: str
) -> None:
    for name, value in {"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name, raising=False)
    made, asked_at = control_client("us-east-1", Config()), []

    class Raw:
        def stream(self) -> list[bytes]:
            return [b"<DescribeJobResult><Job><JobId>job-1</JobId></Job></DescribeJobResult>"]

    def answer(request: object, **_: object) -> AWSResponse:
        asked_at.append(request.url)  # type: ignore[attr-defined]
        return AWSResponse(request.url, 200, HTTPHeaders(), Raw())  # type: ignore[attr-defined]

    made.meta.events.register("before-send.s3-control.*", answer)
    assert made.describe_job(AccountId="123456789012", JobId="job-1")["Job"]["JobId"] == "job-1"
    assert asked_at[0].startswith(wanted)
