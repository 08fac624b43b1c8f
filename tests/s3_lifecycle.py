"""S3's lifecycle on one versioned bucket, midnight by midnight: what the rendered rules do to objects over years.

Semantics (S3 User Guide): an object's age is reached at the first midnight UTC after that many days ("Lifecycle
configuration elements"); objects below 128 KiB move nowhere; expiry of a current version puts a delete marker over it;
a noncurrent version is removed after its days unless a lock or a hold keeps it ("Object Lock considerations"); a
marker without versions goes.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ONE_DAY = datetime.timedelta(days=1)
KIB = 1024
SMALLEST_MOVED = 128 * KIB
COLDER = ["STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]
MINIMUM_DAYS = {"STANDARD_IA": 30, "GLACIER_IR": 90, "GLACIER": 90, "DEEP_ARCHIVE": 180}
"""S3 pricing page, minimum storage duration."""
SMALLEST_BILLED = {"STANDARD_IA": 128 * KIB, "GLACIER_IR": 128 * KIB}
ADDED = {"GLACIER": (32 * KIB, 8 * KIB), "DEEP_ARCHIVE": (32 * KIB, 8 * KIB)}
"""Bytes added to an object: billed as the tier, billed as STANDARD."""


def due(since: datetime.datetime, days: int) -> datetime.datetime:
    reached = since + days * ONE_DAY
    midnight = reached.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == reached else midnight + ONE_DAY


@dataclass
class Version:
    key: str
    size: int
    written: datetime.datetime
    locked_until: datetime.datetime | None
    tiers: list[tuple[str, datetime.datetime]]
    """Each tier it was in and since when."""
    noncurrent_since: datetime.datetime | None = None
    held: bool = False
    removed: datetime.datetime | None = None

    @property
    def tier(self) -> str:
        return self.tiers[-1][0]

    @property
    def readable(self) -> bool:
        return self.noncurrent_since is None and self.removed is None

    def byte_days(self) -> dict[str, int]:
        """Return what is billed once it is gone: tier to bytes times days, minimum durations and sizes included."""
        assert self.removed is not None
        found: dict[str, int] = {}
        ends = [*(since for _, since in self.tiers[1:]), self.removed]
        for (tier, since), until in zip(self.tiers, ends, strict=True):
            days = max((until - since) // ONE_DAY, MINIMUM_DAYS.get(tier, 0))
            own, beside = ADDED.get(tier, (0, 0))
            found[tier] = found.get(tier, 0) + (max(self.size, SMALLEST_BILLED.get(tier, 0)) + own) * days
            if beside:
                found["STANDARD"] = found.get("STANDARD", 0) + beside * days
        return found


@dataclass
class SimulatedBucket:
    rules: Sequence[Mapping[str, Any]]
    """As the program registers them."""
    lock_days: int
    """Of the default lock; 0: none."""
    now: datetime.datetime
    versions: list[Version] = field(default_factory=list)
    markers: dict[str, datetime.datetime] = field(default_factory=dict)

    def put(self, key: str, size: int, *, held: bool = False) -> Version:
        for older in self.versions:
            if older.key == key and older.readable:
                older.noncurrent_since = self.now
        self.markers.pop(key, None)
        until = self.now + self.lock_days * ONE_DAY if self.lock_days else None
        made = Version(key, size, self.now, until, [("STANDARD", self.now)], held=held)
        self.versions.append(made)
        return made

    def advance(self, until: datetime.datetime) -> None:
        """Let every midnight up to `until` pass."""
        while (midnight := due(self.now + datetime.timedelta(microseconds=1), 0)) <= until:
            self.now = midnight
            for rule in self.rules:
                self._apply(rule)
        self.now = until

    def _apply(self, rule: Mapping[str, Any]) -> None:
        prefix = rule.get("filter", {}).get("prefix", "")
        there = [it for it in self.versions if it.removed is None and it.key.startswith(prefix)]
        for version in there:
            if version.noncurrent_since is None:
                self._move(version, rule.get("transitions", ()))
                days = rule.get("expiration", {}).get("days")
                if days is not None and due(version.written, int(days)) <= self.now:
                    version.noncurrent_since = self.now
                    self.markers[version.key] = self.now
            elif days := rule.get("noncurrentVersionExpiration", {}).get("noncurrentDays"):
                locked = version.locked_until is not None and version.locked_until > self.now
                if due(version.noncurrent_since, int(days)) <= self.now and not (locked or version.held):
                    version.removed = self.now
        if rule.get("expiration", {}).get("expiredObjectDeleteMarker"):
            kept = {version.key for version in self.versions if version.removed is None}
            self.markers = {
                key: since for key, since in self.markers.items() if key in kept or not key.startswith(prefix)
            }

    def _move(self, version: Version, moves: Sequence[Mapping[str, Any]]) -> None:
        if version.size < SMALLEST_MOVED:
            return
        reached = [move["storageClass"] for move in moves if due(version.written, int(move["days"])) <= self.now]
        coldest = max([version.tier, *reached], key=COLDER.index)
        if coldest != version.tier:
            version.tiers.append((coldest, self.now))
