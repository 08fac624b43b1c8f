"""What a class's archive costs in a month once it is as full as it gets: S3 by tier, requests, and moves between tiers."""

from dataclasses import dataclass
from itertools import pairwise

from infra.forecast.prices import Cost, Prices, total
from infra.policy.archive import MINIMUM_STORAGE_DAYS, ArchiveRetention, StorageClass

STANDARD = "STANDARD"
SMALLEST_MOVED_BYTES = 128 * 1024
"""Objects below this stay in STANDARD (infra/documents/lifecycle.py says why)."""
OVERHEAD_BYTES = {StorageClass.GLACIER: (32_768, 8_192), StorageClass.DEEP_ARCHIVE: (32_768, 8_192)}
"""Bytes that S3 adds to each object: billed as the tier itself, and as STANDARD (S3 User Guide, archival classes)."""


@dataclass(frozen=True)
class Packing:
    """When an object is written: at this size before compression, or after this time."""

    bytes: int
    seconds: int


@dataclass(frozen=True)
class Stay:
    """How long an object is in one tier."""

    tier: str
    days: int
    billed_days: int
    """At least the tier's minimum storage duration."""


@dataclass(frozen=True)
class ArchiveCost:
    """A class's archive by what is paid for."""

    storage: dict[str, Cost]
    """Tier to its storage."""
    requests: Cost
    """Writing the objects, and moving them down."""
    moved: bool
    """Whether the objects are large enough to be moved down at all."""

    @property
    def total(self) -> Cost:
        """Return all of it."""
        return total([*self.storage.values(), self.requests])


def stays(retention: ArchiveRetention, object_bytes: float) -> list[Stay]:
    """Return the tiers that an object of this size is in, in order, and for how long.

    An object that expires becomes a replaced version, which stays in the last tier until it is removed.
    """
    gone = retention.keep_days + retention.replaced_versions_keep_days
    tiers = retention.tiers if object_bytes >= SMALLEST_MOVED_BYTES else ()
    starts = [(0, STANDARD), *((tier.after_days, str(tier.storage_class)) for tier in tiers), (gone, "")]
    return [
        Stay(tier, until - since, max(until - since, _minimum(tier)))
        for (since, tier), (until, _) in pairwise(starts)
        if until > since
    ]


def objects_a_day(bytes_a_day: float, records_a_day: float, collectors: int, objects: Packing) -> float:
    """Return how many objects are written: each collector writes when a batch is full, or after its time if it has any."""
    if bytes_a_day <= 0:
        return 0.0
    by_time = min(86_400 / objects.seconds * collectors, records_a_day)
    return max(bytes_a_day / objects.bytes, by_time)


def archive_cost(
    retention: ArchiveRetention,
    *,
    bytes_a_day: float,
    objects_a_day: float,
    stored_share: float,
    prices: Prices,
) -> ArchiveCost:
    """Return what a month costs of an archive that takes `bytes_a_day`, uncompressed, once its oldest objects go.

    `objects_a_day` is above zero wherever bytes are; `stored_share` is what compression leaves of a byte.
    """
    month = prices.assumptions.month_days
    if bytes_a_day <= 0:
        return ArchiveCost({}, Cost(), moved=False)
    stored = bytes_a_day * stored_share
    found = stays(retention, stored / objects_a_day)
    storage: dict[str, Cost] = {}
    for stay in found:
        own, beside = OVERHEAD_BYTES.get(StorageClass(stay.tier), (0, 0)) if stay.tier != STANDARD else (0, 0)
        # Once it is full, a tier holds what came in during the days that an object stays.
        here = prices.cost(f"s3.storage.{stay.tier}", (stored + own * objects_a_day) * stay.billed_days)
        aside = prices.cost(f"s3.storage.{STANDARD}", beside * objects_a_day * stay.billed_days)
        storage[stay.tier] = storage.get(stay.tier, Cost()) + here + aside
    puts = prices.cost("s3.put", objects_a_day * month)
    moves = [prices.cost(f"s3.move.{stay.tier}", objects_a_day * month) for stay in found if stay.tier != STANDARD]
    return ArchiveCost(storage, total([puts, *moves]), moved=len(found) > 1)


def _minimum(tier: str) -> int:
    return 0 if tier == STANDARD else MINIMUM_STORAGE_DAYS[StorageClass(tier)]
