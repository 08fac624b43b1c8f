"""Every command that a runbook says works in the sandbox is run in one, as it is written.

That what a command shows is right is not judged here; what each view reports wrong, the last tests show.
"""

import datetime
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyrage
import pytest

from infra.documents.export_assignment import assignment, code_version
from infra.export.chain import key
from infra.export.ledger import head
from infra.export.metrics import ARCHIVE_MISSING, BYTES, DURATION, FAILURES, LAG, MISSING, NAMESPACE
from sandbox.demo.lines import from_application
from sandbox.demo.run import Live, carry, live_sandbox
from sandbox.doubles.aws_clients import aws_client
from sandbox.look import variables
from sandbox.running import announced
from sandbox.tools.errors import ToolMissingError
from sandbox.tools.locate import locate
from tests.factories import ROOT
from tests.runbooks import commands

pytestmark = [pytest.mark.engine, pytest.mark.collector, pytest.mark.timeout(900)]


@pytest.fixture(scope="module", name="live")
def _live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, Path]]:
    try:
        engine, otelcol = locate("pulumi", obtain=False), locate("otelcol", obtain=False)
    except ToolMissingError as error:
        pytest.skip(str(error))
    directory = tmp_path_factory.mktemp("runbooks")
    state = directory / "running.json"  # a developer's own sandbox stays the one that is found
    with live_sandbox(directory, engine, otelcol, "cloudwatch,newrelic", lambda _: None) as live:
        carry(live, from_application(tmp_path_factory.mktemp("application")), lambda _: None)
        with announced(variables(live), state):
            yield live, state


def said(command: str, live: tuple[Live, Path]) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody would who read it, in a checkout."""
    # Nor what `make test ARGS=...` hands on: the commands are typed into a shell of their own.
    others = ("AWS_", "SANDBOX_", "MAKE", "MFLAGS", "ARGS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return subprocess.run(
        ["bash", "-c", command],
        cwd=ROOT,
        env={**kept, "SANDBOX_STATE": str(live[1]), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(("page", "command"), [pytest.param(*item, id=item[1]) for item in commands("sandbox")])
def test_a_command_works_as_written(page: str, command: str, live: tuple[Live, Path]) -> None:
    found = said(command, live)
    assert found.returncode == 0, f"{page}: {found.stdout[-1500:]}{found.stderr[-1500:]}"
    assert found.stdout.strip(), f"{page}: it says nothing"


TODAY = datetime.datetime.now(datetime.UTC).date()
YESTERDAY = TODAY - datetime.timedelta(days=1)
WINDOW = f"FROM={YESTERDAY} TO={TODAY} CLASS=audit"


def test_the_deployed_function_fills_a_window_and_says_what_of_it_cannot_be_filled(live: tuple[Live, Path]) -> None:
    found = said(f"make archive-export {WINDOW} ARGS=--function", live)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "CloudWatch Logs exports nothing of days before it" in found.stdout
    sandbox = live[0]
    s3 = aws_client("s3", endpoint_url=sandbox.cloud.aws_endpoint, region=sandbox.cloud.region)
    (target,) = (it for it in assignment(sandbox.context).targets if it.cls == "audit")
    link = head(s3, target)
    assert link is not None
    assert link.body["records"] > 0
    assert link.body["code"] == code_version()
    verified = said(f"make archive-verify {WINDOW} ARGS=--metrics", live)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "0 findings" in verified.stdout
    cloudwatch = aws_client("cloudwatch", endpoint_url=sandbox.cloud.aws_endpoint, region=sandbox.cloud.region)
    told = cloudwatch.list_metrics(Namespace=NAMESPACE)["Metrics"]
    by_name = {item["MetricName"] for item in told if {"Name": "Class", "Value": "audit"} in item["Dimensions"]}
    assert {ARCHIVE_MISSING, LAG, MISSING, FAILURES, BYTES, DURATION} <= by_name


def test_what_keeps_the_function_from_exporting_is_told_to_who_called_it(live: tuple[Live, Path]) -> None:
    sandbox = live[0]
    s3 = aws_client("s3", endpoint_url=sandbox.cloud.aws_endpoint, region=sandbox.cloud.region)
    (target,) = (it for it in assignment(sandbox.context).targets if it.cls == "security")
    bucket, forged = str(target.bucket), key(target, 10_000)
    made = s3.put_object(Bucket=bucket, Key=forged, Body=b"{}")
    try:
        found = said(f"make archive-export FROM={TODAY} TO={TODAY} CLASS=security ARGS=--function", live)
    finally:
        s3.delete_object(Bucket=bucket, Key=forged, VersionId=made["VersionId"], BypassGovernanceRetention=True)
    assert found.returncode != 0
    assert f"the manifest s3://{bucket}/{forged} is corrupt" in found.stdout


def test_a_key_to_be_deleted_is_found(live: tuple[Live, Path]) -> None:
    sandbox = live[0]
    kms = aws_client("kms", endpoint_url=sandbox.cloud.aws_endpoint, region=sandbox.cloud.region)
    alias = sandbox.context.key_alias("client")
    key = kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    try:
        found = said("make look WHAT=keys", live)
    finally:
        kms.cancel_key_deletion(KeyId=key)
        kms.enable_key(KeyId=key)
    assert found.returncode != 0
    assert "PendingDeletion" in found.stdout


def test_a_person_gets_everything_and_is_erased_and_the_archive_says_so(
    live: tuple[Live, Path], tmp_path: Path
) -> None:
    user, today = "2", datetime.datetime.now(datetime.UTC).date().isoformat()
    identity = pyrage.x25519.Identity.generate()
    window = f"FROM={today} TO={today}"
    said(f"make archive-export {window} CLASS=application", live)

    def request(target: str, out: str, more: str = "") -> subprocess.CompletedProcess[str]:
        return said(
            f"make {target} USER={user} {window} OUT={tmp_path}/{out} REASON='DSR-7, GDPR art. 17' {more}", live
        )

    exported = request("subject-export", "export", f"KEY={identity.to_public()}")
    assert exported.returncode == 0, exported.stderr
    records = pyrage.decrypt((tmp_path / "export/records.jsonl.age").read_bytes(), [identity]).splitlines()
    assert records
    assert {json.loads(line)["class"] for line in records} >= {"application", "access"}
    done = request("subject-erase", "erased", f"CONFIRM={user}")
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "erased/statement.json").read_text())
    assert {row["class"] for row in told["erased"]} >= {"application", "access"}
    assert {row["class"] for row in told["retained"] if "Object Lock" in row["why"]} == {"audit"}

    again = request("subject-erase", "again")
    assert again.returncode == 0, again.stderr
    assert json.loads((tmp_path / "again/statement.json").read_text())["erased"] == []
    verified = said(f"make archive-verify {window} CLASS=application", live)
    assert verified.returncode == 0, verified.stdout
    assert f"erased by request {told['request']} on {today}" in verified.stdout


def test_a_group_without_key_or_retention_is_found(live: tuple[Live, Path]) -> None:
    sandbox = live[0]
    logs = aws_client("logs", endpoint_url=sandbox.cloud.aws_endpoint, region=sandbox.cloud.region)
    logs.create_log_group(logGroupName="/somebody/elses")
    try:
        found = said("make look WHAT=groups", live)
    finally:
        logs.delete_log_group(logGroupName="/somebody/elses")
    assert found.returncode != 0
    assert "/somebody/elses" in found.stdout


def test_an_archive_is_held_locked_certified_and_costed_by_the_commands_that_people_type(
    live: tuple[Live, Path], tmp_path: Path
) -> None:
    """One story, in order: what is held by requests is released, held again by a job, locked, certified, looked at."""
    sandbox, now = live[0], datetime.datetime.now(datetime.UTC)
    s3 = aws_client("s3", endpoint_url=sandbox.cloud.aws_endpoint, region=sandbox.cloud.region)
    bucket, today = sandbox.context.archive_bucket("application"), now.date().isoformat()
    where = f"CLASS=application WHO='Ada Counsel' ARGS='--state {tmp_path}'"
    window = f"FROM={today} TO={today}"

    def ran(command: str) -> str:
        found = said(command, live)
        assert found.returncode == 0, f"{command}: {found.stdout[-1500:]}{found.stderr[-1500:]}"
        return found.stdout

    def held() -> set[bool]:
        versions = s3.list_object_versions(Bucket=bucket, Prefix="otlp/")["Versions"]
        answers = [s3.get_object_legal_hold(Bucket=bucket, Key=it["Key"], VersionId=it["VersionId"]) for it in versions]
        return {answer["LegalHold"].get("Status") == "ON" for answer in answers}

    hold = f"make archive-hold {window} {where}"
    assert held() == {False}
    # Without it, a hold on what only CloudWatch has is refused (tests/test_archive_holds.py); runbooks may have done it.
    ran(f"make archive-export {window} CLASS=application")
    assert "held: " in ran(f"{hold} WHY='order 12 of the court'")
    assert held() == {True}
    assert "released: " in ran(f"{hold} WHY='order 12 was withdrawn' RELEASE=1")
    assert held() == {False}
    assert "held: " in ran(f"{hold} WHY='order 13, of very many records' JOB=1")
    assert held() == {True}

    until = (now.date() + datetime.timedelta(days=3)).isoformat()
    assert "locked until" in ran(f"make archive-extend {window} {where} UNTIL={until} WHY='until the audit is over'")
    one = s3.list_object_versions(Bucket=bucket, Prefix="otlp/")["Versions"][0]
    lock = s3.get_object_retention(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])["Retention"]
    assert lock["RetainUntilDate"].date() == now.date() + datetime.timedelta(days=4)  # the end of the last day
    certificate = f"make archive-certificate CLASS=application MONTH={today[:7]} WHO=Ada ARGS='--output {tmp_path}'"
    assert "digest" in ran(certificate)
    (path,) = tmp_path.glob("expiry-*.json")
    assert "signed by this stack's key" in ran(f"make archive-register CLASS=application CERTIFICATE={path}")
    shown = ran("make archive-register CLASS=application")
    assert "9 entries, chain and signatures whole, 0 findings" in shown
    for word in ("Ada Counsel", "order 13, of very many records", "until the audit is over", "extended", "released"):
        assert word in shown
    assert "application" in ran("make archive-cost STACK=sandbox")

    wrong = said(f"make archive-hold FROM={until} TO={until} {where} WHY='order 14 of the court'", live)
    assert "lies in the future" in wrong.stdout + wrong.stderr
