"""One key of an archive without one person's records: the object, its earlier versions, and their copies elsewhere."""

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.archive.errors import ArchiveError
from infra.documents.eraser_policy import erasable
from infra.export.erasure import Erasure
from infra.subject.audit import Request
from infra.subject.errors import SubjectError, code_of
from infra.subject.facts import COPY, EARLIER, OBJECT, Facts, Fate
from infra.subject.gather import Sources, refused
from infra.subject.identity import Matcher
from infra.subject.ledger import Ledger, Removed
from infra.subject.locks import look
from infra.subject.rewrite import Hits, hits, stored_sha256, without
from infra.subject.versions import AtVersion, Stored, Version

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COPY_OF_KEPT = "what it is a copy of stays"
NOT_ERASABLE = "policy lets nothing of this class be erased (Object Lock COMPLIANCE)"


@dataclass(frozen=True)
class Erasing:
    """One erasure: where, of whom, for whom, and what comes of it."""

    sources: Sources
    matcher: Matcher
    request: Request
    ledger: Ledger
    facts: Facts
    replica: "S3Client | None"
    """S3 in the replica's region, where there is one."""
    execute: bool
    """Off: only find what would be erased."""


def erase_key(work: Erasing, cls: str, mine: Stored | None, copy: Stored | None) -> None:
    """Erase the person's records from every version of one key, here and in the replica's region."""
    counts: dict[str, int] = {}
    current: tuple[Version, Hits] | None = None
    for version in mine.versions if mine else ():
        if mine and (found := _hits(work, cls, work.sources.s3, mine, version, OBJECT if version.current else EARLIER)):
            counts[version.id] = len(found)
            if version.current:
                current = (version, found)
    held = {version.id for version in mine.versions} if mine else set()
    copied = {}
    for version in copy.versions if copy else ():
        if version.id in held:
            copied[version.id] = counts.get(version.id, 0)
        elif copy and work.replica and (found := _hits(work, cls, work.replica, copy, version, COPY)):
            copied[version.id] = len(found)
    copied = {version: count for version, count in copied.items() if count}
    begun, new, stays = None, "", set()
    if mine and current:
        replaced = _current(work, cls, mine, *current)
        if replaced is None:
            stays.add(current[0].id)
            del counts[current[0].id]
        else:
            begun, new = replaced
    removed = remove_earlier(work, cls, mine, counts) if mine else Removed()
    stays |= {item["version"] for item in removed.remaining}
    for version in copy.versions if copy else ():
        if copy and version.id in stays & copied.keys():
            entry = {"object": copy.where, "version": version.id, "records": copied.pop(version.id)}
            work.facts.add(cls, Fate.RETAINED, COPY, {**entry, "until": _expires(work, cls, version)}, why=COPY_OF_KEPT)
    gone = remove_copies(work, cls, copy, copied) if copy else Removed()
    if begun is not None and new:
        end(work, begun, new, removed, gone)


def _hits(work: Erasing, cls: str, s3: "S3Client", item: Stored, version: Version, what: str) -> Hits | None:
    """Return which records of a version are the person's; None where none is, or it cannot be read, which is stated."""
    try:
        return hits(AtVersion(s3, version.id).client, item.at(version), work.matcher, work.sources.window) or None
    except ArchiveError as error:
        refused(error)
        entry = {"object": item.where, "version": version.id, "until": _expires(work, cls, version)}
        work.facts.add(cls, Fate.RETAINED, what, entry, why=error.wrong)
        return None


def _current(work: Erasing, cls: str, item: Stored, version: Version, found: Hits) -> tuple[Erasure | None, str] | None:
    """Write the current version again; return the record of it and the new version's id, None where it stays."""
    entry: dict[str, Any] = {"object": item.where, "version": version.id, "records": len(found)}
    archive = _retention(work, cls)
    seen = look(work.sources.s3, item, version, archive, work.request.asked)
    why = seen.lock.why if seen.lock else "" if erasable(work.sources.context, cls) else NOT_ERASABLE
    if why:
        until = {"until": _expires(work, cls, version), **({"locked_until": seen.lock.end} if seen.lock else {})}
        work.facts.add(cls, Fate.RETAINED, OBJECT, {**entry, **until}, why=why)
        return None
    if not work.execute:
        work.facts.add(cls, Fate.ERASED, OBJECT, entry)
        return None, ""
    s3 = work.sources.s3
    made = without(AtVersion(s3, version.id).client, item.at(version), found)
    with made.body:
        begun = work.ledger.begin(work.request, item, version, made, found)
        try:
            put = s3.put_object(Bucket=item.bucket, Key=item.key, Body=made.body, IfMatch=seen.etag)
        except (ClientError, BotoCoreError) as error:
            raise SubjectError(
                f"{item.where} could not be written again ({code_of(error)}), and is as it was; run it again. It takes "
                "s3:PutObject there and kms:GenerateDataKey on its class's key, as the role that may erase has them"
            ) from None
    new = put.get("VersionId", "")
    if not new or stored_sha256(AtVersion(s3, new).client, item.at(version)) != made.sha256:
        raise SubjectError(f"{item.where} is not what was written; its version before is {version.id}")
    work.facts.add(cls, Fate.ERASED, OBJECT, {**entry, "new_version": new, **said(begun)})
    return begun, new


def remove_earlier(work: Erasing, cls: str, item: Stored, counts: dict[str, int]) -> Removed:
    """Remove these versions where nothing holds them."""
    return _versions(work, cls, work.sources.s3, item, counts, EARLIER)


def remove_copies(work: Erasing, cls: str, item: Stored, counts: dict[str, int]) -> Removed:
    """Remove these copies where nothing holds them."""
    if work.replica is None:
        return Removed()
    done = _versions(work, cls, work.replica, item, counts, COPY)
    return Removed(copies=done.versions, remaining=[{**it, "in_replica": "yes"} for it in done.remaining])


def _versions(work: Erasing, cls: str, s3: "S3Client", item: Stored, counts: dict[str, int], what: str) -> Removed:
    gone: list[str] = []
    stays: list[dict[str, str]] = []
    for version in item.versions:
        if version.id not in counts:
            continue
        entry = {"object": item.where, "version": version.id, "records": counts[version.id]}
        lock = look(s3, item, version, _retention(work, cls), work.request.asked).lock
        why = lock.why if lock else "" if erasable(work.sources.context, cls) else NOT_ERASABLE
        if not why and work.execute:
            try:
                s3.delete_object(Bucket=item.bucket, Key=item.key, VersionId=version.id)
            except (ClientError, BotoCoreError) as error:
                why = f"its removal was refused ({code_of(error)}): run it again with the role that may erase"
        if not why:
            work.facts.add(cls, Fate.ERASED, what, entry)
            gone.append(version.id)
            continue
        until = _until(work, cls, version, lock.until.date() if lock and lock.until else None)
        held = {"locked_until": lock.end} if lock else {}
        work.facts.add(cls, Fate.RETAINED, what, {**entry, "until": until, **held}, why=why)
        stays.append({"version": version.id, "why": why, "until": until})
    return Removed(versions=gone, remaining=stays)


def end(work: Erasing, begun: Erasure, new: str, removed: Removed, copies: Removed) -> None:
    """Write down that what `begun` announces is done, `new` being the version that readers see now."""
    kept = [*removed.remaining, *copies.remaining]
    work.ledger.end(work.request, begun, new, Removed(removed.versions, copies.copies, kept))


def said(begun: Erasure) -> dict[str, str]:
    """Return which bytes took the place of which."""
    return {"was_sha256": begun.was, "sha256": begun.now}


def _expires(work: Erasing, cls: str, version: Version) -> str:
    """Return the day on which a current version goes by itself."""
    return (version.written.date() + datetime.timedelta(days=_retention(work, cls).keep_days + 1)).isoformat()


def _until(work: Erasing, cls: str, version: Version, locked: datetime.date | None) -> str:
    """Return the day by which a version that was replaced is gone by itself, unless a hold keeps it."""
    days = datetime.timedelta(days=_retention(work, cls).replaced_versions_keep_days + 1)
    by_lifecycle = max(work.request.asked.date(), version.written.date()) + days
    return max(by_lifecycle, locked or by_lifecycle).isoformat()


def _retention(work: Erasing, cls: str) -> Any:
    return work.sources.context.policy.data_classes.classes[cls].archive.at(work.sources.context.settings.environment)
