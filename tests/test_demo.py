"""The demo from end to end: the real engine brings the stack up, the real collector carries lines, every sink is read.

Proves the path of a record through the shipped configuration; that the real services behave as their doubles do is
not proven here (sandbox/doubles says what they check).
"""

import datetime
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.demo.lines import Lines, NoLinesError, from_application, from_file
from sandbox.demo.report import rendered
from sandbox.demo.result import DemoResult
from sandbox.demo.run import Live, carry, destinations_from, live_sandbox
from sandbox.demo.sensitive import Sensitive
from sandbox.look import variables
from sandbox.tools.errors import ToolMissingError
from sandbox.tools.locate import locate
from tests.factories import ROOT, policy

pytestmark = [pytest.mark.engine, pytest.mark.collector, pytest.mark.timeout(420)]

SAMPLES = Path(os.environ.get("TINYBEANS_SAMPLES", ROOT.parent / "shared" / "samples")) / "tinybeans_app.jsonl"
NOW = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)


@pytest.fixture(scope="module", name="live")
def _live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    try:
        engine, otelcol = locate("pulumi", obtain=False), locate("otelcol", obtain=False)
    except ToolMissingError as error:
        pytest.skip(str(error))
    directory = tmp_path_factory.mktemp("demo")
    with live_sandbox(directory, engine, otelcol, destinations_from({}), lambda _: None) as live:
        yield live


@pytest.fixture(scope="module", name="application_run")
def _application_run(live: Live, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lines, DemoResult]:
    lines = from_application(tmp_path_factory.mktemp("application"))
    return lines, carry(live, lines, lambda _: None)


def test_every_record_of_the_application_is_accounted_for(application_run: tuple[Lines, DemoResult]) -> None:
    lines, result = application_run
    assert result.accounts.acknowledged == len(lines.lines) > 100
    assert [check for check in result.accounts.checks if not check.holds] == []


def test_no_sensitive_value_of_the_application_arrives_anywhere(application_run: tuple[Lines, DemoResult]) -> None:
    lines, result = application_run
    assert len(lines.sensitive) > 20
    assert result.leaks == ()


def test_every_class_receives_records_and_only_where_it_may(application_run: tuple[Lines, DemoResult]) -> None:
    rows = {row.cls: row for row in application_run[1].accounts.rows}
    assert all(row.accepted for row in rows.values())
    assert rows["audit"].arrived["newrelic"] is None
    assert rows["application"].arrived["newrelic"]


def test_sampling_is_shown_with_its_reason_and_spares_audit(application_run: tuple[Lines, DemoResult]) -> None:
    rows = {row.cls: row for row in application_run[1].accounts.rows}
    assert rows["access"].dropped["access_successes"] > 0
    assert rows["audit"].dropped == rows["security"].dropped == {}


def test_archived_objects_are_encrypted_by_default_and_audit_is_locked(
    application_run: tuple[Lines, DemoResult],
) -> None:
    objects = application_run[1].objects
    assert {item.encryption for item in objects} == {"aws:kms"}
    assert {item.lock for item in objects if "-audit-" in item.bucket} == {"GOVERNANCE"}
    assert all(item.key.startswith("otlp/") for item in objects)


def test_three_records_show_what_redaction_did(application_run: tuple[Lines, DemoResult]) -> None:
    shown = application_run[1].redactions
    assert len({item.rule for item in shown}) == 3
    assert all(item.sent != item.stored for item in shown)


def test_the_report_tells_the_same_and_needs_no_network(application_run: tuple[Lines, DemoResult]) -> None:
    html = rendered(application_run[1], NOW)
    assert "Every acknowledged record is accounted for" in html
    assert "<svg" in html
    assert "http://" not in html.replace("http://www.w3.org", "").split("<h2>Before and after</h2>")[0]
    assert "<script" not in html


def test_the_demo_fails_when_a_listed_value_does_arrive(live: Live, application_run: tuple[Lines, DemoResult]) -> None:
    harmless = (
        '{"message": "a very ordinary sentence", "level": "INFO", "logger": "mysite", "service": "tinybeans-web"}'
    )
    result = carry(
        live, Lines("planted", (harmless,), (Sensitive("planted", "a very ordinary sentence"),)), lambda _: None
    )
    assert {leak.place for leak in result.leaks} == {"archive", "cloudwatch", "newrelic"}
    assert not result.passed
    assert application_run[1].passed


@pytest.mark.skipif(not SAMPLES.exists(), reason=f"{SAMPLES.name} of the public application is not on this machine")
def test_the_real_applications_lines_are_carried_without_a_leak(tmp_path: Path) -> None:
    engine, otelcol = locate("pulumi", obtain=False), locate("otelcol", obtain=False)
    lines = from_file(SAMPLES, policy())
    with live_sandbox(tmp_path, engine, otelcol, destinations_from({"DATADOG": "1"}), lambda _: None) as live:
        result = carry(live, lines, lambda _: None)
    assert result.accounts.acknowledged == 237
    assert [check for check in result.accounts.checks if not check.holds] == []
    assert result.leaks == ()
    assert "datadog" in {sink for row in result.accounts.rows for sink in row.arrived}


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), ("", "the file has no lines"), ("x" * 1_000_001, "a line is longer than")],
)
def test_a_file_that_cannot_be_sent_is_refused_by_name(content: str | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(NoLinesError, match=said):
        from_file(path, policy())


def test_what_the_collector_archived_and_what_cloudwatch_exports_prove_each_other_whole(
    live: Live, application_run: tuple[Lines, DemoResult]
) -> None:
    environment = {**os.environ, **variables(live)}
    today = datetime.datetime.now(datetime.UTC).date()
    window = ["--from", (today - datetime.timedelta(days=1)).isoformat(), "--to", today.isoformat()]

    def archive(command: str) -> str:
        result = subprocess.run(
            [sys.executable, "-m", "infra.archive", command, *window],
            cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    exported = archive("export")
    assert all(f"/tinybeans/sandbox/{row.cls} is exported" in exported for row in application_run[1].accounts.rows)
    proven = archive("verify")
    assert "0 findings" in proven
    assert "in both, alike" in proven
    assert "missing" not in proven
