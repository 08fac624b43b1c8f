"""Runbooks are complete, belong to something that can fire, and name what exists."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.looking import VIEWS
from tests import runbooks
from tests.aws_commands import problem
from tests.factories import ROOT, policy
from tests.runbooks import HEADINGS, INDEX, RUNBOOKS, blocks, commands, pages

ALERTS = [*policy().alerts.alerts]
DETECTIONS = [item.name for item in policy().detections.detections]
HOW_TO = [
    "add-a-class",
    "add-a-destination",
    "auditor-access",
    "data-subject-request",
    "lose-a-region",
    "redaction-rule-after-a-leak",
    "restore-from-the-archive",
    "rotate-a-key",
    "run-without-datadog",
]
STACK_PROGRAMS = {"make", "pulumi", "git"}
PULUMI = {"preview", "up", "stack", "config", "state", "refresh"}


def test_every_alert_and_detection_has_a_runbook_and_every_runbook_belongs_to_one() -> None:
    found = sorted(path.stem for path in RUNBOOKS.glob("*.md") if path != INDEX)
    assert found == sorted([*ALERTS, *DETECTIONS])


def test_every_procedure_that_was_promised_is_there() -> None:
    assert sorted(path.stem for path in (RUNBOOKS / "how-to").iterdir()) == HOW_TO


@pytest.mark.parametrize("name", [*ALERTS, *DETECTIONS])
def test_a_runbook_says_first_what_to_do_first_and_has_the_six_headings(name: str) -> None:
    path = RUNBOOKS / f"{name}.md"
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    assert lines[0] == f"# {name}"
    assert lines[2].startswith("**First:** ")
    assert blocks(path)[0].kind == "sandbox", "the first command has to work here"
    assert text.index("```console") < text.index("## Symptom")
    assert tuple(re.findall(r"^## (.*)$", text, re.MULTILINE)) == HEADINGS
    parts = re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]
    assert all(len(part.split()) >= 1 for part in parts)
    assert any(command.startswith("make") for block in blocks(path) for command in block.commands)


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_a_block_that_does_not_run_here_says_why(path: Path) -> None:
    for block in blocks(path):
        if block.kind != "sandbox":
            assert re.match(r"(At AWS|In a checkout) \(.{4,}\):$", block.before), (path.name, block.before)


def test_the_index_is_what_policy_and_runbooks_say() -> None:
    assert INDEX.read_text(encoding="utf-8") == runbooks.index(policy()), "run: .venv/bin/python -m tests.runbooks"


def test_every_aws_command_names_what_aws_has() -> None:
    found = [(page, line) for page, line in commands("aws") if not line.startswith("pulumi stack output")]
    assert len(found) > 40
    assert [(page, line, problem(line)) for page, line in found if problem(line)] == []


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("aws kms disable-keys --key-id x", "no operation"),
        ("aws kms enable-key --key x", "no parameter --key"),
        ("aws kms enable-key", "needs KeyId"),
        ("aws cloudwatchlogs describe-log-groups", "no service"),
        ("aws ecs wait services-steady --cluster c --services s", "no waiter"),
        ("aws ecs wait services-stable --cluster c --service s", "no parameter --service"),
        ("awscli ecs list-tasks", "no command"),
    ],
)
def test_an_aws_command_with_a_wrong_name_is_found(command: str, reason: str) -> None:
    assert reason in problem(command)


def test_what_a_checkout_command_calls_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    found = [(page, shlex.split(line)) for page, line in commands("stack")]
    assert len(found) > 8
    for page, words in found:
        assert words[0] in STACK_PROGRAMS, (page, words)
        if words[0] == "make":
            assert words[1] in targets, (page, words)
        if words[0] == "pulumi":
            assert words[1] in PULUMI, (page, words)
        for word in words:
            for file in re.findall(r"\b(?:tests|policy)/[\w/.]+", word):
                assert (ROOT / file).exists(), (page, file)


def test_every_link_leads_to_a_page_and_a_heading() -> None:
    problems = []
    for path in [*pages(), INDEX]:
        for link in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
            file, _, anchor = link.partition("#")
            target = (path.parent / file).resolve()
            if not target.is_file():
                problems.append((path.name, link))
            elif anchor:
                heads = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
                if anchor not in {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}:
                    problems.append((path.name, link))
    assert problems == []


def test_names_of_settings_and_files_in_runbooks_exist() -> None:
    missing = []
    for path in pages():
        for file in re.findall(r"\b((?:policy|docs|tests)/[\w./-]+\w)", path.read_text(encoding="utf-8")):
            if not (ROOT / file).exists() and not list(ROOT.glob(f"{file}*")):
                missing.append((path.name, file))
    assert missing == []


def test_the_sandboxs_views_are_all_used_and_none_is_invented() -> None:
    asked = {match for _, line in commands("sandbox") for match in re.findall(r"WHAT=([\w-]+)", line)}
    assert asked == set(VIEWS)


def test_a_view_that_does_not_exist_is_refused_with_what_does() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "sandbox.looking", "queue"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert found.returncode == 2
    assert "queue" in found.stderr
    assert "queues" in found.stderr
