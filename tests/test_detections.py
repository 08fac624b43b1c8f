"""Attacks on accounts: found in what the service writes, told at the numbers of policy, and nothing that cannot be found."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from infra.context import Context
from infra.documents.datadog.message import nobody
from infra.documents.datadog.security_rules import arriving, security_rules
from infra.documents.datadog.watched import unknown_facets
from infra.policy.detections import Detections
from infra.policy.detections_against_classes import FILE, problems_with
from infra.problems import from_validation
from tests.datadog_signals import Found, arrived, fits, signals
from tests.factories import ROOT, context, policy
from tests.policy_edits import refusal

DESTINATIONS = "cloudwatch,datadog"


@pytest.fixture(scope="module", name="service")
def _service() -> list[Found]:
    """What the sandbox's service writes when families use it and outsiders try it, as Datadog has it."""
    command = [sys.executable, "-m", "sandbox.app"]
    lines = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    ).stdout.splitlines()
    return [arrived(json.loads(line), policy().data_classes) for line in lines]


def here(stack: str = "sandbox") -> Context:
    return context(stack, destinations=DESTINATIONS)


def rule(name: str, stack: str = "sandbox") -> dict[str, Any]:
    return security_rules(here(stack), nobody)[name]


def one(service: list[Found], name: str, count: str) -> Found:
    """Return a record of the service that the count of a detection finds."""
    (query,) = [item["query"] for item in rule(name)["queries"] if item["name"] == count]
    return next(record for record in service if fits(query, record))


COUNTS = [(item.name, count) for item in policy().detections.detections for count in item.counts]


@pytest.mark.parametrize(("name", "count"), COUNTS)
def test_every_count_finds_records_that_the_service_really_writes(service: list[Found], name: str, count: str) -> None:
    (query,) = [item for item in rule(name)["queries"] if item["name"] == count]
    found = [record for record in service if fits(query["query"], record)]
    assert found
    for field in [*query["groupByFields"], *query["distinctFields"]]:
        assert [record for record in found if record.get(field)], f"no record has {field}"


def test_a_day_of_families_sets_nothing_off(service: list[Found]) -> None:
    for name, found in security_rules(here(), nobody).items():
        assert signals(found, service) == {}, name


def test_failures_of_one_address_are_told_by_number_and_a_success_among_them_is_the_worst(service: list[Found]) -> None:
    failed = {**one(service, "credential-stuffing", "failed"), "@network.client.ip": "stranger"}
    success = {**one(service, "credential-stuffing", "succeeded"), "@network.client.ip": "stranger"}
    elsewhere = {**success, "@network.client.ip": "home"}
    found = rule("credential-stuffing")
    assert signals(found, [failed] * 29) == {}
    assert signals(found, [failed] * 30) == {("stranger",): "medium"}
    assert signals(found, [failed] * 100 + [elsewhere]) == {("stranger",): "high"}
    assert signals(found, [failed] * 100 + [success]) == {("stranger",): "critical"}


def test_an_attack_from_many_machines_is_seen_although_each_tries_seldom(service: list[Found]) -> None:
    failed = one(service, "credential-stuffing-spread", "failed")
    many = [{**failed, "@network.client.ip": f"machine-{number % 500}"} for number in range(1500)]
    assert signals(rule("credential-stuffing"), many) == {}
    assert signals(rule("credential-stuffing-spread"), many) == {(): "high"}
    assert signals(rule("credential-stuffing-spread"), many[:1499]) == {}
    assert signals(rule("credential-stuffing-spread"), [many[0]] * 1500) == {}


def test_wrong_codes_of_one_account_are_told_and_a_right_one_after_them_is_the_worst(service: list[Found]) -> None:
    wrong, right = (one(service, "two-factor-guessing", count) for count in ("wrong", "right"))
    mine, other = {**wrong, "@usr.id": "7"}, {**right, "@usr.id": "8"}
    found = rule("two-factor-guessing")
    assert signals(found, [mine] * 4) == {}
    assert signals(found, [mine] * 9 + [{**right, "@usr.id": "7"}]) == {("7",): "low"}
    assert signals(found, [mine] * 10 + [other]) == {("7",): "high"}
    assert signals(found, [mine] * 10 + [{**right, "@usr.id": "7"}]) == {("7",): "critical"}


def test_somebody_who_counts_upwards_is_told_from_a_page_that_retries(service: list[Found]) -> None:
    denied = {**one(service, "permission-denials", "denied"), "@usr.id": "9"}
    found = rule("permission-denials")
    assert signals(found, [denied] * 20) == {("9",): "medium"}
    assert signals(found, [{**denied, "@circle_id": str(number)} for number in range(20)]) == {("9",): "high"}


def test_of_a_sampled_class_as_many_fewer_records_are_asked_for(service: list[Found]) -> None:
    kept = {"sandbox": 50, "prod": 20}
    read = {**one(service, "mass-download", "reads"), "@usr.id": "3"}
    for stack, percent in kept.items():
        found = rule("mass-download", stack)
        records = [{**read, "env": stack}] * (3000 * percent // 100)
        assert signals(found, records) == {("3",): "high"}
        assert signals(found, records[1:]) == {("3",): "medium"}


def test_a_class_that_is_never_sampled_is_asked_for_all_of_them() -> None:
    detection = policy().detections.detections[0]
    assert arriving(here("prod"), detection.counts["failed"], 100) == 100


def test_no_rule_depends_on_an_order_that_the_api_does_not_keep() -> None:
    for found in security_rules(here("prod"), nobody).values():
        assert found["tags"] == ["env:prod"]
        assert found["options"]["maxSignalDuration"] >= found["options"]["keepAlive"]


def refusals(path: str, value: Any) -> str:
    """Return what is said about the repository's detections with `value` at `path`."""
    document = policy().detections.model_dump(mode="json")
    *parents, last = path.split(".")
    place: Any = document
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[last] = value
    try:
        changed = Detections.model_validate(document)
    except ValidationError as error:
        return "\n".join(map(str, from_validation(FILE, error)))
    return "\n".join(map(str, problems_with(changed, policy().data_classes)))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("detections.0.counts.failed.of", "gossip", "counts.failed.of: unknown class gossip. Allowed: audit, security"),
        ("detections.0.window_seconds", 400, "detections.0.window_seconds: not one of the known values"),
        (
            "detections.0.longest_seconds",
            600,
            "longest_seconds: a signal would end before it may. Allowed: at least 3600",
        ),
        ("detections.0.cases.0.at_least", {"tried": 1}, "cases.0.at_least: unknown count tried. Allowed: failed, succ"),
        (
            "detections.0.cases.2.at_least.failed",
            100,
            "cases.2: can never be told: case 1 holds wherever this one does",
        ),
        ("detections.0.cases.0.at_least", {"failed": 200}, "counts.succeeded: no case asks for it"),
        ("detections.3.counts.circles.distinct", "user_id", "distinct: is 1 for every value that it is counted by"),
        ("detections.4.counts.reads.distinct", "keep_id", "counts.reads.distinct: access is sampled. Allowed: audit,"),
        (
            "detections.4.cases.1.at_least.reads",
            60,
            "cases.1.at_least.reads: in prod 20 % are kept, about 12 of them. Allowed: at least 100",
        ),
        ("detections.1.name", "credential-stuffing", "detections.1.name: a second credential-stuffing"),
        ("detections.0.counts.failed.events", ["auth login"], "counts.failed.events.0: String should match pattern"),
    ],
)
def test_what_could_not_be_detected_is_refused_with_its_key(path: str, value: Any, said: str) -> None:
    found = [line for line in refusals(path, value).splitlines() if said in line]
    assert len(found) == 1
    assert found[0].startswith("policy/detections.yaml: ")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("detections.0.notify", "nobody", "detections.0.notify: unknown team nobody. Allowed: platform, security"),
        ("detections.1.name", "card-testing", "card-testing has no runbook. Allowed: docs/runbooks/card-testing.md"),
        ("detections.0.counts.failed.of", "gossip", "counts.failed.of: unknown class gossip. Allowed: audit, security"),
    ],
)
def test_what_does_not_fit_the_rest_of_the_policy_stops_the_program(
    tmp_path: Path, path: str, value: str, said: str
) -> None:
    assert said in refusal(tmp_path, "detections.yaml", path, value)


def test_a_field_that_no_record_has_stops_the_program_with_file_and_key() -> None:
    document = policy().detections.model_dump()
    document["detections"][0]["by"] = ("shoe_size",)
    changed = dataclasses.replace(policy(), detections=Detections.model_validate(document))
    problems = [str(item) for item in unknown_facets(Context(here().settings, changed))]
    assert len(problems) == 2
    assert problems[0].startswith(
        "policy/detections.yaml: detections.0.counts.failed: credential-stuffing: the facet @shoe_size is set by no pipeline"
    )
    assert unknown_facets(here()) == []
