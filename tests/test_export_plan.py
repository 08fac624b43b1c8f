"""What the export does next: oldest first, one at a time, and every odd log group handled and said."""

import datetime
import time
from dataclasses import replace
from types import MappingProxyType

import pytest

from infra.export import days
from infra.export.days import Day, Phase
from infra.export.growth import Collected, due
from infra.export.plan import Confirm, Count, Export, Gap, Record, Seen, Wait, Wanted, plan
from infra.export.state import Entry, State, state_from
from infra.export.targets import Target
from infra.export.tasks import Task, name

NOW = datetime.datetime(2026, 11, 20, 13, tzinfo=datetime.UTC)
LONG_AGO = NOW - datetime.timedelta(days=30)
AUDIT = Target("audit", "/test/audit", "audit-archive", 400, 400, 800)
ACCESS = Target("access", "/test/access", "access-archive", 30, 400, 800)
DAY = Day(2026, 11, 19)
"""The newest closed day."""
MADE = days.start(DAY)


def at(day: Day, hour: int = 13) -> datetime.datetime:
    return days.start(day) + datetime.timedelta(days=1, hours=hour)


def seen(target: Target = AUDIT, created: datetime.datetime | None = MADE, **known: Entry) -> Seen:
    entries = {Day.fromisoformat(day.removeprefix("d").replace("_", "-")): entry for day, entry in known.items()}
    return Seen(target, created, State((), MappingProxyType(entries)))


def provisional(attempts: int = 1, records: int = 5, collected: int | None = 5, day: Day = DAY) -> Entry:
    return Entry(attempts, Phase.PROVISIONAL, records, collected, at(day))


def task(
    state: str, day: Day = DAY, attempt: int = 1, id_: str = "a", target: Target = AUDIT, minutes: int = 0
) -> Task:
    created = NOW - datetime.timedelta(hours=1) + datetime.timedelta(minutes=minutes)
    return Task(id_, name(target, day, attempt), state, created, created)


def test_a_day_is_exported_twelve_hours_after_its_end_and_not_before() -> None:
    group = seen()
    early, late = (days.end(DAY) + datetime.timedelta(hours=12, seconds=by) for by in (-1, 0))
    assert plan([group], [], early).steps == []
    assert plan([group], [], late).steps == [Export(AUDIT, DAY, 1)]


def test_the_oldest_day_of_all_groups_comes_first() -> None:
    older = seen(ACCESS, days.start(DAY - days.ONE_DAY))
    assert plan([seen(), older], [], NOW).steps[0] == Export(ACCESS, DAY - days.ONE_DAY, 1)


@pytest.mark.parametrize("state", ["PENDING", "RUNNING", "PENDING_CANCEL"])
def test_while_any_task_of_the_account_runs_none_is_created(state: str) -> None:
    elses = replace(task(state), name="somebody else's")
    assert [type(step) for step in plan([seen()], [elses], NOW).steps] == [Wait]


def test_a_finished_task_gets_its_manifest_even_while_another_one_runs() -> None:
    elses = replace(task("RUNNING"), name="somebody else's")
    assert plan([seen()], [elses, task("COMPLETED")], NOW).steps[0] == Record(AUDIT, DAY, 1, task("COMPLETED"))


def test_of_two_tasks_of_one_attempt_the_first_one_counts() -> None:
    first, second = task("COMPLETED", id_="b"), task("COMPLETED", id_="a", minutes=1)
    assert plan([seen()], [second, first], NOW).steps[0] == Record(AUDIT, DAY, 1, first)


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_an_attempt_that_ended_badly_is_made_again_under_the_same_number(state: str) -> None:
    assert plan([seen()], [task(state)], NOW).steps == [Export(AUDIT, DAY, 1, failed=1)]


def test_a_day_that_keeps_failing_lets_the_others_pass() -> None:
    both = seen(created=days.start(DAY - days.ONE_DAY))
    failing = task("FAILED", DAY - days.ONE_DAY)
    assert plan([both], [failing], NOW).steps[0] == Export(AUDIT, DAY, 1)


def test_a_task_that_was_forgotten_before_its_manifest_is_made_again() -> None:
    assert plan([seen(d2026_11_19=provisional())], [], NOW).steps == []
    assert plan([seen()], [], NOW).steps == [Export(AUDIT, DAY, 1)]


def counted(total: int, until: datetime.datetime) -> Collected:
    return Collected(LONG_AGO, until, {DAY: total})


def test_a_day_that_grew_is_exported_again_beside_the_first_once_a_day() -> None:
    group = replace(seen(d2026_11_19=provisional()), counted=True)
    for hours, expected in ((23, []), (24, [Export(AUDIT, DAY, 2)])):
        now = at(DAY) + datetime.timedelta(hours=hours)
        later = replace(group, collected=counted(6, due(now)))
        assert [it for it in plan([later], [], now).steps if getattr(it, "day", None) == DAY] == expected


def test_a_day_is_final_fourteen_days_and_twelve_hours_after_its_end() -> None:
    assert days.last(DAY, 400) == days.end(DAY) + datetime.timedelta(days=14, hours=12)


def final(total: int, until: datetime.datetime | None = None) -> list[object]:
    now = days.last(DAY, 400)
    group = replace(seen(d2026_11_19=provisional()), counted=True, collected=counted(total, until or due(now)))
    steps = plan([group], [], now).steps
    return [step for step in steps if getattr(step, "day", DAY) == DAY]


def test_a_day_that_did_not_grow_is_confirmed_and_not_copied_again() -> None:
    assert [type(step) for step in final(5)] == [Confirm]


def test_a_day_of_which_more_was_collected_than_exported_is_exported_a_last_time() -> None:
    assert final(6) == [Export(AUDIT, DAY, 2)]


def test_the_last_word_on_a_day_waits_for_everything_to_be_counted() -> None:
    now = days.last(DAY, 400)
    assert final(5, due(now) - datetime.timedelta(hours=20)) == [Count(AUDIT, due(now))]


def test_a_group_without_counts_is_exported_twice() -> None:
    group = seen(d2026_11_19=provisional(collected=None))
    assert plan([group], [], days.last(DAY, 400)).steps[0] == Export(AUDIT, DAY, 2)


@pytest.mark.parametrize("hot_days", [1, 2, 3, 7, 14, 15, 16, 30, 400])
def test_the_last_export_comes_before_retention_removes_anything_where_that_is_possible(hot_days: int) -> None:
    last = days.last(DAY, hot_days)
    assert last >= days.closed(DAY)
    if hot_days >= 3:
        assert last <= days.whole_until(DAY, hot_days) - days.BEFORE_REMOVAL


def test_a_group_younger_than_the_window_is_exported_from_the_day_of_its_creation() -> None:
    young = seen(created=at(DAY - days.ONE_DAY, 0))
    assert [step.day for step in plan([young], [], NOW).steps if isinstance(step, Export)] == [DAY]


def test_somebody_who_asks_for_days_before_a_group_is_told_when_it_was_made() -> None:
    young = seen(created=MADE)
    found = plan([young], [], NOW, Wanted(DAY - 9 * days.ONE_DAY, DAY, NOW))
    assert f"made on {DAY}" in found.said["/test/audit"]
    assert [step.day for step in found.steps if isinstance(step, Export)] == [DAY]
    assert plan([young], [], NOW, Wanted(DAY, DAY, NOW)).said == {}


def test_what_retention_took_before_it_could_be_exported_becomes_a_gap_that_is_signed() -> None:
    target, now = replace(AUDIT, hot_days=2), NOW + datetime.timedelta(days=5)
    steps = plan([seen(target, LONG_AGO, d2026_11_18=provisional())], [], now).steps
    assert Gap(target, DAY, "retention removed it from the log group") in steps


def test_a_deleted_group_is_said_and_its_missing_days_are_counted() -> None:
    gone = seen(created=None, d2026_11_18=provisional(day=DAY - days.ONE_DAY))
    found = plan([gone], [], NOW)
    assert found.steps == []
    assert "does not exist" in found.said["/test/audit"]
    assert found.missing == {"/test/audit": [DAY]}


def test_a_class_without_an_archive_is_said_and_nothing_is_missing() -> None:
    found = plan([seen(replace(AUDIT, bucket=None))], [], NOW)
    assert (found.steps, found.missing) == ([], {})
    assert "no archive" in found.said["/test/audit"]


def test_an_open_day_is_exported_for_somebody_who_asks_and_again_once_it_is_closed() -> None:
    today = NOW.date()
    asked = Wanted(today, today, NOW)
    group = seen(created=days.start(today))
    assert plan([group], [], NOW).steps == []
    assert plan([group], [], NOW, asked).steps == [Export(AUDIT, today, 1)]
    done = replace(group, state=State().after(today, Entry(1, Phase.OPEN, 3, None, NOW)))
    assert plan([done], [], NOW, asked).steps == []
    assert plan([done], [], days.closed(today)).steps == [Export(AUDIT, today, 2)]
    again = replace(asked, asked=NOW + datetime.timedelta(minutes=5))
    assert plan([done], [], NOW, again).steps == [Export(AUDIT, today, 2)]


def test_only_the_days_that_were_asked_for_are_exported() -> None:
    group = seen(created=LONG_AGO)
    first, last = Day(2026, 11, 10), Day(2026, 11, 12)
    steps = plan([group], [], NOW, Wanted(first, last, NOW)).steps
    assert [step.day for step in steps if isinstance(step, Export)] == list(days.days(first, last))


def test_a_state_survives_its_document_and_joins_days_into_ranges() -> None:
    state = State()
    for offset in (0, 2, 1, 5):
        state = state.after(DAY + offset * days.ONE_DAY, replace(provisional(), phase=Phase.FINAL))
    state = state.after(DAY + 6 * days.ONE_DAY, provisional(collected=None))
    assert state.final == ((DAY, DAY + 2 * days.ONE_DAY), (DAY + 5 * days.ONE_DAY, DAY + 5 * days.ONE_DAY))
    assert state_from(state.document()) == state


def test_a_year_of_five_classes_in_twenty_groups_plans_in_under_five_seconds() -> None:
    targets = [Target(f"class-{n % 5}", f"/test/group-{n}", f"archive-{n % 5}", 400, 400, 800) for n in range(20)]
    year = NOW - datetime.timedelta(days=365)
    odd = MappingProxyType({year.date() + n * days.ONE_DAY: provisional() for n in range(0, 365, 2)})
    groups = [Seen(it, year, State((), odd) if n % 2 else State()) for n, it in enumerate(targets)]
    tasks_known = [task("FAILED", DAY - n * days.ONE_DAY, id_=str(n), target=targets[n % 20]) for n in range(1000)]
    started = time.process_time()
    found = plan(groups, tasks_known, NOW)
    assert time.process_time() - started < 5
    assert len([step for step in found.steps if isinstance(step, Export)]) > 10 * 365
