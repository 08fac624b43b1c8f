"""Whether every accepted record is accounted for: what was acknowledged, against what each sink holds.

The collector's own counters and the sinks' contents are independent of each other; the sums below hold only when
both tell the same story.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sandbox.demo.arrivals import Arrived
from sandbox.demo.traffic import Sent


@dataclass(frozen=True)
class Counted:
    """What the collector says it did with the records, by class; from its own counters."""

    classified: Mapping[str, int]
    kept: Mapping[str, int]
    dropped: Mapping[tuple[str, str], int]
    """Class and reason (a sampling rule, a redaction rule that drops) to records."""
    quarantined: int
    dropped_unclassified: Mapping[str, int] = field(default_factory=dict)
    """Redaction rule that drops whole records to records, before they have a pipeline of their class."""


@dataclass(frozen=True)
class Row:
    """One class: how many records came in, were dropped and why, and arrived at each sink."""

    cls: str
    accepted: int
    dropped: Mapping[str, int]
    kept: int
    arrived: Mapping[str, int | None]
    """Sink to different records in it; None where the class may not go there."""


@dataclass(frozen=True)
class Check:
    """One sum that must hold."""

    what: str
    left: int
    right: int

    @property
    def holds(self) -> bool:
        """Return whether both sides are equal."""
        return self.left == self.right


@dataclass(frozen=True)
class Accounts:
    """The whole table, and the sums under it."""

    acknowledged: int
    quarantined: int
    dropped_unclassified: Mapping[str, int]
    duplicates: int
    rows: tuple[Row, ...]
    checks: tuple[Check, ...] = field(repr=False)

    @property
    def balanced(self) -> bool:
        """Return whether every sum holds."""
        return all(check.holds for check in self.checks)


def accounts(
    sent: Collection[Sent],
    counted: Counted,
    arrived: Collection[Arrived],
    allowed: Mapping[str, Collection[str]],
    quarantine_place: str,
) -> Accounts:
    """Return the accounts of a run.

    `allowed` maps each class to the sinks its records may reach; a record whose place contains `quarantine_place`
    was withheld and belongs to no class.
    """
    known = {item.uid for item in sent}
    regular = [item for item in arrived if quarantine_place not in item.place]
    withheld = [item for item in arrived if quarantine_place in item.place]
    sinks = sorted({sink for names in allowed.values() for sink in names})
    uids = {(sink, cls): _uids(regular, sink, cls) for sink in sinks for cls in allowed}
    rows = tuple(
        Row(
            cls,
            counted.classified.get(cls, 0),
            {reason: count for (of, reason), count in sorted(counted.dropped.items()) if of == cls and count},
            counted.kept.get(cls, 0),
            {sink: len(uids[sink, cls]) if sink in names else None for sink in sinks},
        )
        for cls, names in allowed.items()
    )
    times = Counter((item.sink, item.uid) for item in regular)
    classes_of: dict[str, set[str]] = {}
    for item in regular:
        classes_of.setdefault(item.uid, set()).add(item.cls)
    checks = [
        Check(
            "acknowledged = classified + quarantined + dropped by redaction",
            len(known),
            sum(counted.classified.values()) + counted.quarantined + sum(counted.dropped_unclassified.values()),
        ),
        *(
            Check(f"{row.cls}: accepted = kept + dropped", row.accepted, row.kept + sum(row.dropped.values()))
            for row in rows
        ),
        *(
            Check(f"{row.cls}: kept = arrived at {sink}", row.kept, count)
            for row in rows
            for sink, count in row.arrived.items()
            if count is not None
        ),
        Check("records that arrived and were never sent", 0, len({item.uid for item in arrived} - known)),
        Check("records that arrived in two classes", 0, sum(len(classes) > 1 for classes in classes_of.values())),
        Check("records of a class at a sink it may not reach", 0, _strays(regular, allowed)),
        Check("quarantined = withheld at the quarantine", counted.quarantined, len({item.uid for item in withheld})),
    ]
    duplicates = sum(times.values()) - len(times)
    return Accounts(len(known), counted.quarantined, counted.dropped_unclassified, duplicates, rows, tuple(checks))


def _uids(arrived: Iterable[Arrived], sink: str, cls: str) -> set[str]:
    return {item.uid for item in arrived if item.sink == sink and item.cls == cls}


def _strays(arrived: Iterable[Arrived], allowed: Mapping[str, Collection[str]]) -> int:
    return sum(item.sink not in allowed.get(item.cls, ()) for item in arrived)
