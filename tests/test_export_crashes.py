"""A run that ends at any one of its calls to AWS, or meets another run there, leaves nothing that is not made good."""

import datetime
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from infra.export.targets import Target
from tests.export_fake import TAKES, Account, Crash, account_with
from tests.export_memory import MemoryKms, MemoryS3
from tests.test_export_reconciler import Run, exported, links, settle

NOW = datetime.datetime(2026, 11, 20, 13, tzinfo=datetime.UTC)
AUDIT = Target("audit", "/test/audit", "audit-archive", 90, 400, 800)
LONGEST = 60
"""Calls that no run has as many of."""


def before_creating(account: Account, assignment: Any) -> None:
    """Leave the account where the next run creates a task."""


def before_recording(account: Account, assignment: Any) -> None:
    """Leave the account where the next run writes a manifest."""
    Run(account, assignment).take()
    account.advance(TAKES)
    account.advance(TAKES)


def before_counting(account: Account, assignment: Any) -> None:
    """Leave the account where the next run counts what the collector archived."""
    before_recording(account, assignment)
    Run(account, assignment).take()


SITUATIONS = [before_creating, before_recording, before_counting]


def made(situation: Callable[[Account, Any], None]) -> tuple[Account, Any]:
    account, assignment = account_with(
        [AUDIT], NOW, NOW - datetime.timedelta(days=1, hours=10), MemoryS3(), MemoryKms()
    )
    for number in range(5):
        moment = NOW - datetime.timedelta(hours=20, minutes=number)
        account.put(AUDIT.log_group, moment, f"uid-{number}")
        account.collect("audit-archive", moment, f"uid-{number}")
    situation(account, assignment)
    return account, assignment


def whole(account: Account, assignment: Any) -> None:
    settle(account, assignment)
    (link,) = links(account, AUDIT)
    assert exported(account, AUDIT, link) == Counter(f"uid-{number}" for number in range(5))
    assert link.body["previous"] is None
    totals = [key for key in account.s3.buckets["audit-archive"] if "/collected/" in key]
    assert len(totals) == 1
    assert account.most_active <= 1
    assert account.s3.overwritten == []


@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_crash_at_any_call_is_made_good_by_the_next_run(situation: Callable[[Account, Any], None]) -> None:
    crashed = 0
    for call in range(1, LONGEST):
        account, assignment = made(situation)

        def end() -> None:
            raise Crash

        run = Run(account, assignment, call, end)
        crashed += run.take() is None
        announced = {it["attributes"]["export.digest"] for it in account.announced}
        assert {link.digest for link in links(account, AUDIT)} <= announced, "a link exists that nobody was told of"
        whole(account, assignment)
        if run.calls < call:
            break
    assert crashed >= 8, "no run was interrupted"


@pytest.mark.parametrize("situation", SITUATIONS)
def test_another_run_at_any_call_doubles_nothing(situation: Callable[[Account, Any], None]) -> None:
    met = 0
    for call in range(1, LONGEST):
        account, assignment = made(situation)
        other = Run(account, assignment)
        run = Run(account, assignment, call, other.take)
        run.take()
        met += bool(other.calls)
        whole(account, assignment)
        if run.calls < call:
            break
    assert met >= 8, "no run met another one"


def test_an_event_of_midnight_belongs_to_the_day_that_begins() -> None:
    account, assignment = account_with([AUDIT], NOW, NOW - datetime.timedelta(days=4), MemoryS3(), MemoryKms())
    midnight = datetime.datetime(2026, 11, 19, tzinfo=datetime.UTC)
    for name, moment in (("last", midnight - datetime.timedelta(milliseconds=1)), ("first", midnight)):
        account.put(AUDIT.log_group, moment, name)
    settle(account, assignment)
    found = {link.body["day"]: list(exported(account, AUDIT, link)) for link in links(account, AUDIT)}
    assert found["2026-11-18"] == ["last"]
    assert found["2026-11-19"] == ["first"]
