"""Legal holds on every version that can hold records of a window, and their end."""

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.archive.keeping.apply import Change, Checkpoint, Counts, Seen, apply, first
from infra.archive.keeping.job import carried_out, reports
from infra.archive.keeping.place import Asked, Place, check_lockable
from infra.archive.keeping.register import Entry, Kind, active_holds, append, completed, entries
from infra.archive.keeping.versions import Chosen, Version, covered
from infra.archive.window import Window
from infra.documents.batch_job import hold_operation
from infra.export import days, ledger
from infra.export.answers import explained
from infra.export.problems import ExportError, RefusedError
from infra.problems import InputError, Problem

Holding = Callable[[Place, Chosen, str, Entry], Counts]
"""Sets the hold of every chosen version to ON or OFF, on behalf of an entry of the register, and returns what was done.
Called again for the same entry, it carries on."""


def by_requests(state: Path, seen: Seen) -> Holding:
    """Return what sends a request for each version: minutes for 100,000. How far it came is kept in `state`."""

    def holding(place: Place, chosen: Chosen, status: str, begun: Entry) -> Counts:
        return apply(place, chosen, _setting(place, status), Checkpoint.at(state / f"{_name(place, begun)}.json"), seen)

    return holding


def by_job(state: Path, seen: Seen) -> Holding:
    """Return what has S3 Batch Operations do it, for millions. Raises ExportError where S3 could not hold every one."""

    def holding(place: Place, chosen: Chosen, status: str, begun: Entry) -> Counts:
        why = f"Legal hold {status} on {place.bucket}, {window_of(begun)}, entry {begun.sequence} of its register"
        counts = carried_out(place, chosen, hold_operation(status), _name(place, begun), why, state, seen)
        if counts.changed < counts.versions:
            raise ExportError(
                f"{counts.versions - counts.changed:,} of {counts.versions:,} versions could not be changed; "
                f"{reports(place)} says which and why. The same command tries again"
            )
        return counts

    return holding


def hold(place: Place, window: Window, asked: Asked, holding: Holding) -> Counts:
    """Place a legal hold on what the archive holds of `window`, write it into the register, and return the counts.

    The same command carries on after an interruption; once it came to its end it holds what has come since, too.
    Raises RefusedError before anything is changed where a right is missing, the bucket has no Object Lock, or days of
    the window that CloudWatch still has are not exported yet.
    """
    check_lockable(place)
    check_exported(place, window, asked.now)
    chosen = covered(window)
    _try_right(place, chosen)
    register = entries(place)
    begun = _begun(register, window)
    if begun is None:
        begun = append(place, register, Kind.HOLD, asked, _words(window))
        register = [*register, begun]
    counts = holding(place, chosen, "ON", begun)
    append(place, register, Kind.HELD, asked, {**_words(window), "of": begun.sequence, **vars(counts)})
    return counts


def release(place: Place, window: Window, asked: Asked, holding: Holding) -> Counts:
    """Lift the hold on `window`, but for what another hold covers, and return the counts.

    Raises InputError when there is no such hold; the message names those that there are.
    """
    check_lockable(place)
    register = entries(place)
    held = _begun(register, window)
    if held is not None:
        _try_right(place, covered(window))
        lifted = append(place, register, Kind.RELEASE, asked, {**_words(window), "hold": held.sequence})
        register = [*register, lifted]
    elif (unfinished := _unfinished_release(register, window)) is not None:
        lifted = unfinished
    else:
        there = [f"FROM={item.subject['from']} TO={item.subject['to']}" for item in active_holds(register)]
        raise InputError(
            [Problem("command line", "FROM and TO", "no hold has this window", "; ".join(there) or "nothing is held")]
        )
    others = [covered(window_of(item)) for item in active_holds(register)]
    mine = covered(window)

    def chosen(key: str) -> bool:
        return mine(key) and not any(other(key) for other in others)

    counts = holding(place, chosen, "OFF", lifted)
    append(place, register, Kind.RELEASED, asked, {**_words(window), "of": lifted.sequence, **vars(counts)})
    return counts


def window_of(entry: Entry) -> Window:
    """Return the window that an entry is about."""
    instant = datetime.datetime.fromisoformat
    return Window(instant(entry.subject["from"]), instant(entry.subject["to"]))


def check_exported(place: Place, window: Window, now: datetime.datetime) -> None:
    """Raise RefusedError when days of `window` that CloudWatch still has are not exported: retention would take them.

    The message names the command that exports them. Days that CloudWatch no longer has are not asked for.
    """
    link = ledger.head(place.services.s3, place.target)
    last = days.of(window.end - datetime.timedelta(microseconds=1))
    oldest = days.oldest_kept(place.target.hot_days, now)
    missing = [
        day
        for day in days.days(max(days.of(window.start), oldest), last)
        if link is None or (day not in link.state.days and not link.state.done(day))
    ]
    if missing:
        raise RefusedError(
            f"{len(missing)} days of the window are in CloudWatch only, which removes them after "
            f"{place.target.hot_days} days. Export them first, then hold: make archive-export "
            f"FROM={missing[0]} TO={missing[-1]} CLASS={place.target.cls} STACK={place.assignment.environment}; "
            "nothing was held"
        )


def _begun(register: Sequence[Entry], window: Window) -> Entry | None:
    return next((item for item in active_holds(register) if window_of(item) == window), None)


def _unfinished_release(register: Sequence[Entry], window: Window) -> Entry | None:
    found = [item for item in register if item.kind is Kind.RELEASE and window_of(item) == window]
    return found[-1] if found and not completed(register, found[-1]) else None


def _words(window: Window) -> dict[str, str]:
    return {"from": window.start.isoformat(), "to": window.end.isoformat()}


def _name(place: Place, begun: Entry) -> str:
    return f"{place.bucket}-{begun.sequence:08d}"


def _setting(place: Place, status: str) -> Change:
    def change(version: Version) -> bool:
        _put(place, version, status)
        return True

    return change


def _put(place: Place, version: Version, status: str) -> None:
    with explained(
        f"holding s3://{place.bucket}/{version.key} (version {version.id})",
        "s3:PutObjectLegalHold on the archive's objects, and the keepers' role; what was done before "
        "stays done, and the same command carries on",
    ):
        place.services.s3.put_object_legal_hold(
            Bucket=place.bucket, Key=version.key, VersionId=version.id, LegalHold={"Status": status}
        )


def _try_right(place: Place, chosen: Chosen) -> None:
    """Set the first version's hold to what it is: changes nothing, and shows whether the right is there."""
    version = first(place, chosen)
    if version is None:
        return
    where = {"Bucket": place.bucket, "Key": version.key, "VersionId": version.id}
    with explained(f"looking at the hold of s3://{place.bucket}/{version.key}", "s3:GetObjectLegalHold on it"):
        try:
            now = place.services.s3.get_object_legal_hold(**where).get("LegalHold", {}).get("Status") or "OFF"
        except place.services.s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchObjectLockConfiguration":
                raise
            now = "OFF"
    try:
        _put(place, version, now)
    except RefusedError as error:
        raise RefusedError(f"{error}. Nothing was done") from error
