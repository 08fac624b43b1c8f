"""The sandbox's application: what one run of `python -m sandbox.app` writes, and what it promises about it."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.app.__main__ import parse
from sandbox.app.people import household
from sandbox.app.tracing import span_for

ROOT = Path(__file__).resolve().parents[1]
LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR"}
ALWAYS = ["timestamp", "level", "logger", "message", "service", "environment", "hostname"]
KNOWN = {
    *ALWAYS,
    *("request_id", "user_id", "remote_ip", "circle_id", "keep_id", "trace_id", "span_id", "context"),
    *("event", "outcome", "auth_context", "tinybeans.log.class", "exc_info"),
}
CLASS_OF_LOGGER = {
    "mysite.audit": "audit",
    "mysite.security": "security",
    "oauth.security": "security",
    "django.security.DisallowedHost": "security",
    "mysite.access": "access",
    "tinybeans.client": "client",
}
Record = dict[str, Any]


@dataclass(frozen=True, repr=False)
class Run:
    """One finished run: its lines, what they say, and the values listed as sensitive."""

    stdout: str
    stderr: str
    records: list[Record]
    manifest: list[dict[str, str]]

    @property
    def sequence(self) -> list[tuple[str, str | None, str]]:
        return [(record["logger"], record.get("event"), record["level"]) for record in self.records]

    def of(self, logger: str, event: str | None = None) -> list[Record]:
        return [
            record
            for record in self.records
            if record["logger"] == logger and (event is None or record.get("event") == event)
        ]


def run_app(folder: Path, *arguments: str) -> Run:
    manifest = folder / "manifest.json"
    finished = subprocess.run(
        [sys.executable, "-m", "sandbox.app", "--manifest", str(manifest), *arguments],
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if not key.startswith("TINYBEANS_")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    records = [json.loads(line) for line in finished.stdout.splitlines()]
    return Run(finished.stdout, finished.stderr, records, json.loads(manifest.read_text()))


def emails_of(run: Run) -> set[str]:
    return {entry["value"] for entry in run.manifest if entry["kind"] == "email"}


@pytest.fixture(scope="session", name="run")
def _run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_app(tmp_path_factory.mktemp("app"))


def test_stdout_has_one_json_object_a_line_and_nothing_else(run: Run) -> None:
    assert run.stdout.endswith("}\n")
    assert all(isinstance(record, dict) for record in run.records)
    assert len(run.records) == run.stdout.count("\n")
    assert run.stderr == ""


def test_every_record_begins_with_the_contract_s_fields_and_has_no_field_beside_them(run: Run) -> None:
    for record in run.records:
        assert list(record)[: len(ALWAYS)] == ALWAYS
        assert set(record) <= KNOWN
        assert record["level"] in LEVELS
        assert record["service"] == "tinybeans-web"
        assert isinstance(record.get("context", {}), dict)
        assert re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)+", record.get("event", "no.event"))


def test_timestamps_are_utc_in_the_application_s_spelling_and_never_go_back(run: Run) -> None:
    stamps = [record["timestamp"] for record in run.records]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", stamp) for stamp in stamps)
    assert all(datetime.fromisoformat(stamp).utcoffset() == timedelta(0) for stamp in stamps)
    assert stamps == sorted(stamps)


def test_one_family_is_a_readable_amount_of_records_at_every_level(run: Run) -> None:
    assert 120 <= len(run.records) <= 250
    assert set(Counter(record["level"] for record in run.records)) == LEVELS


def test_the_class_stands_on_audit_and_security_records_and_only_where_it_is_true(run: Run) -> None:
    for record in run.records:
        expected = CLASS_OF_LOGGER.get(record["logger"])
        if record["logger"] in {"mysite.audit", "mysite.security", "oauth.security"}:
            assert record["tinybeans.log.class"] == expected
        else:
            assert "tinybeans.log.class" not in record


def test_all_five_classes_occur(run: Run) -> None:
    found = {CLASS_OF_LOGGER.get(record["logger"], "application") for record in run.records}
    assert found == {"audit", "security", "application", "access", "client"}


@pytest.mark.parametrize(
    ("logger", "event", "level"),
    [
        ("mysite.audit", "audit.user.signup", "INFO"),
        ("mysite.auth.views.account", "auth.signup.duplicate", "WARNING"),
        ("mysite.auth.views.account", "auth.login.success", "INFO"),
        ("mysite.auth.views.account", "auth.login.failed", "WARNING"),
        ("mysite.audit", "audit.user.login.success", "INFO"),
        ("mysite.audit", "audit.user.login.failure", "WARNING"),
        ("mysite.audit", "audit.twofa.enabled", "INFO"),
        ("mysite.audit", "audit.twofa.verify.success", "INFO"),
        ("mysite.audit", "audit.twofa.recovery_code.used", "INFO"),
        ("mysite.security", "auth.twofa.recovery_code_refused", "WARNING"),
        ("mysite.audit", "audit.user.password_reset.requested", "INFO"),
        ("mysite.audit", "audit.user.password_reset.completed", "INFO"),
        ("mysite.security", "auth.password_reset.invalid_token", "WARNING"),
        ("mysite.audit", "audit.circle.invitation.sent", "INFO"),
        ("mysite.audit", "audit.circle.member.added", "INFO"),
        ("mysite.audit", "audit.circle.member.removed", "INFO"),
        ("mysite.keeps.views", "keeps.uploaded", "INFO"),
        ("mysite.keeps.tasks", "keeps.thumbnail.failed", "ERROR"),
        ("mysite.audit", "audit.keep.deleted", "INFO"),
        ("mysite.security", "circle.access.denied", "WARNING"),
        ("mysite.security", "auth.login.rate_limited", "WARNING"),
        ("mysite.security", "auth.token.invalid", "WARNING"),
        ("oauth.security", "oauth.redirect_uri_not_whitelisted", "WARNING"),
        ("oauth.security", "oauth.redirect_uri_validated", "DEBUG"),
        ("tinybeans.client", "client.upload.failed", "ERROR"),
        ("tinybeans.client", "client.session.expired", "WARNING"),
        ("mysite.health", "health.database.ok", "DEBUG"),
        ("django.security.DisallowedHost", None, "ERROR"),
    ],
)
def test_each_flow_leaves_its_record(run: Run, logger: str, event: str | None, level: str) -> None:
    assert {record["level"] for record in run.of(logger, event)} == {level}


@pytest.mark.parametrize("status", [200, 201, 202, 400, 401, 403, 404, 415, 429, 500])
def test_the_access_log_has_method_path_status_and_duration_of_every_kind_of_answer(run: Run, status: int) -> None:
    answered = [record["context"] for record in run.of("mysite.access") if record["context"]["status"] == status]
    assert answered
    for context in answered:
        assert context["method"] in {"GET", "POST", "DELETE"}
        assert context["path"].startswith("/")
        assert context["duration_ms"] > 0


def test_django_reports_every_refused_request_with_the_identifiers_of_that_request(run: Run) -> None:
    refused = {record["request_id"] for record in run.of("mysite.access") if record["context"]["status"] >= 400}
    reported = {
        record["request_id"]
        for record in run.records
        if record["logger"] in {"django.request", "django.security.DisallowedHost"}
    }
    assert reported == refused


def test_the_request_id_links_the_records_of_a_request_in_one_trace_and_span(run: Run) -> None:
    requests: defaultdict[str, list[Record]] = defaultdict(list)
    for record in run.records:
        requests[record["request_id"]].append(record)
    assert len(requests) == len(run.of("mysite.access"))
    for request_id, records in requests.items():
        assert re.fullmatch(r"[0-9a-f]{32}", request_id)
        ((trace_id, span_id),) = {(record["trace_id"], record["span_id"]) for record in records}
        assert re.fullmatch(r"[0-9a-f]{32}", trace_id)
        assert re.fullmatch(r"[0-9a-f]{16}", span_id)
    (upload, *_) = run.of("mysite.keeps.views", "keeps.uploaded")
    linked = {record["logger"] for record in requests[upload["request_id"]]}
    assert {"mysite.keeps.views", "mysite.audit", "mysite.keeps.tasks", "mysite.access"} <= linked


def test_an_exception_is_one_record_with_its_whole_traceback(run: Run) -> None:
    (failure,) = [record for record in run.of("django.request") if record["level"] == "ERROR"]
    assert failure["message"] == "Internal Server Error: /api/users/circles/1/export/"
    traceback = failure["exc_info"]
    assert traceback.startswith("Traceback (most recent call last):\n")
    assert "The above exception was the direct cause of the following exception:" in traceback
    assert "ArchiveUnavailableError: could not connect to postgresql://tinybeans_archive:" in traceback


def test_an_audit_record_says_who_did_what_and_how_they_were_known(run: Run) -> None:
    (enabled,) = run.of("mysite.audit", "audit.twofa.enabled")
    assert enabled["message"] == "twofa.enabled"
    assert enabled["outcome"] == "success"
    assert enabled["auth_context"] == {"method": "bearer", "mfa": False}
    assert enabled["context"]["audit_action"] == "twofa.enabled"
    assert enabled["context"]["actor_id"] == str(enabled["user_id"])


def test_every_value_of_the_manifest_occurs_in_the_output(run: Run) -> None:
    absent = [entry["kind"] for entry in run.manifest if entry["value"] not in run.stdout]
    assert absent == []


def test_the_manifest_lists_every_kind_that_the_collector_has_to_remove(run: Run) -> None:
    assert {entry["kind"] for entry in run.manifest} == {
        *("email", "ip_address", "phone", "gps", "child_date_of_birth"),
        *("jwt", "otpauth_url", "totp_secret", "reset_token", "password"),
    }


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("email", r"[\w.]+(?:@|%40)example\.(?:com|net|org)"),
        ("ip_address", r"\b(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3}\b"),
        ("phone", r"\+1\d{3}55501\d\d"),
        ("jwt", r"eyJ[\w-]+\.[\w-]+\.[\w-]+"),
    ],
)
def test_no_sensitive_value_of_a_recognisable_form_is_missing_from_the_manifest(
    run: Run, kind: str, pattern: str
) -> None:
    listed = {entry["value"] for entry in run.manifest if entry["kind"] == kind}
    assert set(re.findall(pattern, run.stdout)) == listed


def test_sql_arguments_a_token_in_a_url_and_a_caption_carry_personal_data(run: Run) -> None:
    values = {kind: [e["value"] for e in run.manifest if e["kind"] == kind] for kind in ("email", "reset_token")}
    assert any(email in sql["message"] for sql in run.of("django.db.backends") for email in values["email"])
    (token,) = values["reset_token"]
    assert any(token in record["context"]["url"] for record in run.of("mysite.access"))
    uploads = [record["context"] for record in run.of("mysite.keeps.views", "keeps.uploaded")]
    (birthday,) = [context for context in uploads if "child" in context]
    assert birthday["child"]["date_of_birth"] in birthday["caption"]
    assert isinstance(birthday["exif"]["gps_latitude"], float)


def test_the_service_itself_never_writes_a_password(run: Run) -> None:
    family = household(random.Random("0/0"))  # noqa: S311 - the scenario's own first family
    people = (family.parent, family.grandparent, family.stranger)
    assert any(family.parent.email in line for line in run.stdout.splitlines())
    written = [word for word in (*(p.password for p in people), family.new_password) if word in run.stdout]
    assert not written, f"{len(written)} of the family's passwords were logged"


@pytest.fixture(scope="session", name="twice")
def _twice(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_app(tmp_path_factory.mktemp("twice"), "--seed", "0", "--repeat", "2")


def test_the_same_seed_plays_the_same_evening(run: Run, twice: Run) -> None:
    first = twice.records[: len(run.records)]
    assert twice.sequence[: len(first)] == run.sequence
    for field in ("request_id", "user_id", "circle_id", "keep_id", "remote_ip"):
        assert [record.get(field) for record in first] == [record.get(field) for record in run.records]
    assert emails_of(run) < emails_of(twice)


def test_each_repetition_leaves_the_same_records_about_a_family_of_its_own(run: Run, twice: Run) -> None:
    assert twice.sequence == run.sequence * 2
    assert len(emails_of(twice)) == 2 * len(emails_of(run))
    assert [entry["kind"] for entry in twice.manifest if entry["value"] not in twice.stdout] == []


def test_another_seed_brings_other_people() -> None:
    families = [household(random.Random(f"{seed}/0")) for seed in (0, 1)]  # noqa: S311 - the scenario's own
    members = [{person.email for person in (f.parent, f.grandparent, f.stranger)} for f in families]
    assert members[0].isdisjoint(members[1])


def test_importing_the_package_configures_nothing() -> None:
    check = (
        "import logging, sandbox.app, sandbox.app.__main__, sandbox.app.logging_setup, sandbox.app.settings\n"
        "from django.conf import settings\n"
        "assert not settings.configured and not logging.getLogger().handlers\n"
    )
    finished = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout) == (0, ""), finished.stderr


def test_a_run_without_a_family_is_refused_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        parse(["--repeat", "0"])
    assert "--repeat is 0: at least one family has to play" in capsys.readouterr().err


def test_a_caller_s_trace_is_continued_in_a_span_of_our_own() -> None:
    span = span_for("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    assert span.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert span.span_id != "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n",
    ],
)
def test_a_missing_or_malformed_traceparent_starts_a_new_trace(header: str | None) -> None:
    span = span_for(header)
    assert span != span_for(header)
    assert re.fullmatch(r"[0-9a-f]{32}", span.trace_id)
    assert re.fullmatch(r"[0-9a-f]{16}", span.span_id)
