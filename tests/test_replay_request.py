"""What may be asked of a replay, and what is said when it may not, before anything is read or sent."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from infra.archive.__main__ import app
from infra.archive.objects import Form
from infra.archive.replay.request import ENDPOINTS, Asked, checked, name
from infra.policy.destinations import Destination
from infra.problems import InputError
from infra.settings import Endpoints
from tests.factories import ROOT, STACKS, context

NOW = datetime.datetime(2026, 11, 26, 14, 30, tzinfo=datetime.UTC)
BOTH = (Form.COLLECTED, Form.EXPORTED)


def asked(**changed: Any) -> Asked:
    whole = {"stack": "prod", "cls": "audit", "start": "2026-11-24", "end": "2026-11-25", "sink": "datadog"}
    return Asked(**{**whole, "forms": BOTH, "late_days": 2, **changed})


def said(**changed: Any) -> str:
    with pytest.raises(InputError) as caught:
        checked(asked(**changed), ROOT, NOW)
    return "\n".join(map(str, caught.value.problems))


def test_a_replay_reads_its_class_s_bucket_and_has_one_destination() -> None:
    found = checked(asked(), ROOT, NOW)

    assert found.bucket == context("prod").archive_bucket("audit")
    assert found.context.settings.destinations == (Destination.DATADOG,)
    assert str(found.window) == "2026-11-24T00:00:00Z to 2026-11-26T00:00:00Z"


def test_an_unknown_stack_class_or_sink_is_named_with_those_that_there_are() -> None:
    assert said(stack="production").endswith(f"Allowed: {', '.join(sorted(STACKS))}")
    assert "CLASS: the policy knows no such class. Allowed: audit, security" in said(cls="audits")
    assert "TO_SINK: there is no such sink. Allowed: local, cloudwatch" in said(sink="splunk")


@pytest.mark.parametrize("sink", Destination)
@pytest.mark.parametrize("cls", context().policy.data_classes.classes)
def test_no_class_is_replayed_where_policy_does_not_let_it_go(cls: str, sink: Destination) -> None:
    allowed = context().policy.data_classes.classes[cls].destinations
    changed = {"stack": "dev", "cls": cls, "sink": sink.value, "sink_url": "http://127.0.0.1:9"}
    if sink in allowed:
        assert checked(asked(**changed), ROOT, NOW).sink is sink
    else:
        assert f"TO_SINK: policy lets no {cls} records go to {sink}. Allowed: {', '.join(allowed)}" in said(**changed)


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_no_record_of_staging_or_prod_is_replayed_to_a_laptop(stack: str) -> None:
    assert "local is for laptops" in said(stack=stack, sink="local", sink_url="http://127.0.0.1:3100")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    problems = said(cls="audits", start="2026-12-02", end="2026-12-01", sink="splunk")
    for part in ("CLASS", "TO_SINK", "FROM: is not before TO", "FROM: lies in the future", "TO: lies in the future"):
        assert part in problems


def test_the_same_request_has_the_same_name_and_another_has_another() -> None:
    assert name(asked()) == name(asked())
    others = [
        asked(cls="access"),
        asked(end="2026-11-24"),
        asked(late_days=3),
        asked(forms=BOTH[:1]),
        asked(stack="dev"),
    ]
    assert len({name(asked()), *map(name, others)}) == len(others) + 1
    assert all(set(name(item)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for item in others)


def test_every_destination_s_address_can_be_given() -> None:
    assert ENDPOINTS.keys() == set(Destination)
    assert set(ENDPOINTS.values()) <= Endpoints.model_fields.keys()


def command(tmp_path: Path, *arguments: str, **variables: str) -> Result:
    environment = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    always = ["replay", "--class", "audit", "--from", "2026-11-24", "--to", "2026-11-24", "--state", str(tmp_path)]
    return CliRunner(env={**environment, "AWS_MAX_ATTEMPTS": "1", **variables}).invoke(app, [*always, *arguments])


def test_bad_input_ends_with_status_2_and_leaves_nothing(tmp_path: Path) -> None:
    result = command(tmp_path, "--to-sink", "elastic", "--stack", "prod")

    assert result.exit_code == 2
    assert result.stderr.startswith(
        "nothing was read and nothing sent:\n  - command line: TO_SINK: policy lets no audit"
    )
    assert not list(tmp_path.iterdir())


def test_an_archive_that_cannot_be_reached_ends_with_status_1_and_is_named(tmp_path: Path) -> None:
    result = command(tmp_path, "--to-sink", "datadog", "--stack", "prod")

    assert result.exit_code == 1
    assert f"s3://{context('prod').archive_bucket('audit')}/otlp/year=: cannot be listed" in result.stderr


def test_the_printed_configuration_is_the_one_for_the_sink() -> None:
    result = CliRunner().invoke(app, ["replay-config", "--stack", "prod", "--to-sink", "datadog"])

    assert result.exit_code == 0
    assert "otlp_http/hop-datadog" in yaml.safe_load(result.stdout)["exporters"]
    assert CliRunner().invoke(app, ["replay-config", "--to-sink", "splunk"]).exit_code == 2
