"""Whether what a manifest names is still there: one link of each chain a run, so that all are seen in turn.

Keys and sizes only, by listing. That the bytes are the same, and that no record is missing, is for make archive-verify.
"""

from __future__ import annotations

import datetime

from infra.export import erasure, ledger
from infra.export.chain import Link
from infra.export.days import Moment
from infra.export.ledger import World
from infra.export.targets import Target

TURN = datetime.timedelta(minutes=15)
"""How often the schedule calls; each call looks at the next link."""


def missing(world: World, target: Target, head: Link, now: Moment) -> int:
    """Return how many objects that the link whose turn it is names are gone or have another size.

    What lifecycle may have removed by now is not missed, nor is the size of what was erased from: that those erasures
    are signed is for make archive-verify, too. A link that is not there counts as one missing object, unless policy
    removed it with all that were before it.
    """
    number = _whose_turn(head, now)
    link = ledger.link(world.s3, target, number)
    if link is None:
        oldest = ledger.oldest(world.s3, target)
        return 0 if oldest and number < oldest.sequence and expired_before(target, oldest, now) else 1
    if may_be_removed(target, link, now):
        return 0
    named = {str(item["key"]): int(item["size"]) for item in link.body["objects"]}
    return sum(not _there(world, target, key, size) for key, size in named.items())


def may_be_removed(target: Target, link: Link, now: Moment) -> bool:
    """Return whether lifecycle may have removed by now what this link names."""
    return _written(link) + datetime.timedelta(days=target.keep_days) <= now


def expired_before(target: Target, oldest: Link, now: Moment) -> bool:
    """Return whether lifecycle may have removed by now what was before `oldest`, the first link that is left."""
    written = oldest.body.get("previous_written") or oldest.body["written"]
    kept = datetime.timedelta(days=target.proofs_keep_days)
    return datetime.datetime.fromisoformat(str(written)) + kept <= now


def _whose_turn(head: Link, now: Moment) -> int:
    """Return the number of the link, the newest first after each full round."""
    turns = int(now.timestamp() // TURN.total_seconds())
    return head.sequence - turns % head.sequence


def _there(world: World, target: Target, key: str, size: int) -> bool:
    found = _sizes(world, target, key).get(key)
    return found == size or (found is not None and any(ledger.objects(world.s3, target, erasure.folder(key))))


def _sizes(world: World, target: Target, key: str) -> dict[str, int]:
    return dict(ledger.objects(world.s3, target, key))


def _written(link: Link) -> Moment:
    return datetime.datetime.fromisoformat(str(link.body["written"]))
