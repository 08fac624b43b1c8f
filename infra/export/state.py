"""What a chain of manifests says about each day, small enough to stand in each manifest.

Planning then reads one manifest a group, however many years there are.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from infra.export.days import ONE_DAY, Day, Moment, Phase


@dataclass(frozen=True, slots=True)
class Entry:
    """A day that has an export, and may get another one."""

    attempts: int
    phase: Phase
    records: int
    """In the newest export."""
    collected: int | None
    """Records of this day in the collector's archive when that export was begun; None where that was not counted."""
    begun: Moment
    """When that export was begun."""


@dataclass(frozen=True, slots=True)
class State:
    """Every day that the chain knows."""

    final: tuple[tuple[Day, Day], ...] = ()
    """Ranges of days that are done with, both ends included, in order and apart."""
    days: Mapping[Day, Entry] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def first(self) -> Day | None:
        """Return the oldest day."""
        return min([*self.days, *(begin for begin, _ in self.final)], default=None)

    def done(self, day: Day) -> bool:
        """Return whether nothing more is to be done for `day`."""
        return any(begin <= day <= until for begin, until in self.final)

    def attempt(self, day: Day) -> int:
        """Return the number of the next export of `day`."""
        return self.days[day].attempts + 1 if day in self.days else 1

    def after(self, day: Day, entry: Entry) -> State:
        """Return the state once `entry` is what is known of `day`."""
        rest = {known: value for known, value in self.days.items() if known != day}
        if entry.phase is not Phase.FINAL:
            return State(self.final, MappingProxyType({**rest, day: entry}))
        return State(_joined([*self.final, (day, day)]), MappingProxyType(rest))

    def document(self) -> dict[str, Any]:
        """Return the state as JSON holds it."""
        return {
            "final": [[begin.isoformat(), until.isoformat()] for begin, until in self.final],
            "days": {
                day.isoformat(): [
                    entry.attempts,
                    entry.phase.name.lower(),
                    entry.records,
                    entry.collected,
                    entry.begun.isoformat(),
                ]
                for day, entry in sorted(self.days.items())
            },
        }


def _joined(ranges: list[tuple[Day, Day]]) -> tuple[tuple[Day, Day], ...]:
    joined: list[tuple[Day, Day]] = []
    for begin, until in sorted(ranges):
        if joined and begin <= joined[-1][1] + ONE_DAY:
            joined[-1] = (joined[-1][0], max(until, joined[-1][1]))
        else:
            joined.append((begin, until))
    return tuple(joined)


def state_from(document: Mapping[str, Any]) -> State:
    """Return the state that `document` holds. Raises ValueError, KeyError or TypeError when it holds none."""
    day = datetime.date.fromisoformat
    return State(
        tuple((day(begin), day(until)) for begin, until in document["final"]),
        MappingProxyType(
            {
                day(name): Entry(
                    int(attempts),
                    Phase[phase.upper()],
                    int(records),
                    None if collected is None else int(collected),
                    datetime.datetime.fromisoformat(begun),
                )
                for name, (attempts, phase, records, collected, begun) in document["days"].items()
            }
        ),
    )
