"""How a request about one person ends when something goes wrong in the middle, and how the next one carries on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyrage
import pytest

from infra.export import chain
from infra.subject.handover import TEMPLATES
from tests.erase_run import OTHER, PERSON, Cloud, Killed, at, cloud, nothing, refusal
from tests.factories import ROOT

BOTH = [PERSON, OTHER]


KILLED = """
import os, signal
from pathlib import Path
from infra.subject.facts import OBJECT, Fate, facts
with facts(Path({out!r})) as found:
    found.add("application", Fate.ERASED, OBJECT, dict(object="s3://b/k", records=1))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Iterator[Cloud]:
    with cloud(tmp_path) as found:
        yield found


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


@pytest.mark.parametrize(
    ("digested", "says"), [(False, "not what its digest says"), (True, "not signed by this stack's key")]
)
def test_a_forged_record_of_an_unfinished_erasure_stops_the_next_one(
    place: Cloud, says: str, *, digested: bool
) -> None:
    key = place.put("application", "a", BOTH)
    place.before = at("delete_object", Killed())
    with pytest.raises(Killed):
        place.run()
    place.before = nothing
    s3, bucket = place.client("s3"), place.context.archive_bucket("application")
    (where,) = [it["Key"] for it in s3.list_objects_v2(Bucket=bucket, Prefix="erasures/")["Contents"]]
    stored = s3.get_object(Bucket=bucket, Key=where)["Body"].read()
    found = json.loads(stored)
    found["body"]["removed"] = 2
    found |= {"digest": chain.digest(found["body"])} if digested else {}
    s3.put_object(Bucket=bucket, Key=where, Body=json.dumps(found).encode())
    said = place.run("again")
    assert said.exit_code == 1
    assert says in said.output
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
    script = KILLED.format(out=str(place.directory / "out"))
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    written = place.directory / "out.partial" / "objects.jsonl"
    before = written.read_text()
    assert [json.loads(line)["object"] for line in before.splitlines()] == ["s3://b/k"]
    said = place.run()
    assert said.exit_code == 2
    assert "holds what an erasure did that was killed" in said.output
    assert written.read_text() == before


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
