"""Chains and counts where they lie: read from the archive, and added to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from infra.export import audit, chain, growth, manifest
from infra.export.answers import explained
from infra.export.chain import Link
from infra.export.days import Moment
from infra.export.growth import Collected, chunks_of
from infra.export.manifest import Finding
from infra.export.measure import Measured
from infra.export.problems import CorruptManifestError, RefusedError
from infra.export.state import State
from infra.export.targets import MANIFESTS, Assignment, Target
from infra.export.tasks import Task

MEASURING = f"{MANIFESTS}measuring/"


@dataclass(frozen=True)
class World:
    """The services that a run works with, and what it was told to do."""

    assignment: Assignment
    logs: Any
    s3: Any
    kms: Any


def head(s3: Any, target: Target) -> Link | None:
    """Return the newest link of a group's chain; None where there is none yet. Raises CorruptManifestError."""
    with explained(f"listing {target.bucket}", "s3:ListBucket on it"):
        listed = s3.list_objects_v2(Bucket=target.bucket, Prefix=chain.folder(target), MaxKeys=1).get("Contents", ())
    if not listed:
        return None
    key = listed[0]["Key"]
    link = chain.loads(_read(s3, target, key), f"s3://{target.bucket}/{key}", target)
    if key != chain.key(target, link.sequence):
        raise CorruptManifestError(f"the manifest s3://{target.bucket}/{key} stands under another link's key")
    return link


def link(s3: Any, target: Target, sequence: int) -> Link | None:
    """Return the link with this number; None where there is none. Raises CorruptManifestError."""
    key = chain.key(target, sequence)
    if not any(found == key for found, _ in objects(s3, target, key)):
        return None
    return chain.loads(_read(s3, target, key), f"s3://{target.bucket}/{key}", target)


def oldest(s3: Any, target: Target) -> Link | None:
    """Return the first link that is left of a group's chain; None where there is none. Raises CorruptManifestError.

    Lists the chain to its end: only for when something is missing.
    """
    last = None
    for last, _ in objects(s3, target, chain.folder(target)):  # noqa: B007 - keys count down: the last is the oldest
        pass
    return None if last is None else chain.loads(_read(s3, target, last), f"s3://{target.bucket}/{last}", target)


def append(world: World, target: Target, previous: Link | None, finding: Finding, now: Moment) -> Link:
    """Sign what was found, announce it, and add it to the chain behind `previous`.

    Raises TakenError when another run was faster, and CorruptManifestError when `previous` is not signed by this
    stack's key: nothing is built on what somebody else wrote.
    """
    if previous is not None:
        _trust(world, target, previous)
    state = previous.state if previous else State()
    body = manifest.body(world.assignment, target, previous, state, finding, now)
    digest, sequence = chain.digest(body), int(body["sequence"])
    key = world.assignment.signing_key
    with explained(f"signing with {key}", f"kms:Sign on {key}, and the key enabled"):
        signed = world.kms.sign(
            KeyId=key,
            Message=chain.signed_text(target.log_group, sequence, digest),
            MessageType="RAW",
            SigningAlgorithm=chain.ALGORITHM,
        )
    link = Link(body, digest, signed["Signature"], signed["KeyId"])
    audit.announce(world.logs, world.assignment, body, digest, now)
    _write(world.s3, target, chain.key(target, sequence), chain.dumps(link), once=True)
    return link


def collected(s3: Any, target: Target, at: Moment | None = None) -> Collected | None:
    """Return the newest total of the collector's archive that covers nothing uploaded after `at` (now, when absent)."""
    with explained(f"listing {target.bucket}", "s3:ListBucket on it"):
        asked: dict[str, Any] = {"Bucket": target.bucket, "Prefix": growth.COUNTS, "MaxKeys": 1}
        if at is not None:
            # One hour more is the key just before the first that is wanted.
            asked["StartAfter"] = growth.key(growth.hour_of(at) + growth.HOUR)
        listed = s3.list_objects_v2(**asked).get("Contents", ())
    if not listed:
        return None
    key = listed[0]["Key"]
    return growth.loads(_read(s3, target, key), f"s3://{target.bucket}/{key}")


def add_count(s3: Any, target: Target, total: Collected) -> None:
    """Store a total. Raises TakenError when another run stored the one for the same hour."""
    _write(s3, target, growth.key(total.until), growth.dumps(total), once=True)


def objects(s3: Any, target: Target, prefix: str) -> Iterator[tuple[str, int]]:
    """Yield key and size (bytes) of each object below `prefix`, in the order of their keys."""
    token: dict[str, str] = {}
    while True:
        with explained(f"listing {target.bucket}", "s3:ListBucket on it"):
            page = s3.list_objects_v2(Bucket=target.bucket, Prefix=prefix, **token)
        for item in page.get("Contents", ()):
            yield item["Key"], item["Size"]
        if not page.get("NextContinuationToken"):
            return
        token = {"ContinuationToken": page["NextContinuationToken"]}


def stream(s3: Any, target: Target, key: str) -> Iterator[bytes]:
    """Yield the stored bytes of an object, a chunk at a time."""
    with explained(f"reading s3://{target.bucket}/{key}", "s3:GetObject on it and kms:Decrypt on its class's key"):
        yield from chunks_of(s3.get_object(Bucket=target.bucket, Key=key)["Body"])


def measured_so_far(s3: Any, target: Target, task: Task) -> dict[str, Measured]:
    """Return what an earlier run measured of a task's objects before its time was up."""
    key = _measuring(target, task)
    if not any(found == key for found, _ in objects(s3, target, key)):
        return {}
    try:
        items = json.loads(_read(s3, target, key))
        return {item["key"]: Measured(**item) for item in items}
    except (ValueError, TypeError, KeyError):
        return {}  # only a saving of time: everything is measured again


def save_measured(s3: Any, target: Target, task: Task, done: dict[str, Measured]) -> None:
    """Keep what was measured for the next run."""
    text = json.dumps([asdict(item) for item in done.values()]).encode()
    _write(s3, target, _measuring(target, task), text, once=False)


def _measuring(target: Target, task: Task) -> str:
    return f"{MEASURING}{target.slug}/{task.id}.json"


def _trust(world: World, target: Target, link: Link) -> None:
    # With this stack's key and no other: a link may name any key, one of its forger's too.
    key = world.assignment.signing_key
    try:
        with explained(f"checking a signature with {key}", f"kms:Verify on {key}, and the key enabled"):
            answer = world.kms.verify(
                KeyId=key,
                Message=link.text,
                MessageType="RAW",
                Signature=link.signature,
                SigningAlgorithm=chain.ALGORITHM,
            )
        signed = bool(answer["SignatureValid"])
    except RefusedError as error:
        if "KMSInvalidSignature" not in str(error):
            raise
        signed = False
    if not signed:
        raise CorruptManifestError(
            f"the manifest s3://{target.bucket}/{chain.key(target, link.sequence)} is not signed by {key}. Nothing is "
            "exported for its group on top of it (docs/adr/0021-nightly-export.md, Repair)"
        )


def _read(s3: Any, target: Target, key: str) -> bytes:
    return b"".join(stream(s3, target, key))


def _write(s3: Any, target: Target, key: str, text: bytes, *, once: bool) -> None:
    condition = {"IfNoneMatch": "*"} if once else {}
    with explained(
        f"writing s3://{target.bucket}/{key}", "s3:PutObject on it and kms:GenerateDataKey on its class's key"
    ):
        s3.put_object(Bucket=target.bucket, Key=key, Body=text, ContentType="application/json", **condition)
