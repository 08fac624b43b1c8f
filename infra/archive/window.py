"""A window of event time: what FROM and TO mean to every command on archives."""

import datetime
from dataclasses import dataclass, field

from infra.problems import InputError, Problem

ALLOWED = "a day such as 2026-11-24, or an instant such as 2026-11-24T08:30:00Z; UTC unless it says otherwise"
_DAY_CHARACTERS = len("2026-11-24")
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start`, included, to `end`, excluded; both in UTC."""

    start: datetime.datetime
    end: datetime.datetime
    _ends_ns: tuple[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Reckon both ends once: every record of an archive is asked about."""
        object.__setattr__(self, "_ends_ns", (nanoseconds(self.start), nanoseconds(self.end)))

    def __contains__(self, time_ns: int) -> bool:
        """Return whether a time in Unix nanoseconds lies in the window."""
        first, after = self._ends_ns
        return first <= time_ns < after

    def __str__(self) -> str:
        """Return both ends as ISO 8601."""
        return f"{self.start:%Y-%m-%dT%H:%M:%SZ} to {self.end:%Y-%m-%dT%H:%M:%SZ}"


def parse_window(start: str, end: str, now: datetime.datetime) -> Window:
    """Return the window that FROM and TO name: days, the last one included, or instants, the last one excluded.

    TO may be today, which then ends now. Raises InputError for text that is neither, for FROM that is not before TO,
    and for what lies in the future.
    """
    problems: list[Problem] = []
    found: dict[str, datetime.datetime] = {}
    for key, given, whole_day in (("FROM", start, False), ("TO", end, True)):
        try:
            found[key] = _instant(given, now, whole_day=whole_day)
        except ValueError:
            problems.append(Problem("command line", key, "not a day and not an instant", ALLOWED))
    for key, instant in found.items():
        if instant > now:
            problems.append(Problem("command line", key, "lies in the future", f"at most {now:%Y-%m-%dT%H:%M:%SZ}"))
    if len(found) == 2 and found["FROM"] >= found["TO"]:
        problems.append(Problem("command line", "FROM", "is not before TO", "a window that something can lie in"))
    if problems:
        raise InputError(problems)
    return Window(found["FROM"], found["TO"])


def parse_whole_window(start: str, end: str, now: datetime.datetime) -> Window:
    """Return the window as parse_window does, but with today, as TO, to its end: the same words are the same window
    until tomorrow, so that a command can be carried on and what it did be named again.
    """
    window = parse_window(start, end, now)
    if len(end) != _DAY_CHARACTERS:
        return window
    return Window(window.start, _instant(end, datetime.datetime.min.replace(tzinfo=datetime.UTC), whole_day=True))


def nanoseconds(instant: datetime.datetime) -> int:
    """Return `instant` in Unix nanoseconds, without the rounding of a float."""
    return (instant - _EPOCH) // datetime.timedelta(microseconds=1) * 1_000


def _instant(given: str, now: datetime.datetime, *, whole_day: bool) -> datetime.datetime:
    if len(given) == _DAY_CHARACTERS:
        day = datetime.datetime.combine(datetime.date.fromisoformat(given), datetime.time(), datetime.UTC)
        ends = day + datetime.timedelta(days=1)
        if not whole_day:
            return day
        return now if day <= now < ends else ends
    instant = datetime.datetime.fromisoformat(given)
    return instant.replace(tzinfo=datetime.UTC) if instant.tzinfo is None else instant.astimezone(datetime.UTC)
