"""One verification: every class's chain, objects and records of a window of days."""

import datetime
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from infra.archive import verify_records as compare
from infra.archive.errors import ArchiveError
from infra.archive.objects import EARLY, QUARANTINE_STREAM, ArchiveObject, Form, collected
from infra.archive.places import Place
from infra.archive.records import records
from infra.archive.signature import PublicKey
from infra.archive.verify_chain import Proven, complete, not_cut_off, proven
from infra.archive.verify_erasures import Erasures, Kept
from infra.archive.verify_findings import Verified, Wrong
from infra.archive.verify_objects import objects
from infra.archive.verify_parts import PARTS, Side, Uids
from infra.archive.window import Window
from infra.export import audit, days
from infra.export.days import Day, Moment
from infra.export.growth import REACH
from infra.export.measure import unzipped, whole_lines
from infra.export.presence import may_be_removed
from infra.export.targets import EXPORTED, Target

Tell = Callable[[str], None]
"""Says what is being looked at; called for each link, object and some thousand records."""
EVERY = 1000
"""Records between two signs of life."""


@dataclass(frozen=True)
class Scope:
    """What is verified."""

    targets: tuple[Target, ...]
    first: Day
    last: Day
    now: Moment


def prove(
    scope: Scope,
    place_of: Callable[[str], Place],
    key: PublicKey,
    announced: Iterable[Mapping[str, Any]] | None,
    verified: Verified,
    tell: Tell,
) -> dict[Target, Proven]:
    """Verify chains, announcements and objects, with nothing but the public key; return what can be believed.

    `announced` are the attributes of audit records; None where there are none to compare with.
    """
    found: dict[Target, Proven] = {}
    said = None if announced is None else list(announced)
    for target in scope.targets:
        if target.bucket is None:
            continue
        place, name = place_of(target.bucket), target.log_group
        before = len(verified.findings)
        try:
            found[target] = chain_of = proven(
                place, target, key, (scope.first, scope.last), verified, scope.now, partial(tell, f"chain of {name}")
            )
        except ArchiveError as error:
            verified.add(Wrong.CHAIN, name, str(error))
            continue
        if said is not None:
            not_cut_off(target, chain_of, said, verified)
        if len(verified.findings) == before:
            complete(chain_of, target, (scope.first, scope.last), scope.now, verified)
        chain_of.erasures = erasures = Erasures(place, key)
        try:
            erasures.look(_looked_at(scope, target), verified, partial(tell, f"erasures of {name}"))
        except ArchiveError as error:
            verified.add(Wrong.ERASURE, name, str(error))
        for link in chain_of.links:
            if may_be_removed(target, link, scope.now):
                verified.looked_at["manifests of what lifecycle has removed"] += 1
            else:
                objects(place, link, erasures, verified, partial(tell, f"objects of {name}"))
    return found


def compare_records(
    scope: Scope, s3: Any, found: Mapping[Target, Proven], verified: Verified, tell: Tell, keep: Path | None = None
) -> None:
    """Compare what the collector archived with the newest export of each day, record by record.

    What cannot be read is a finding. Memory is bounded; the parts take some 40 bytes a record in `keep`, or in the
    directory for temporary files.
    """
    for target, chain_of in found.items():
        kept = _kept(scope, target)
        if kept.first > kept.last:
            continue
        with tempfile.TemporaryDirectory(prefix="archive-verify-", dir=keep) as directory:
            collected_side = Side(Path(directory) / "collected")
            exported_side = Side(Path(directory) / "exported")
            erased = Uids(Path(directory) / "erased")
            try:
                _fill(kept, s3, target, chain_of, collected_side, exported_side, verified, tell)
                for uid in chain_of.erasures.uids() if chain_of.erasures else ():
                    erased.add(uid)
                comparing = partial(tell, f"parts compared, of {PARTS}, of {target.log_group}")
                counts, bad = compare.summed(compare.compared(collected_side, exported_side, erased, comparing))
            finally:
                collected_side.close()
                exported_side.close()
                erased.close()
        verified.compared[target.cls] = verified.compared.get(target.cls, type(counts)()) + counts
        for where, uids in sorted(bad.items()):
            day, _, outcome = where.partition(": ")
            of_all = counts[outcome]
            verified.add(
                Wrong.RECORD,
                f"{day} of {target.log_group}",
                f"{outcome} ({of_all} in the window), such as {', '.join(uids)}",
            )


def _fill(
    scope: Scope,
    s3: Any,
    target: Target,
    chain_of: Proven,
    collected_side: Side,
    exported_side: Side,
    verified: Verified,
    tell: Tell,
) -> None:
    exported_days = compare.exported_days({day: link.body for day, link in chain_of.newest.items()})
    begin, end = compare.window_of(scope.first, scope.last)
    window = Window(days.start(scope.first), min(days.end(scope.last), scope.now + EARLY))
    number = 0
    for item in collected(s3, str(target.bucket), window, late=REACH):
        for record in _readable(s3, item, verified):
            if begin <= record.time_ns < end:
                collected_side.add(record, compare.collected_traits(record, exported_days, target.hot_days))
            number += 1
            if number % EVERY == 0:
                tell(f"collected records of {target.log_group}, thousands")
    for item in _exported_objects(scope, target, chain_of):
        for record in _readable(s3, item, verified):
            exported_side.add(record, compare.exported_traits(record))
            number += 1
            if number % EVERY == 0:
                tell(f"exported records of {target.log_group}, thousands")
    verified.looked_at["compared records"] += number


def _kept(scope: Scope, target: Target) -> Scope:
    """Return the part of the window of which lifecycle has removed nothing yet."""
    oldest = (scope.now - datetime.timedelta(days=target.keep_days)).date() + datetime.timedelta(days=1)
    return replace(scope, first=max(scope.first, oldest))


def _looked_at(scope: Scope, target: Target) -> Kept:
    """Return which of the collector's objects can hold records of the window."""
    return Kept(
        (days.start(scope.first) - EARLY).date(), (days.end(scope.last) + REACH).date(), target.keep_days, scope.now
    )


def _exported_objects(scope: Scope, target: Target, chain_of: Proven) -> Iterator[ArchiveObject]:
    """Yield the objects of each day's newest export, those of withheld records left out."""
    for day, link in chain_of.newest.items():
        if day < scope.first:
            continue
        for item in link.body["objects"]:
            if item["key"].rsplit("/", 2)[-2] != QUARANTINE_STREAM:
                written = datetime.datetime.fromisoformat(link.body["written"])
                yield ArchiveObject(str(target.bucket), item["key"], Form.EXPORTED, item["size"], written, "STANDARD")


def _readable(s3: Any, item: ArchiveObject, verified: Verified) -> Iterator[Any]:
    try:
        yield from records(s3, item)
    except ArchiveError as error:
        verified.add(Wrong.OBJECT, f"s3://{item.bucket}/{item.key}", str(error))


def announcements(logs: Any, group: str, stream: str) -> Iterator[Mapping[str, Any]]:
    """Yield the attributes of every announcement that the audit log group still holds."""
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, logStreamNames=[stream])
    for page in pages:
        for event in page["events"]:
            yield _attributes(event["message"])


def archived_announcements(place: Place, stream: str) -> Iterator[Mapping[str, Any]]:
    """Yield the attributes of every announcement in the exports of the audit class: for a proof without AWS."""
    for key in place.keys(EXPORTED):
        if key.endswith(".gz") and key.rsplit("/", 2)[-2] == stream:
            for lines in whole_lines(unzipped(key, place.stream(key))):
                yield from (_attributes(line.partition(b" ")[2].decode()) for line in lines.splitlines())


def _attributes(message: str) -> Mapping[str, Any]:
    try:
        found = json.loads(message).get("attributes", {})
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) and found.get("event") == audit.EVENT else {}
