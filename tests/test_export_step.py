"""What one run does when AWS refuses, is slow, or time is short: said clearly, and nothing half-done left behind."""

import datetime
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from infra.export import metrics
from infra.export.handler import summary
from infra.export.ledger import World
from infra.export.problems import BadAssignmentError, LaterError
from infra.export.step import Report, take_step
from infra.export.targets import Assignment, Target, dumps, loads
from tests.export_fake import TAKES, Account, FakeLogs, account_with, moto_services
from tests.export_memory import MemoryKms, MemoryS3, refusal
from tests.test_export_reconciler import Run, links, settle

NOW = datetime.datetime(2026, 11, 20, 13, tzinfo=datetime.UTC)
AUDIT = Target("audit", "/test/audit", "audit-archive", 90, 400, 800)
CLIENT = Target("client", "/test/client", "client-archive", 90, 400, 800)


class Refusing:
    """A client that refuses some operations, as AWS does."""

    def __init__(self, client: Any, refused: dict[str, str]) -> None:
        self._client, self._refused = client, refused

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the operation, or one that is refused."""
        if name in self._refused:

            def refuse(**_: Any) -> Any:
                raise refusal(self._refused[name], name, "made up")

            return refuse
        operation: Callable[..., Any] = getattr(self._client, name)
        return operation


@pytest.fixture
def place() -> tuple[Account, Assignment]:
    account, assignment = account_with(
        [AUDIT, CLIENT], NOW, NOW - datetime.timedelta(days=1, hours=10), MemoryS3(), MemoryKms()
    )
    for number in range(9):
        account.put(AUDIT.log_group, NOW - datetime.timedelta(hours=20, minutes=number), f"uid-{number}")
    return account, assignment


def run(account: Account, assignment: Assignment, *, left: float = 1e9, **refused: Any) -> Report:
    clients = {"logs": FakeLogs(account), "s3": account.s3, "kms": account.kms}
    world = World(assignment, *(Refusing(client, refused.get(name, {})) for name, client in clients.items()))
    return take_step(world, account.now, left=lambda: left)


def ready_to_record(account: Account, assignment: Assignment) -> None:
    assert run(account, assignment).kind == "export"
    account.advance(TAKES)
    account.advance(datetime.timedelta(minutes=1))


@pytest.mark.parametrize(
    ("refused", "says"),
    [
        ({"kms": {"sign": "AccessDeniedException"}}, "kms:Sign"),
        ({"kms": {"sign": "DisabledException"}}, "the key enabled"),
        ({"s3": {"put_object": "AccessDenied"}}, "kms:GenerateDataKey"),
        ({"s3": {"get_object": "AccessDenied"}}, "kms:Decrypt"),
        ({"logs": {"put_log_events": "AccessDeniedException"}}, "logs:PutLogEvents"),
    ],
)
def test_a_missing_permission_is_named_and_leaves_no_link(
    refused: dict[str, dict[str, str]], says: str, place: tuple[Account, Assignment]
) -> None:
    account, assignment = place
    ready_to_record(account, assignment)
    everything: dict[str, Any] = refused
    report = run(account, assignment, **everything)
    assert says in report.problems["/test/audit"][0]
    assert links(account, AUDIT) == []
    settle(account, assignment)
    assert [link.body["records"] for link in links(account, AUDIT)] == [9]


def test_a_group_that_may_not_be_exported_keeps_no_other_from_its_turn(place: tuple[Account, Assignment]) -> None:
    account, assignment = place
    report = run(account, assignment, s3={}, logs={"create_export_task": "InvalidParameterException"})
    assert set(report.problems) == {"/test/audit", "/test/client"}
    assert "may write to audit-archive" in report.problems["/test/audit"][0]
    del account.groups["/test/audit"]
    report = run(account, assignment)
    assert (report.kind, report.group) == ("export", "/test/client")
    assert "does not exist" in report.said["/test/audit"]


@pytest.mark.parametrize("code", ["LimitExceededException", "ThrottlingException"])
def test_a_refusal_that_passes_is_waited_for_and_is_nobodys_problem(
    code: str, place: tuple[Account, Assignment]
) -> None:
    report = run(*place, logs={"create_export_task": code})
    assert (report.kind, report.problems) == ("wait", {})


def test_throttling_before_anything_is_known_is_left_to_the_next_run(place: tuple[Account, Assignment]) -> None:
    with pytest.raises(LaterError, match="ThrottlingException"):
        run(*place, logs={"describe_export_tasks": "ThrottlingException"})


def test_a_truncated_object_gets_no_manifest(place: tuple[Account, Assignment]) -> None:
    account, assignment = place
    ready_to_record(account, assignment)
    objects = account.s3.buckets["audit-archive"]
    name = next(key for key in objects if key.endswith("000001.gz"))
    objects[name] = objects[name][:-5]
    report = run(account, assignment)
    assert "truncated" in report.problems["/test/audit"][0]
    assert name in report.problems["/test/audit"][0]
    assert links(account, AUDIT) == []


def test_a_run_without_time_measures_a_part_and_the_next_one_goes_on(place: tuple[Account, Assignment]) -> None:
    account, assignment = place
    ready_to_record(account, assignment)
    kinds = [run(account, assignment, left=1).kind for _ in range(3)]
    assert kinds == ["measure", "measure", "record"]
    (link,) = links(account, AUDIT)
    assert [item["records"] for item in link.body["objects"]] == [3, 3, 3]


def test_a_manifest_says_everything_that_has_to_be_known_of_a_day(place: tuple[Account, Assignment]) -> None:
    account, assignment = place
    settle(account, assignment)
    (link,) = links(account, AUDIT)
    body = link.body
    assert body["task"]["name"] == "test-audit/2026-11-19/1"
    assert {"key", "size", "sha256", "records", "first_event", "last_event"} == set(body["objects"][0])
    assert (body["records"], body["phase"], body["whole"], body["attempt"]) == (9, "provisional", True, 1)
    assert (body["first_event"], body["last_event"]) == ("2026-11-19T16:52:00.000Z", "2026-11-19T17:00:00.000Z")
    assert (body["policy"], body["code"]) == ("policy-digest", "code-version")
    (empty,) = links(account, CLIENT)
    assert (empty.body["records"], empty.body["objects"], empty.body["kind"]) == (0, [], "export")


def test_a_manifest_is_announced_as_an_audit_record_in_the_shape_of_the_contract(
    place: tuple[Account, Assignment],
) -> None:
    account, assignment = place
    settle(account, assignment)
    (link,) = links(account, AUDIT)
    said = next(it for it in account.announced if it["attributes"]["export.digest"] == link.digest)
    assert said["attributes"]["tinybeans.log.class"] == "audit"
    assert said["attributes"]["event"] == said["eventName"] == "audit.export.manifest"
    assert len(said["attributes"]["log.record.uid"]) == 36


def test_metrics_say_lag_missing_days_and_failures_each_run_and_bytes_when_something_was_exported(
    place: tuple[Account, Assignment],
) -> None:
    account, assignment = place
    account.advance(datetime.timedelta(days=2))
    report = run(account, assignment)
    values = {
        (it["MetricName"], it["Dimensions"][0]["Value"]): it["Value"]
        for it in metrics.metrics(assignment, report, account.now)
    }
    assert values[metrics.LAG, "audit"] == values[metrics.MISSING, "audit"] == 3
    assert values[metrics.FAILURES, "audit"] == 0
    account.advance(TAKES)
    account.advance(datetime.timedelta(minutes=1))
    recorded = metrics.metrics(assignment, run(account, assignment), account.now)
    by_name = {it["MetricName"]: it["Value"] for it in recorded}
    assert by_name[metrics.BYTES] > 0
    assert by_name[metrics.DURATION] == TAKES.total_seconds()


def test_two_groups_that_would_share_a_place_are_told_apart_before_anything_is_done() -> None:
    alike = replace(AUDIT, log_group="test-audit")
    with pytest.raises(BadAssignmentError, match="same place"):
        loads(dumps(Assignment("test", (AUDIT, alike), "k", "g", "s", "p", "c")))


def test_the_steps_work_on_motos_s3_and_kms_too() -> None:
    with moto_services() as (s3, kms):
        account, assignment = account_with([AUDIT], NOW, NOW - datetime.timedelta(days=1, hours=10), s3, kms)
        account.put(AUDIT.log_group, NOW - datetime.timedelta(hours=20), "uid")
        account.collect("audit-archive", NOW - datetime.timedelta(hours=20), "uid")
        settle(account, assignment)
        (link,) = links(account, AUDIT)
        assert link.body["records"] == 1
        last = Run(account, assignment).take()
        assert last is not None
        assert json.dumps(summary(last))
