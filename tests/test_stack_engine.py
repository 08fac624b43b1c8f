"""One stack's life in the real engine: preview, up, nothing to do, edits of the policy, drift, destroy.

The engine, the program, the policy and the settings are the real ones; the providers are the sandbox's. That AWS
accepts each resource is not proven here.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pulumi import automation as auto

from infra.stack_file import context_from_file
from sandbox.engine import SandboxStack, Timed
from tests.engine_stack import (
    MANIFESTS,
    SECRETS,
    STORED,
    WEBHOOK_URL,
    Aws,
    copied_root,
    edit,
    empty_aws,
    said,
    stack_in,
    texts_in,
)
from tests.factories import TODAY

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

APPLICATION_GROUP = "/tinybeans/sandbox/application"
Record = Callable[[str, object], None]


@dataclass(frozen=True)
class Home:
    """One stack, the repository it is made from, and the cloud it is in."""

    stack: SandboxStack
    root: Path
    aws: Aws
    directory: Path


@pytest.fixture(scope="module", name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    directory = tmp_path_factory.mktemp("stack")
    root = copied_root(directory)
    with empty_aws() as aws, stack_in(directory / "engine", aws, root=root) as stack:
        yield Home(stack, root, aws, directory / "engine")


# Each step of the stack's life follows the one before, whichever test asks first.


@pytest.fixture(scope="module", name="announced")
def _announced(home: Home) -> Timed:
    return home.stack.preview()


@pytest.fixture(scope="module", name="created")
def _created(home: Home, announced: Timed) -> Timed:
    assert announced.changed
    return home.stack.up()


@pytest.fixture(scope="module", name="again")
def _again(home: Home, created: Timed) -> Timed:
    assert created.changed
    return home.stack.up()


@pytest.fixture(scope="module", name="longer_retention")
def _longer_retention(home: Home, again: Timed) -> Timed:
    assert not again.changed
    edit(
        home.root / "policy/data_classes.yaml",
        "hot_retention_days: { sandbox: 3, dev: 14, ",
        "hot_retention_days: { sandbox: 5, dev: 14, ",
    )
    return home.stack.up()


@pytest.fixture(scope="module", name="other_sampling")
def _other_sampling(home: Home, longer_retention: Timed) -> Timed:
    assert longer_retention.changed
    edit(
        home.root / "policy/data_classes.yaml",
        "keep_percent: { sandbox: 50, dev: 100, staging: 50, prod: 20 }",
        "keep_percent: { sandbox: 60, dev: 100, staging: 50, prod: 20 }",
    )
    return home.stack.up()


@pytest.fixture(scope="module", name="drift")
def _drift(home: Home, other_sampling: Timed) -> tuple[Timed, Timed]:
    """Return what is found after somebody changed a retention by hand, and what the repair changes."""
    assert other_sampling.changed
    home.aws.client("logs").put_retention_policy(logGroupName=APPLICATION_GROUP, retentionInDays=365)
    return home.stack.drift(), home.stack.repair()


@pytest.fixture(scope="module", name="new_rule")
def _new_rule(home: Home, drift: tuple[Timed, Timed]) -> Timed:
    assert drift[1].changed
    edit(
        home.root / "policy/redaction.yaml",
        "\nrules:\n",
        """
rules:
  - name: parcel_number
    what: Numbers of parcels with printed photo books.
    why: They lead to a family's address (GDPR art. 4(1)).
    action: mask
    pattern: 'TBPARCEL-[0-9]{9}'
    clues: ["tbparcel-"]
    cloudwatch: [{ custom: 'TBPARCEL-[0-9]{9}' }]
    examples: ["sent as TBPARCEL-123456789"]
    look_alikes: ["TBPARCEL-1"]
""",
    )
    return home.stack.preview()


@pytest.fixture(scope="module", name="destroyed")
def _destroyed(home: Home, new_rule: Timed) -> tuple[Timed, int]:
    """Return what a destroy deletes, and how many resources there were."""
    assert new_rule.changed
    # The bucket of stored configurations is not empty, and emptied by a confirmed teardown only.
    home.stack.set_config("teardown_confirmed", "sandbox")
    home.stack.up()
    present = len(home.stack.resources())
    return home.stack.destroy(), present


def test_an_update_creates_exactly_what_the_preview_announced(
    announced: Timed, created: Timed, home: Home, record_property: Record
) -> None:
    record_property("preview_seconds", round(announced.seconds, 1))
    record_property("up_seconds", round(created.seconds, 1))
    assert announced.changes == created.changes == {"create": len(created.touched)}
    assert announced.touched == created.touched
    assert len(created.touched) > 150
    assert set(home.aws.log_groups()) >= {APPLICATION_GROUP, "/tinybeans/sandbox/audit", "/tinybeans/sandbox/collector"}
    # The bars are 10 s and 20 s on an idle machine (README); these bounds only catch what has gone badly wrong.
    assert announced.seconds < 60
    assert created.seconds < 120


def test_a_second_update_changes_nothing(again: Timed, created: Timed, record_property: Record) -> None:
    record_property("second_up_seconds", round(again.seconds, 1))
    assert again.changes == {"same": created.changes["create"]}
    assert again.touched == frozenset()
    assert again.seconds < 60


def test_the_secrets_are_in_secrets_manager_and_nowhere_on_disk(home: Home, created: Timed) -> None:
    assert created.changed
    assert set(home.aws.secrets().values()) == {SECRETS["redactionPepper"], SECRETS["newrelicLicenseKey"]}
    files = dict(texts_in(home.directory))
    assert any("secretVersion:SecretVersion" in text for text in files.values())
    assert any("topicSubscription:TopicSubscription" in text for text in files.values())
    hidden = {**SECRETS, "webhook": WEBHOOK_URL}
    assert [(path, key) for path, text in files.items() for key, value in hidden.items() if value in text] == []


def test_the_outputs_name_everything_and_hold_no_secret(home: Home, created: Timed) -> None:
    assert created.changed
    outputs = home.stack.outputs()
    assert outputs["log_groups"]["application"] == APPLICATION_GROUP
    assert not any(value in json.dumps(outputs) for value in (*SECRETS.values(), WEBHOOK_URL))


def test_a_longer_retention_updates_that_classs_log_group_and_the_window_that_follows_from_it(
    longer_retention: Timed,
) -> None:
    # Below fourteen days a retention is also the window of time that CloudWatch takes (sink_window.py).
    assert said(longer_retention.touched) - STORED == {
        "update LogGroup application-group",
        "replace TaskDefinition collector-task",
        "update Service collector-service",
        MANIFESTS,
    }


def test_another_sampling_share_starts_new_tasks_and_changes_nothing_that_holds_records(other_sampling: Timed) -> None:
    assert said(other_sampling.touched) - STORED == {
        "replace TaskDefinition collector-task",
        "update Service collector-service",
        MANIFESTS,
    }


def test_a_retention_changed_by_hand_is_found_and_put_right(home: Home, drift: tuple[Timed, Timed]) -> None:
    found, repaired = drift
    assert found.changes["update"] == 1
    assert said(repaired.touched) == {"update LogGroup application-group"}
    assert home.aws.log_groups()[APPLICATION_GROUP]["retentionInDays"] == 5


def test_a_new_redaction_rule_reaches_the_collector_and_the_log_groups_own_masking(new_rule: Timed, home: Home) -> None:
    classes = context_from_file("sandbox", home.root, TODAY).policy.data_classes.classes
    assert said(new_rule.touched) - STORED == {
        "replace TaskDefinition collector-task",
        "update Service collector-service",
        MANIFESTS,
        *(f"update LogDataProtectionPolicy {cls}-protection" for cls in classes),
    }


def test_a_confirmed_destroy_leaves_nothing_behind(home: Home, destroyed: tuple[Timed, int]) -> None:
    deleted, present = destroyed
    assert deleted.changes == {"delete": present + 1}, "the stack itself is one more"
    assert home.aws.log_groups() == {}
    assert home.aws.buckets() == set()
    assert home.aws.secrets() == {}
    assert home.stack.resources() == []


def test_a_mistake_in_the_policy_stops_the_update_before_anything_is_registered(tmp_path: Path) -> None:
    root = copied_root(tmp_path)
    edit(
        root / "policy/data_classes.yaml",
        "hot_retention_days: { sandbox: 3, dev: 14, ",
        "hot_retention_days: { sandbox: 4, dev: 14, ",
    )
    with empty_aws() as aws, stack_in(tmp_path / "engine", aws, root=root) as stack:
        with pytest.raises(auto.CommandError) as refused:
            stack.up()
        assert "classes.application.hot_retention_days.sandbox: not a retention that CloudWatch Logs accepts" in str(
            refused.value
        )
        assert stack.resources() == []
        assert aws.log_groups() == {}
