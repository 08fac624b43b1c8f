"""The policy says what is wrong with it: file, key, reason and what would be allowed."""

import datetime
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from infra import schemas
from infra.documents.collector.clues import MARKER
from infra.documents.collector.pseudonym import PSEUDONYM_DIGITS
from infra.model import Environment
from infra.policy import load_policy
from infra.policy.archive import LockMode
from infra.policy.load import FILES
from infra.policy.redaction import Action, RedactionRule, compiled
from infra.problems import InputError
from tests.factories import ROOT, TODAY, policy
from tests.policy_edits import refusal

Edit = tuple[str, Any]


@pytest.fixture(name="edited")
def _edited(tmp_path: Path) -> Callable[..., str]:
    """Return a function that loads the repository's policy with one value changed."""

    return functools.partial(refusal, tmp_path)


def test_the_repository_policy_is_valid_today() -> None:
    assert set(policy().data_classes.classes) == {"audit", "security", "application", "access", "client"}


REFUSED = {
    "an unknown key": ("classes.audit.retention", 3, "classes.audit.retention: unknown key"),
    "a missing key": ("classes.audit.owner", KeyError, "classes.audit.owner: required key is missing"),
    "a retention CloudWatch does not accept": (
        "classes.audit.hot_retention_days.prod",
        31,
        "classes.audit.hot_retention_days.prod: not a retention that CloudWatch Logs accepts. Allowed: 1, 3, 5, 7",
    ),
    "objects moving upward": (
        "classes.audit.archive.prod.tiers",
        [
            {"after_days": 90, "storage_class": "DEEP_ARCHIVE"},
            {"after_days": 730, "storage_class": "GLACIER_IR"},
        ],
        "objects cannot move up from DEEP_ARCHIVE to GLACIER_IR. Allowed: STANDARD_IA >",
    ),
    "a tier left before its minimum duration": (
        "classes.audit.archive.prod.tiers",
        [
            {"after_days": 90, "storage_class": "GLACIER_IR"},
            {"after_days": 100, "storage_class": "DEEP_ARCHIVE"},
        ],
        "objects leave GLACIER_IR after 10 days, before its minimum storage duration. Allowed: at least 90 days",
    ),
    "an expiry before the minimum duration": (
        "classes.access.archive.prod.keep_days",
        50,
        "objects leave STANDARD_IA after 20 days",
    ),
    "a transition that S3 finds too early": (
        "classes.access.archive.prod.tiers",
        [{"after_days": 10, "storage_class": "STANDARD_IA"}],
        "STANDARD_IA after 10 days is too early. Allowed: 30 days or later",
    ),
    "an expiry before the lock ends": (
        "classes.security.archive.prod.object_lock.days",
        4000,
        "object_lock.days: objects would expire before their lock ends. Allowed: at most keep_days (1096)",
    ),
    "a tier that has to be restored while search is promised": (
        "classes.audit.archive.prod.searchable_days",
        731,
        "classes.audit.archive.prod.tiers: from 730 days of age on objects have to be restored from DEEP_ARCHIVE before "
        "they can be searched, and searchable_days promises 731. Allowed: until then STANDARD_IA, INTELLIGENT_TIERING, "
        "GLACIER_IR; or a searchable_days of 730 at most",
    ),
    "search for longer than records are kept": (
        "classes.client.archive.prod.searchable_days",
        61,
        "classes.client.archive.prod.searchable_days: objects would be searchable for longer than they are kept. "
        "Allowed: at most keep_days (60)",
    ),
    "a lock without days": ("classes.audit.archive.prod.object_lock", {"mode": "GOVERNANCE"}, "mode and days"),
    "a class with no reader": (
        "classes.audit.readers.hot",
        [],
        "classes.audit.readers.hot: Tuple should have at least 1",
    ),
    "an unknown reader group": (
        "classes.audit.readers.hot",
        ["everyone"],
        "unknown reader group everyone. Allowed: compliance, security, on-call, engineering",
    ),
    "an unknown destination": (
        "classes.audit.destinations",
        ["splunk"],
        "classes.audit.destinations.0: not one of the known values. Allowed: 'local', 'cloudwatch', 'datadog'",
    ),
    "sampling of audit records": (
        "classes.audit.sampling",
        [
            {
                "name": "some",
                "below": "INFO",
                "keep_percent": {"sandbox": 1, "dev": 1, "staging": 1, "prod": 1},
                "reason": "to save a little money",
            }
        ],
        "classes.audit.sampling: audit records are never sampled",
    ),
    "sampling of errors": (
        "classes.access.sampling.0.below",
        "FATAL",
        "ERROR and above are never sampled. Allowed: below: ERROR or lower",
    ),
    "an irreversible lock outside prod": (
        "classes.audit.archive.staging.object_lock.mode",
        "COMPLIANCE",
        "classes.audit.archive.staging.object_lock.mode: COMPLIANCE cannot be undone and is not allowed here",
    ),
    "an irreversible lock for another class": (
        "classes.security.archive.prod.object_lock.mode",
        "COMPLIANCE",
        "classes.security.archive.prod.object_lock.mode: COMPLIANCE cannot be undone",
    ),
    "an environment left out": ("classes.audit.hot_retention_days.prod", KeyError, "required key is missing"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_data_classes_refuse(case: str, edited: Callable[..., str]) -> None:
    path, value, said = REFUSED[case]
    message = edited("data_classes.yaml", path, value)
    assert "policy/data_classes.yaml: " in message
    assert said in message


def test_an_expired_exception_stops_the_program(edited: Callable[..., str]) -> None:
    item = {
        "checker": "checkov",
        "finding": "CKV_AWS_145",
        "resources": ["aws:s3/bucket:Bucket/*"],
        "environments": ["prod"],
        "reason": "log delivery cannot use it",
        "compensation": "holds no log records",
        "owner": "platform-engineering",
        "expires": datetime.date(2026, 11, 1),
    }
    message = edited("exceptions.yaml", "exceptions", [item])
    assert "policy/exceptions.yaml: exceptions.0.expires" in message
    assert "expired on 2026-11-01" in message
    assert "renew the exception" in message


def test_the_repository_exceptions_still_hold_for_a_month() -> None:
    assert policy().exceptions.expired(TODAY + datetime.timedelta(days=30)) == []


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("rules.0.pattern", "(?=a)b", "look-around and back-references"),
        ("rules.0.pattern", "a(b", "not a regular expression"),
        ("rules.0.examples", ["nothing to see"], "the pattern does not match this example"),
        ("rules.0.look_alikes", ["-----BEGIN PRIVATE KEY-----"], "the pattern matches this look-alike"),
        ("rules.0.classes", ["auditt"], "unknown class auditt. Allowed: audit, security"),
        ("rules.0.clues", [], "clues with a pattern, none without"),
        ("rules.0.clues", ["@Example"], "a clue is looked for in lower-cased text"),
        ("rules.0.clues", ["(?i:@)example"], "a clue is looked for in lower-cased text"),
        ("rules.0.clues", ["[a-z]@"], "a clue must begin with one character that stands for itself"),
        ("rules.0.clues", ["a?@"], "a clue must begin with one character that stands for itself"),
        ("rules.0.clues", ["@a|b"], "a clue must begin with one character that stands for itself"),
        ("rules.0.clues", ["[0-9]*@"], "a clue must begin with one character that stands for itself"),
        ("rules.0.clues", ["(@)"], "a clue must begin with one character that stands for itself"),
        ("rules.0.clues", ["@nowhere"], "no clue matches this example"),
        ("rules.0.usual", ["(?i:-----BEGIN)"], "a usual spelling begins with one character that stands for itself"),
        ("rules.0.usual", ["-----BEGIN|BEGIN"], "a usual spelling begins with one character that stands for itself"),
        ("rules.0.usual", ["-----NEVER"], "no example is spelled so"),
        ("rules.0.usual", ["-----B"], "the pattern does not match what this finds"),
        ("rules.1.name", "email", "rules of the same name: email"),
        ("rules.0.cloudwatch", [{}], "give exactly one of managed and custom"),
    ],
)
def test_redaction_refuses(path: str, value: Any, said: str, edited: Callable[..., str]) -> None:
    message = edited("redaction.yaml", path, value)
    assert "policy/redaction.yaml: " in message
    assert said in message


PATTERNS = [rule for rule in policy().redaction.rules if rule.pattern is not None]
ASCII = st.characters(codec="ascii")
NEIGHBOURS = st.text(st.sampled_from("aZ09_-.:=@/+ \n\t\\\"'{}[](),;&%"), max_size=4)


@pytest.mark.parametrize("rule", PATTERNS, ids=lambda rule: rule.name)
def test_wherever_a_pattern_matches_a_clue_does(rule: RedactionRule) -> None:
    assert rule.pattern is not None
    pattern = compiled(rule.pattern)
    tried = 0

    @settings(max_examples=320, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(NEIGHBOURS, st.from_regex(pattern, fullmatch=True, alphabet=ASCII), NEIGHBOURS)
    def check(before: str, found: str, after: str) -> None:
        nonlocal tried
        text = before + found + after
        assume(pattern.search(text))
        tried += 1
        assert rule.suspects(text), f"{rule.name}: no clue for {text!r}"

    check()
    assert tried >= 300


@pytest.mark.parametrize("rule", PATTERNS, ids=lambda rule: rule.name)
def test_no_pattern_finds_anything_in_what_a_rule_has_left(rule: RedactionRule) -> None:
    """What a rule covers by its name has its pseudonym, or what one is made of, before patterns are tried."""
    assert rule.pattern is not None
    for other in policy().redaction.rules:
        assert not compiled(rule.pattern).search(other.replacement)
        if other.action is Action.PSEUDONYM:
            for digits in ("0123456789abcdef", "a1", "9"):
                number = (digits * 64)[:64]
                for left in (f"[{other.name}:{MARKER}{number}]", f"[{other.name}:{number[:PSEUDONYM_DIGITS]}]"):
                    assert not compiled(rule.pattern).search(left), left


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    for source in (ROOT / "policy").glob("*.yaml"):
        (tmp_path / source.name).write_text(source.read_text())
    with (tmp_path / "exceptions.yaml").open("a") as file:
        file.write("version: 2\n")
    with pytest.raises(InputError, match=r"policy/exceptions.yaml: line \d+: not YAML: the key version stands twice"):
        load_policy(tmp_path, TODAY)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"policy/redaction.yaml: \(whole file\): the file is missing"):
        load_policy(tmp_path, TODAY)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_policy(tmp_path, TODAY)
    assert len(caught.value.problems) == len(FILES)


def test_no_environment_but_prod_is_locked_for_good() -> None:
    for name, cls in policy().data_classes.classes.items():
        for environment in Environment:
            if cls.archive.at(environment).object_lock.mode is LockMode.COMPLIANCE:
                assert (name, environment) == ("audit", Environment.PROD)


def test_what_is_written_from_the_models_is_in_step_with_them() -> None:
    assert schemas.outdated() == [], "run `make schemas`"


def test_every_top_level_key_of_the_policy_carries_a_comment_or_a_reason() -> None:
    text = (ROOT / "policy" / "data_classes.yaml").read_text()
    lines = text.splitlines()
    bare = [
        line
        for at, line in enumerate(lines)
        if line
        and line[0].isalpha()
        and "#" not in line
        and not lines[at - 1].startswith("#")
        and line not in ("version: 1", "classes:")
    ]
    assert bare == []
