"""A group's chain of manifests, from its first link to its last: nothing missing, altered, forged or cut off."""

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.archive.errors import ArchiveError
from infra.archive.places import Place
from infra.archive.signature import PublicKey
from infra.archive.verify_erasures import Erasures
from infra.archive.verify_findings import Verified, Wrong
from infra.export import audit, chain, days
from infra.export.chain import Link
from infra.export.days import Day, Moment
from infra.export.presence import expired_before
from infra.export.problems import CorruptManifestError
from infra.export.state import State
from infra.export.targets import Target


@dataclass
class Proven:
    """What a chain says about the days of a window."""

    links: list[Link] = field(default_factory=list)
    """Exports of these days, every attempt, oldest first."""
    newest: dict[Day, Link] = field(default_factory=dict)
    """Each day's newest export."""
    gaps: dict[Day, str] = field(default_factory=dict)
    """Days that could not be exported, with the reason."""
    state: State = field(default_factory=State)
    """What the newest link says of each day."""
    last: int = 0
    """Number of the newest link."""
    erasures: Erasures | None = None
    """What was erased from this archive since."""
    digests: dict[int, str] = field(default_factory=dict)
    """Digest of each link by its number."""


def proven(
    place: Place,
    target: Target,
    key: PublicKey,
    window: tuple[Day, Day],
    verified: Verified,
    now: Moment,
    tick: Callable[[], None] = lambda: None,
) -> Proven:
    """Return what the whole chain of `target` says of the days of `window`, both included; write down what is wrong.

    What lifecycle has removed of the chain's beginning by `now` is not missed. A link that cannot be believed counts for nothing. `tick` is called for each link.
    """
    found, before = Proven(), None
    for number, name in enumerate(sorted(place.keys(chain.folder(target)), reverse=True)):
        tick()
        verified.looked_at["links"] += 1
        where = f"s3://{place.bucket}/{name}"
        try:
            link = chain.loads(b"".join(place.stream(name)), where, target)
        except (CorruptManifestError, ArchiveError) as error:
            verified.add(Wrong.CHAIN, where, str(error))
            before = None
            continue
        if not key.signed(link.text, link.signature):
            verified.add(Wrong.SIGNATURE, where, "it is not signed by this stack's key")
        if number == 0 and link.sequence > 1 and expired_before(target, link, now):
            verified.looked_at["manifests that lifecycle has removed"] += link.sequence - 1
            before = link
        for what in _out_of_place(link, name, before, target, first=number == 0):
            verified.add(Wrong.CHAIN, where, what)
        before, found.state, found.last = link, link.state, link.sequence
        found.digests[link.sequence] = link.digest
        _take(found, link, window)
    return found


def _out_of_place(link: Link, name: str, before: Link | None, target: Target, *, first: bool) -> Iterable[str]:
    if name != chain.key(target, link.sequence):
        yield f"it says that it is link {link.sequence}, and stands under another one's key"
    if before is link:
        return  # the first that is left, by policy
    if before is None:
        if first and (link.sequence != 1 or link.body["previous"] is not None):
            yield f"the chain begins with link {link.sequence}: what came before it is gone"
        return
    if link.sequence != before.sequence + 1:
        yield f"links {before.sequence + 1} to {link.sequence - 1} are gone"
    elif link.body["previous"] != before.digest:
        yield "it was not written behind the link that stands before it"


def _take(found: Proven, link: Link, window: tuple[Day, Day]) -> None:
    day = Day.fromisoformat(link.body["day"])
    if not window[0] <= day <= window[1]:
        return
    if link.body["kind"] == "export":
        found.links.append(link)
        found.newest[day] = link
    elif link.body["kind"] == "gap":
        found.gaps[day] = str(link.body["reason"])


def complete(found: Proven, target: Target, window: tuple[Day, Day], now: Any, verified: Verified) -> None:
    """Write down each closed day of `window` since the chain began that has no export."""
    if found.state.first is None:
        verified.add(Wrong.DAY, target.log_group, "nothing was exported yet: make archive-export")
        return
    # Of older days the manifests have expired, long after their records.
    proven_since = (now - datetime.timedelta(days=target.proofs_keep_days)).date() + datetime.timedelta(days=1)
    for day in days.days(max(window[0], found.state.first, proven_since), min(window[1], days.last_closed(now))):
        if day in found.gaps:
            verified.add(Wrong.DAY, f"{day} of {target.log_group}", f"it was never exported: {found.gaps[day]}")
        elif day not in found.newest:
            verified.add(Wrong.DAY, f"{day} of {target.log_group}", "it has no export")


def not_cut_off(target: Target, found: Proven, announced: Iterable[Mapping[str, Any]], verified: Verified) -> None:
    """Write down links that audit records announce and the chain has not, or has with another content.

    `announced` are the attributes of audit records, of other groups' links too.
    """
    by_number: dict[int, set[str]] = {}
    for said in announced:
        if said.get("event") == audit.EVENT and said.get("export.group") == target.log_group:
            by_number.setdefault(int(said["export.sequence"]), set()).add(str(said["export.digest"]))
    for number, said_digests in sorted(by_number.items()):
        if number > found.last:
            verified.add(
                Wrong.TRUNCATED_CHAIN,
                target.log_group,
                f"link {number} was announced, and the chain ends with {found.last}",
            )
        elif number in found.digests and found.digests[number] not in said_digests:
            verified.add(Wrong.CHAIN, target.log_group, f"link {number} is not the one that was announced")
