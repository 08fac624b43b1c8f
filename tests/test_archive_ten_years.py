"""The lifecycle that the program renders, run for ten years on a simulated bucket, against what policy says."""

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from infra.documents.lifecycle import PROOFS, RECORDS, archive_rules
from infra.forecast.archive import stays
from infra.policy.archive import ArchiveRetention
from tests.archive_stack import EVERY_ARCHIVE, archives_of
from tests.factories import context
from tests.s3_lifecycle import KIB, ONE_DAY, SimulatedBucket

LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
BEGIN = datetime.datetime(2026, 11, 26, 15, 30, tzinfo=datetime.UTC)
TEN_YEARS = 3653
MIB = 1024 * KIB


def bucket(stack: str, cls: str) -> SimulatedBucket:
    """Return the class's archive as the program renders it, empty."""
    registered = archives_of(stack)
    lock = registered.one(LOCK, f"{cls}-archive-object-lock").inputs.get("rule") or {}
    rules = registered.one(LIFECYCLE, f"{cls}-archive-lifecycle")["rules"]
    return SimulatedBucket(rules, int(lock.get("defaultRetention", {}).get("days", 0)), BEGIN)


def retention(stack: str, cls: str) -> ArchiveRetention:
    mine = context(stack)
    return mine.policy.data_classes.classes[cls].archive.at(mine.settings.environment)


def camel(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rules as the engine is given them."""
    names = {"storage_class": "storageClass", "noncurrent_days": "noncurrentDays",
             "noncurrent_version_expiration": "noncurrentVersionExpiration",
             "expired_object_delete_marker": "expiredObjectDeleteMarker"}  # fmt: skip

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {names.get(key, key): renamed(item) for key, item in value.items()}
        return [renamed(item) for item in value] if isinstance(value, list) else value

    return [renamed(rule) for rule in rules]


@pytest.mark.parametrize(("stack", "cls"), EVERY_ARCHIVE)
def test_at_each_age_of_ten_years_an_object_is_in_the_tier_that_policy_says_and_then_gone(stack: str, cls: str) -> None:
    wanted, simulated = retention(stack, cls), bucket(stack, cls)
    large, small = simulated.put("otlp/large", 4 * MIB), simulated.put("otlp/small", 100 * KIB)
    removed_at = wanted.keep_days + wanted.replaced_versions_keep_days

    for age in range(1, TEN_YEARS):
        simulated.advance(BEGIN + age * ONE_DAY)  # a rule acts at the midnight after an age is reached
        tier = next((str(t.storage_class) for t in reversed(wanted.tiers) if age > t.after_days), "STANDARD")
        assert large.readable is (age <= wanted.keep_days), age
        assert small.readable is (age <= wanted.keep_days), age
        if large.readable:
            assert (large.tier, small.tier) == (tier, "STANDARD"), age
        if age <= removed_at:
            assert large.removed is None, age
        if age > removed_at + 1:
            assert large.removed, age
            assert small.removed, age
    assert not simulated.markers


@pytest.mark.parametrize(("stack", "cls"), EVERY_ARCHIVE)
def test_a_proof_can_be_read_at_once_for_policys_days_longer_than_the_last_trace_of_its_records(
    stack: str, cls: str
) -> None:
    here, simulated = context(stack), bucket(stack, cls)
    outlives = here.policy.data_classes.proofs_outlive_days.at(here.settings.environment)
    records = [simulated.put(f"{prefix}g/1.gz", 4 * MIB) for prefix in RECORDS]
    proofs = [simulated.put(f"{prefix}g/1.json", 4 * MIB) for prefix in PROOFS]  # large enough to be moved
    entry = simulated.put("register/00000001.json", 4 * MIB, held=True)
    gone: datetime.datetime | None = None

    for _ in range(TEN_YEARS):
        simulated.advance(simulated.now + ONE_DAY)
        if gone is None and all(record.removed for record in records):
            gone = simulated.now
        if gone is None or simulated.now <= gone + (outlives - 1) * ONE_DAY:
            assert all(proof.readable for proof in proofs), simulated.now
        assert {proof.tier for proof in proofs} == {"STANDARD"}

    assert gone is not None
    expired = gone + (outlives + 2) * ONE_DAY < simulated.now  # prod's audit and security outlive the ten years
    assert all(proof.readable is not expired for proof in proofs)
    assert entry.readable, "the register is kept for good"


@pytest.mark.parametrize(("stack", "cls"), EVERY_ARCHIVE)
def test_for_as_long_as_policy_promises_search_no_object_has_to_be_restored(stack: str, cls: str) -> None:
    simulated = bucket(stack, cls)
    one = simulated.put("otlp/one", 4 * MIB)

    for _ in range(retention(stack, cls).searchable_days):
        simulated.advance(simulated.now + ONE_DAY)
        assert one.readable
        assert one.tier in {"STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR"}


@pytest.mark.parametrize(("stack", "cls"), [("prod", "audit"), ("prod", "client"), ("dev", "application")])
def test_expiry_hides_a_held_version_and_removes_it_only_once_the_hold_is_lifted(stack: str, cls: str) -> None:
    wanted, simulated = retention(stack, cls), bucket(stack, cls)
    held, other = simulated.put("otlp/held", MIB), simulated.put("otlp/other", MIB)
    held.held = True

    simulated.advance(BEGIN + TEN_YEARS * ONE_DAY)
    assert (held.removed, held.readable) == (None, False)
    assert other.removed is not None
    assert "otlp/held" in simulated.markers

    held.held = False
    simulated.advance(simulated.now + 2 * ONE_DAY)
    assert held.removed is not None
    assert not simulated.markers
    assert wanted.keep_days < TEN_YEARS


@hypothesis_settings(max_examples=40, deadline=None)
@given(
    keep=st.integers(200, 1200),
    replaced=st.integers(1, 60),
    lock=st.integers(0, 1500),
    hold=st.integers(0, 1500),
    overwritten=st.one_of(st.none(), st.integers(0, 1000)),
)
def test_nothing_that_is_locked_or_held_is_ever_removed_and_everything_else_is(
    keep: int, replaced: int, lock: int, hold: int, overwritten: int | None
) -> None:
    rules = camel(
        archive_rules(
            ArchiveRetention.model_validate(
                {
                    "keep_days": keep, "searchable_days": keep, "tiers": [], "replaced_versions_keep_days": replaced,
                    "object_lock": {"mode": "none"},
                }
            )
        )
    )  # fmt: skip
    simulated = SimulatedBucket(rules, lock, BEGIN)
    one = simulated.put("otlp/one", MIB, held=hold > 0)
    events = sorted({hold, *([overwritten] if overwritten is not None else [])})
    for event in events:
        simulated.advance(BEGIN + event * ONE_DAY)
        if event == overwritten:
            simulated.put("otlp/one", MIB)
        if event == hold:
            one.held = False
    simulated.advance(BEGIN + (keep + replaced + 3 + 1500 + 1000) * ONE_DAY)

    assert one.removed is not None
    kept_days = (one.removed - BEGIN) / ONE_DAY
    hidden = keep if overwritten is None else min(keep, overwritten)
    assert kept_days >= max(lock, hold, hidden + replaced)
    assert kept_days <= max(lock, hold, hidden + replaced) + 2


def test_minimum_durations_and_what_small_objects_add_are_billed_as_counted_by_hand() -> None:
    midnight = BEGIN.replace(hour=0, minute=0)
    rules: list[dict[str, Any]] = [
        {"transitions": [{"days": 30, "storageClass": "STANDARD_IA"}, {"days": 70, "storageClass": "DEEP_ARCHIVE"}]},
        {"expiration": {"days": 100}},
        {"noncurrentVersionExpiration": {"noncurrentDays": 10}},
    ]
    simulated = SimulatedBucket(rules, 0, midnight)
    moved, small = simulated.put("a", 200 * KIB), simulated.put("b", 10 * KIB)
    simulated.advance(midnight + 200 * ONE_DAY)

    # 30 days in STANDARD, 40 in STANDARD_IA; then 40 in DEEP_ARCHIVE, billed as 180, with 32 + 8 KiB beside it.
    assert moved.byte_days() == {
        "STANDARD": 30 * 200 * KIB + 180 * 8 * KIB,
        "STANDARD_IA": 40 * 200 * KIB,
        "DEEP_ARCHIVE": 180 * (200 + 32) * KIB,
    }
    assert small.byte_days() == {"STANDARD": 110 * 10 * KIB}


@pytest.mark.parametrize(("stack", "cls"), EVERY_ARCHIVE)
def test_the_forecast_bills_the_days_that_the_simulation_counts(stack: str, cls: str) -> None:
    simulated = bucket(stack, cls)
    simulated.now = BEGIN.replace(hour=0, minute=0)
    one = simulated.put("otlp/one", 4 * MIB)
    simulated.advance(simulated.now + TEN_YEARS * ONE_DAY)

    counted = {stay.tier: stay.billed_days * 4 * MIB for stay in stays(retention(stack, cls), 4 * MIB)}
    billed = one.byte_days()
    extra = 8 * KIB if "DEEP_ARCHIVE" in billed else 0
    deep = next((stay.billed_days for stay in stays(retention(stack, cls), 4 * MIB) if stay.tier == "DEEP_ARCHIVE"), 0)
    counted["STANDARD"] += extra * deep
    if deep:
        counted["DEEP_ARCHIVE"] += 32 * KIB * deep
    assert billed == counted
