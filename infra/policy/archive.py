"""How long a class's archived objects live, in which storage class, and whether they can be altered.

Limits are Amazon S3's own (User Guide: "Transitioning objects using Amazon S3 Lifecycle", "Understanding
archival storage classes"): objects move only down the waterfall, the infrequent-access classes take objects
of 30 days and more, and every class below STANDARD bills a minimum storage duration.
"""

from enum import StrEnum
from itertools import pairwise
from typing import Self

from pydantic import model_validator

from infra.model import Days, Model
from infra.problems import Refused


class StorageClass(StrEnum):
    """The tiers a class may use, top of the waterfall first."""

    STANDARD_IA = "STANDARD_IA"
    INTELLIGENT_TIERING = "INTELLIGENT_TIERING"
    GLACIER_IR = "GLACIER_IR"
    GLACIER = "GLACIER"
    DEEP_ARCHIVE = "DEEP_ARCHIVE"


MINIMUM_STORAGE_DAYS = {
    StorageClass.STANDARD_IA: 30,
    StorageClass.INTELLIGENT_TIERING: 0,
    StorageClass.GLACIER_IR: 90,
    StorageClass.GLACIER: 90,
    StorageClass.DEEP_ARCHIVE: 180,
}
"""Days that S3 bills at least once an object is in the tier."""

EARLIEST_TRANSITION_DAYS = {StorageClass.STANDARD_IA: 30}
"""Days an object must have spent in STANDARD before S3 accepts the transition (others: 0)."""

READ_AT_ONCE = frozenset({StorageClass.STANDARD_IA, StorageClass.INTELLIGENT_TIERING, StorageClass.GLACIER_IR})
"""Tiers that Athena searches and Datadog rehydrates from without a restore (INTELLIGENT_TIERING: its archive tiers are
never opted into here). Sources: Athena User Guide, "Query restored Amazon S3 Glacier objects"; Datadog documentation,
"Log Archives", storage class."""

WATERFALL = list(StorageClass)


class Tier(Model):
    """From `after_days` of age on, objects are kept in `storage_class`."""

    after_days: Days
    storage_class: StorageClass


class LockMode(StrEnum):
    """Amazon S3 Object Lock modes; `none` makes a bucket without Object Lock."""

    NONE = "none"
    GOVERNANCE = "GOVERNANCE"
    COMPLIANCE = "COMPLIANCE"


class ObjectLock(Model):
    """The default lock of a class's bucket. COMPLIANCE cannot be shortened or lifted, not even by the root user."""

    mode: LockMode
    days: Days | None = None

    @model_validator(mode="after")
    def _days_go_with_a_lock(self) -> Self:
        if (self.mode is LockMode.NONE) != (self.days is None):
            raise Refused("mode and days do not fit each other", "mode none without days, or a mode with days")
        return self


class ArchiveRetention(Model):
    """What holds for one class's archive in one environment."""

    keep_days: Days
    """Objects expire at this age."""
    searchable_days: Days
    """Up to this age objects can be read at once: by Athena, by Datadog's rehydration, by every command here."""
    tiers: tuple[Tier, ...]
    """Storage classes that objects move to as they age; empty: they stay in STANDARD."""
    replaced_versions_keep_days: Days
    """Days a replaced or deleted version is kept before it is removed."""
    object_lock: ObjectLock

    @model_validator(mode="after")
    def _tiers_only_go_down(self) -> Self:
        for earlier, later in pairwise(self.tiers):
            if later.after_days <= earlier.after_days:
                raise Refused(
                    f"{later.storage_class} does not come after {earlier.storage_class} in time",
                    "rising after_days",
                    "tiers",
                )
            if WATERFALL.index(later.storage_class) <= WATERFALL.index(earlier.storage_class):
                allowed = " > ".join(WATERFALL)
                raise Refused(
                    f"objects cannot move up from {earlier.storage_class} to {later.storage_class}", allowed, "tiers"
                )
        return self

    @model_validator(mode="after")
    def _no_tier_is_left_before_its_minimum(self) -> Self:
        ends = [*(tier.after_days for tier in self.tiers), self.keep_days][1:]
        for tier, end in zip(self.tiers, ends, strict=True):
            minimum = MINIMUM_STORAGE_DAYS[tier.storage_class]
            if end - tier.after_days < minimum:
                raise Refused(
                    f"objects leave {tier.storage_class} after {end - tier.after_days} days, before its minimum storage duration",
                    f"at least {minimum} days in {tier.storage_class}",
                    "tiers",
                )
            earliest = EARLIEST_TRANSITION_DAYS.get(tier.storage_class, 0)
            if tier.after_days < earliest:
                raise Refused(
                    f"{tier.storage_class} after {tier.after_days} days is too early",
                    f"{earliest} days or later",
                    "tiers",
                )
        return self

    @model_validator(mode="after")
    def _what_is_searchable_is_read_at_once(self) -> Self:
        if self.searchable_days > self.keep_days:
            raise Refused(
                "objects would be searchable for longer than they are kept",
                f"at most keep_days ({self.keep_days})",
                "searchable_days",
            )
        for tier in self.tiers:
            if tier.after_days < self.searchable_days and tier.storage_class not in READ_AT_ONCE:
                raise Refused(
                    f"from {tier.after_days} days of age on objects have to be restored from {tier.storage_class} "
                    f"before they can be searched, and searchable_days promises {self.searchable_days}",
                    f"until then {', '.join(item for item in WATERFALL if item in READ_AT_ONCE)}; or a searchable_days "
                    f"of {tier.after_days} at most",
                    "tiers",
                )
        return self

    @model_validator(mode="after")
    def _nothing_expires_while_locked(self) -> Self:
        if self.object_lock.days is not None and self.object_lock.days > self.keep_days:
            raise Refused(
                "objects would expire before their lock ends",
                f"at most keep_days ({self.keep_days})",
                "object_lock.days",
            )
        return self
