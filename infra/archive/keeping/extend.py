"""Longer locks: the retention of versions that are there, made longer and never shorter."""

import datetime
from pathlib import Path

from infra.archive.keeping.apply import Checkpoint, Counts, Seen, apply
from infra.archive.keeping.place import Asked, Place, check_lockable
from infra.archive.keeping.register import Kind, append, completed, entries
from infra.archive.keeping.versions import Version, covered
from infra.archive.window import Window
from infra.export.answers import explained
from infra.policy.archive import LockMode
from infra.problems import InputError, Problem

POLICY_FILE = "policy/data_classes.yaml"


def parse_until(text: str, place: Place, now: datetime.datetime) -> datetime.datetime:
    """Return the end of the day that UNTIL names. Raises InputError when it is none, is past, or is too far away."""
    latest = now + datetime.timedelta(days=place.most_days)
    allowed = f"a day from {now:%Y-%m-%d} to {latest:%Y-%m-%d} (lock_extension_days in {POLICY_FILE})"
    try:
        day = datetime.datetime.combine(datetime.date.fromisoformat(text), datetime.time(), datetime.UTC)
    except ValueError:
        raise InputError([Problem("command line", "UNTIL", "not a day", allowed)]) from None
    until = day + datetime.timedelta(days=1)
    if until <= now or day > latest:
        raise InputError([Problem("command line", "UNTIL", "is past or too far away", allowed)])
    return min(until, latest)


def extend(place: Place, window: Window, until: datetime.datetime, asked: Asked, state: Path, seen: Seen) -> Counts:
    """Lock every version that can hold records of `window` until `until`; those locked for longer stay as they are.

    A version keeps the mode of its lock; one without a lock gets the mode of the class, GOVERNANCE where it has none.
    """
    check_lockable(place)
    register = entries(place)
    words = {"from": window.start.isoformat(), "to": window.end.isoformat(), "until": until.isoformat()}
    begun = next(
        (
            item
            for item in register
            if item.kind is Kind.EXTEND and not completed(register, item) and words.items() <= item.subject.items()
        ),
        None,
    )
    if begun is None:
        begun = append(place, register, Kind.EXTEND, asked, words, (_own_mode(place), until))
        register = [*register, begun]
    checkpoint = Checkpoint.at(state / f"{place.bucket}-{begun.sequence:08d}.json")
    counts = apply(place, covered(window), lambda version: lengthen(place, version, until), checkpoint, seen)
    append(place, register, Kind.EXTENDED, asked, {**words, "of": begun.sequence, **vars(counts)})
    return counts


def lengthen(place: Place, version: Version, until: datetime.datetime) -> bool:
    """Lock one version until `until`; return False, and change nothing, where it is locked for as long already."""
    where = {"Bucket": place.bucket, "Key": version.key, "VersionId": version.id}
    with explained(
        f"looking at the lock of s3://{place.bucket}/{version.key}", "s3:GetObjectVersion and s3:GetObjectRetention"
    ):
        found = place.services.s3.head_object(**where)
    locked = found.get("ObjectLockRetainUntilDate")
    if locked is not None and locked >= until:
        return False
    mode = found.get("ObjectLockMode") or _own_mode(place)
    with explained(
        f"locking s3://{place.bucket}/{version.key}",
        "s3:PutObjectRetention on the archive's objects, for a role among access.archive_keepers; the same command "
        "carries on",
    ):
        place.services.s3.put_object_retention(**where, Retention={"Mode": mode, "RetainUntilDate": until})
    return True


def _own_mode(place: Place) -> str:
    own = place.retention.object_lock.mode
    return (LockMode.GOVERNANCE if own is LockMode.NONE else own).value
