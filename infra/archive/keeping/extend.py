"""Longer locks: the retention of versions that are there, made longer and never shorter."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.archive.keeping.apply import Checkpoint, Counts, Seen, apply
from infra.archive.keeping.job import carried_out
from infra.archive.keeping.place import Asked, Place, check_lockable
from infra.archive.keeping.register import Entry, Kind, append, completed, entries
from infra.archive.keeping.versions import Chosen, Version, covered
from infra.archive.window import Window
from infra.documents.batch_job import retention_operation
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


Locking = Callable[[Place, Chosen, datetime.datetime, str], Counts]
"""Locks every chosen version until then, on behalf of an entry of the register by its name, and returns what was done."""


def by_requests(state: Path, seen: Seen) -> Locking:
    """Return what looks at each version and locks it where its lock is shorter."""

    def locking(place: Place, chosen: Chosen, until: datetime.datetime, name: str) -> Counts:
        checkpoint = Checkpoint.at(state / f"{name}.json")
        return apply(place, chosen, lambda version: lengthen(place, version, until), checkpoint, seen)

    return locking


def by_job(state: Path, seen: Seen) -> Locking:
    """Return what has S3 Batch Operations do it, for millions, in the mode of the class. S3 refuses to shorten a lock
    or to change its mode to a weaker one: such versions stay as they are, and are in the job's report.
    """

    def locking(place: Place, chosen: Chosen, until: datetime.datetime, name: str) -> Counts:
        why = f"Locks of {place.bucket} until {until:%Y-%m-%dT%H:%M:%SZ}"
        return carried_out(place, chosen, retention_operation(_own_mode(place), until), name, why, state, seen)

    return locking


def extend(place: Place, window: Window, until: datetime.datetime, asked: Asked, locking: Locking) -> Counts:
    """Lock every version that can hold records of `window` until `until`; those locked for longer stay as they are.

    A version keeps the mode of its lock; one without a lock gets the mode of the class, GOVERNANCE where it has none.
    """
    check_lockable(place)
    register = entries(place)
    begun = next((item for item in register if _is_this(item, window, until) and not completed(register, item)), None)
    if begun is None:
        begun = append(place, register, Kind.EXTEND, asked, _words(window, until), (_own_mode(place), until))
        register = [*register, begun]
    # At policy's limit the last moment moves with the clock: what is carried on keeps the one that it began with.
    until = datetime.datetime.fromisoformat(begun.subject["until"])
    counts = locking(place, covered(window), until, f"{place.bucket}-{begun.sequence:08d}")
    append(place, register, Kind.EXTENDED, asked, {**_words(window, until), "of": begun.sequence, **vars(counts)})
    return counts


def _words(window: Window, until: datetime.datetime) -> dict[str, str]:
    return {"from": window.start.isoformat(), "to": window.end.isoformat(), "until": until.isoformat()}


def _is_this(entry: Entry, window: Window, until: datetime.datetime) -> bool:
    """Return whether `entry` began the extension of this window to the same day."""
    if entry.kind is not Kind.EXTEND:
        return False
    wanted, found = _words(window, until), entry.subject
    same_day = found["until"][:10] == wanted["until"][:10]
    return same_day and (found["from"], found["to"]) == (wanted["from"], wanted["to"])


def lengthen(place: Place, version: Version, until: datetime.datetime) -> bool:
    """Lock one version until `until`; return False, and change nothing, where it is locked for as long already."""
    where = {"Bucket": place.bucket, "Key": version.key, "VersionId": version.id}
    found = _lock(place, version, where)
    locked = found.get("RetainUntilDate")
    if locked is not None and locked >= until:
        return False
    mode = found.get("Mode") or _own_mode(place)
    with explained(
        f"locking s3://{place.bucket}/{version.key}",
        "s3:PutObjectRetention on the archive's objects, and the keepers' role; the same command carries on",
    ):
        place.services.s3.put_object_retention(**where, Retention={"Mode": mode, "RetainUntilDate": until})
    return True


def _own_mode(place: Place) -> str:
    own = place.retention.object_lock.mode
    return (LockMode.GOVERNANCE if own is LockMode.NONE else own).value


def _lock(place: Place, version: Version, where: dict[str, str]) -> dict[str, Any]:
    """Return the lock of a version; nothing where it has none. Needs no right to read what it says."""
    with explained(f"looking at the lock of s3://{place.bucket}/{version.key}", "s3:GetObjectRetention on it"):
        try:
            found: dict[str, Any] = place.services.s3.get_object_retention(**where)["Retention"]
        except place.services.s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchObjectLockConfiguration":
                raise
            return {}
    return found
