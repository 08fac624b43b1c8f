"""Exported objects against their manifest: there, of that size and checksum, with that many records, and no others."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from infra.archive.errors import ArchiveError
from infra.archive.places import Place
from infra.archive.verify_erasures import Erasures
from infra.archive.verify_findings import Verified, Wrong
from infra.export.chain import Link
from infra.export.measure import measure
from infra.export.problems import ObjectChangedError


def objects(
    place: Place, link: Link, erasures: Erasures, verified: Verified, tick: Callable[[], None] = lambda: None
) -> None:
    """Write down each object of a manifest that is not as it was, and each that was put beside them since.

    What signed erasures lead to is as it should be, and said to be erased.

    `tick` is called for each object that was read.
    """
    named = {item["key"]: item for item in link.body["objects"]}
    for key, was in named.items():
        verified.looked_at["objects"] += 1
        where = f"s3://{place.bucket}/{key}"
        try:
            found: dict[str, Any] = asdict(measure(key, place.stream(key)))
        except (ArchiveError, ObjectChangedError) as error:
            verified.add(Wrong.OBJECT, where, str(error))
            continue
        verified.looked_at["exported records"] += int(found["records"])
        changed = [f"{name} is {found[name]}, was {was[name]}" for name in found if found[name] != was[name]]
        explained = erasures.explains(key, was["sha256"], found["sha256"], verified)
        if explained and found["sha256"] != was["sha256"]:
            left = was["records"] - erasures.removed(key, was["sha256"], found["sha256"])
            changed = [] if found["records"] == left else [f"{found['records']} records, and erasures left {left}"]
        if changed:
            verified.add(Wrong.OBJECT, where, "it was altered: " + ", ".join(changed))
        tick()
    if sum(item["records"] for item in named.values()) != link.body["records"]:
        verified.add(Wrong.CHAIN, f"link {link.sequence} of {link.body['group']}", "its counts do not add up")
    for key in place.keys(_below(link)):
        if key not in named:
            verified.add(Wrong.OBJECT, f"s3://{place.bucket}/{key}", "no manifest knows it: it was put there since")


def _below(link: Link) -> str:
    """Return the prefix that only this link's task wrote below."""
    task = link.body["task"]
    return f"export/{task['name']}/{task['id']}/"
