"""What FROM and TO mean to commands on archives."""

import datetime

import pytest

from infra.archive.window import Window, nanoseconds, parse_whole_window, parse_window
from infra.problems import InputError

NOW = datetime.datetime(2026, 11, 26, 14, 30, tzinfo=datetime.UTC)
DAY = parse_window("2026-11-24", "2026-11-24", NOW)


def instant(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("2026-11-24", "2026-11-24", ("2026-11-24T00:00", "2026-11-25T00:00")),
        ("2026-11-24", "2026-11-25T08:30:00Z", ("2026-11-24T00:00", "2026-11-25T08:30")),
        ("2026-11-24T10:00:00+02:00", "2026-11-26", ("2026-11-24T08:00", "2026-11-26T14:30")),
    ],
)
def test_a_window_is_days_or_instants(start: str, end: str, found: tuple[str, str]) -> None:
    assert parse_window(start, end, NOW) == Window(instant(found[0]), instant(found[1]))


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2026-11-25", "2026-11-24", {"FROM: is not before TO"}),
        ("2026-11-27", "2026-11-28", {"FROM: lies in the future", "TO: lies in the future"}),
        ("2026-11-24", "2026-11-26T15:00:00Z", {"TO: lies in the future"}),
        ("yesterday", "2026-13-01", {"FROM: not a day", "TO: not a day"}),
    ],
)
def test_a_window_that_cannot_be_meant_is_refused_with_every_reason(start: str, end: str, said: set[str]) -> None:
    with pytest.raises(InputError) as caught:
        parse_window(start, end, NOW)
    assert all(any(part in str(problem) for problem in caught.value.problems) for part in said)
    assert len(caught.value.problems) == len(said)


def test_an_end_belongs_to_the_next_window() -> None:
    assert nanoseconds(DAY.start) in DAY
    assert nanoseconds(DAY.end) - 1 in DAY
    assert nanoseconds(DAY.end) not in DAY


def test_a_window_that_is_held_until_today_has_the_same_end_all_day() -> None:
    morning, evening = NOW.replace(hour=1), NOW.replace(hour=23)
    today = f"{NOW:%Y-%m-%d}"
    found = {parse_whole_window("2026-11-01", today, now) for now in (morning, evening)}
    assert found == {parse_window("2026-11-01", today, NOW + datetime.timedelta(days=1))}
    assert parse_whole_window("2026-11-01", "2026-11-02", NOW) == parse_window("2026-11-01", "2026-11-02", NOW)
    instant = ("2026-11-01", "2026-11-02T10:00:00Z")
    assert parse_whole_window(*instant, NOW) == parse_window(*instant, NOW)
    with pytest.raises(InputError, match="lies in the future"):
        parse_whole_window("2026-11-01", f"{NOW + datetime.timedelta(days=1):%Y-%m-%d}", NOW)
