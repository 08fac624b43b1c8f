"""What a manifest names is looked for in every run, one manifest of each group in turn."""

import datetime
from dataclasses import replace

import pytest

from infra.export import chain, erasure, metrics
from infra.export.ledger import World
from infra.export.presence import TURN, missing
from infra.export.step import take_step
from infra.export.targets import Assignment, Target
from tests.export_fake import Account, FakeLogs, account_with
from tests.export_memory import MemoryKms, MemoryS3
from tests.test_export_reconciler import links, settle

NOW = datetime.datetime(2026, 11, 20, 13, tzinfo=datetime.UTC)
AUDIT = Target("audit", "/test/audit", "audit-archive", 90, 400, 800)


@pytest.fixture
def place() -> tuple[Account, Assignment]:
    """Return an account in which three days are exported."""
    account, assignment = account_with([AUDIT], NOW, NOW - datetime.timedelta(days=4), MemoryS3(), MemoryKms())
    for day in range(1, 4):
        account.put(AUDIT.log_group, NOW - datetime.timedelta(days=day), f"uid-{day}")
    settle(account, assignment)
    assert len(links(account, AUDIT)) >= 3
    return account, assignment


def world(account: Account, assignment: Assignment) -> World:
    return World(assignment, FakeLogs(account), account.s3, account.kms)


def a_round(account: Account, assignment: Assignment, target: Target = AUDIT) -> list[int]:
    """Return what is missing in as many runs as there are links."""
    chain = links(account, AUDIT)
    newest = max(chain, key=lambda link: link.sequence)
    runs = (account.now + turn * TURN for turn in range(len(chain)))
    return [missing(world(account, assignment), target, newest, now) for now in runs]


def an_object(account: Account) -> str:
    return str(next(link for link in links(account, AUDIT) if link.body["objects"]).body["objects"][0]["key"])


def test_nothing_is_missed_where_nothing_is_gone(place: tuple[Account, Assignment]) -> None:
    assert set(a_round(*place)) == {0}


def test_an_object_that_is_gone_is_found_within_a_round(place: tuple[Account, Assignment]) -> None:
    account, assignment = place
    account.s3.delete_object(Bucket=AUDIT.bucket, Key=an_object(account))
    assert sum(a_round(account, assignment)) == 1


def test_an_object_of_another_size_is_found_within_a_round(place: tuple[Account, Assignment]) -> None:
    account, assignment = place
    account.s3.put_object(Bucket=AUDIT.bucket, Key=an_object(account), Body=b"shorter")
    assert sum(a_round(account, assignment)) == 1


def test_an_object_that_was_erased_from_is_not_missed_and_one_that_is_gone_is(
    place: tuple[Account, Assignment],
) -> None:
    account, assignment = place
    key = an_object(account)
    account.s3.put_object(Bucket=AUDIT.bucket, Key=key, Body=b"shorter")
    account.s3.put_object(Bucket=AUDIT.bucket, Key=f"{erasure.folder(key)}a-b.begun.json", Body=b"{}")
    assert set(a_round(account, assignment)) == {0}
    account.s3.delete_object(Bucket=AUDIT.bucket, Key=key)
    assert sum(a_round(account, assignment)) == 1


def test_what_lifecycle_may_have_removed_is_not_missed(place: tuple[Account, Assignment]) -> None:
    account, assignment = place
    account.s3.delete_object(Bucket=AUDIT.bucket, Key=an_object(account))
    assert set(a_round(account, assignment, replace(AUDIT, keep_days=0))) == {0}


def test_every_run_tells_cloudwatch_what_is_missing_by_class(place: tuple[Account, Assignment]) -> None:
    account, assignment = place
    account.s3.delete_object(Bucket=AUDIT.bucket, Key=an_object(account))
    told = []
    for turn in range(len(links(account, AUDIT))):
        now = account.now + turn * TURN
        report = take_step(world(account, assignment), now)
        told += [it for it in metrics.metrics(assignment, report, now) if it["MetricName"] == metrics.ARCHIVE_MISSING]
    assert {it["Dimensions"][0]["Value"] for it in told} == {"audit"}
    assert max(it["Value"] for it in told) == 1


def test_a_chain_whose_beginning_policy_removed_is_whole_and_one_that_was_cut_is_not(
    place: tuple[Account, Assignment],
) -> None:
    account, assignment = place
    first = min(links(account, AUDIT), key=lambda link: link.sequence)
    account.s3.delete_object(Bucket=AUDIT.bucket, Key=chain.key(AUDIT, first.sequence))

    assert sum(a_round_of_all(account, assignment, AUDIT)) == 1
    assert sum(a_round_of_all(account, assignment, replace(AUDIT, proofs_keep_days=0))) == 0


def test_a_link_that_is_gone_from_the_middle_is_missed_whatever_its_age(place: tuple[Account, Assignment]) -> None:
    account, assignment = place
    second = sorted(links(account, AUDIT), key=lambda link: link.sequence)[1]
    account.s3.delete_object(Bucket=AUDIT.bucket, Key=chain.key(AUDIT, second.sequence))

    assert sum(a_round_of_all(account, assignment, replace(AUDIT, proofs_keep_days=0))) == 1


def a_round_of_all(account: Account, assignment: Assignment, target: Target) -> list[int]:
    """Return what is missing in as many runs as the newest link's number."""
    newest = max(links(account, AUDIT), key=lambda link: link.sequence)
    runs = (account.now + turn * TURN for turn in range(newest.sequence))
    return [missing(world(account, assignment), target, newest, now) for now in runs]
