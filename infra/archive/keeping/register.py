"""The register of one archive: who held, released, extended or certified what, when and why; a hash chain.

Entries lie under `register/` in the class's own bucket, numbered upwards, each naming the digest of the one before it.
Each is written with If-None-Match and under a legal hold of its own, which nothing lifts, and is announced as an audit
record before. The version that was written first counts, whatever was written over it or marked as deleted later.
"""

import datetime
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from infra.archive.keeping.place import Asked, Place
from infra.documents.bucket_policy import REGISTER
from infra.export import audit, chain
from infra.export.answers import explained
from infra.export.problems import CorruptManifestError, ExportError, TakenError

EVENT = "audit.archive.kept"
VERSION = 1


class Kind(StrEnum):
    """What an entry says."""

    HOLD = "hold"
    """A hold is about to be placed; it counts from here on."""
    HELD = "held"
    """A hold was placed on everything that was there."""
    RELEASE = "release"
    """A hold is about to be lifted; what another hold covers stays held."""
    RELEASED = "released"
    EXTEND = "extend"
    """Locks are about to be extended."""
    EXTENDED = "extended"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry."""

    body: Mapping[str, Any]
    digest: str

    @property
    def sequence(self) -> int:
        """Return its number; the first is 1."""
        return int(self.body["sequence"])

    @property
    def kind(self) -> Kind:
        """Return what it says."""
        return Kind(self.body["kind"])

    @property
    def subject(self) -> Mapping[str, Any]:
        """Return what it is about: a window, counts, a certificate."""
        return dict(self.body["subject"])


def entries(place: Place) -> list[Entry]:
    """Return the register, oldest entry first. Raises CorruptManifestError where it is not as it was written."""
    found: list[Entry] = []
    for key, version in _first_versions(place):
        where = f"s3://{place.bucket}/{key}"
        with explained(f"reading {where}", "s3:GetObjectVersion on it and kms:Decrypt on its class's key"):
            stored = place.services.s3.get_object(Bucket=place.bucket, Key=key, VersionId=version)["Body"].read()
        found.append(_loads(stored, where, found[-1] if found else None, place))
    return found


def active_holds(register: Sequence[Entry]) -> list[Entry]:
    """Return the holds that were not lifted, whether or not placing them came to its end."""
    lifted = {entry.subject["hold"] for entry in register if entry.kind is Kind.RELEASE}
    return [entry for entry in register if entry.kind is Kind.HOLD and entry.sequence not in lifted]


def completed(register: Sequence[Entry], begun: Entry) -> bool:
    """Return whether an entry says that what `begun` announced came to its end."""
    return any(entry.subject.get("of") == begun.sequence for entry in register)


def append(
    place: Place,
    register: Sequence[Entry],
    kind: Kind,
    asked: Asked,
    subject: Mapping[str, Any],
    lock: tuple[str, datetime.datetime] | None = None,
) -> Entry:
    """Announce an entry, add it behind `register`, and return it. Raises ExportError when another one was faster.

    With `lock`, mode and end, the entry is locked like what it speaks of: whoever may not lock is refused here,
    before anything is changed. What was announced and is not there was an attempt.
    """
    body = {
        "version": VERSION,
        "class": place.target.cls,
        "bucket": place.bucket,
        "sequence": register[-1].sequence + 1 if register else 1,
        "previous": register[-1].digest if register else None,
        "kind": kind.value,
        "who": asked.who,
        "why": asked.why,
        "caller": _caller(place),
        "when": asked.now.isoformat(timespec="seconds"),
        "policy": place.assignment.policy_digest,
        "subject": dict(subject),
    }
    entry = Entry(body, chain.digest(body))
    _announce(place, entry, asked)
    key = f"{REGISTER}{entry.sequence:08d}.json"
    needs = (
        "a role among access.archive_keepers, s3:PutObject and s3:PutObjectLegalHold on it, "
        f"{'s3:PutObjectRetention, ' if lock else ''}and kms:GenerateDataKey on its class's key; nothing was changed"
    )
    locked = {"ObjectLockMode": lock[0], "ObjectLockRetainUntilDate": lock[1]} if lock else {}
    try:
        with explained(f"writing s3://{place.bucket}/{key}", needs):
            place.services.s3.put_object(
                Bucket=place.bucket,
                Key=key,
                Body=json.dumps({"body": body, "digest": entry.digest}, sort_keys=True, indent=1).encode(),
                ContentType="application/json",
                IfNoneMatch="*",
                ObjectLockLegalHoldStatus="ON",
                **locked,
            )
    except TakenError as error:
        raise ExportError("somebody else wrote into the register at this moment: run the command again") from error
    return entry


def _caller(place: Place) -> str:
    with explained("asking who the caller is", "sts:GetCallerIdentity"):
        return str(place.services.sts.get_caller_identity()["Arn"])


def _first_versions(place: Place) -> Iterator[tuple[str, str]]:
    """Yield key and version of what was written first under each key, in order of key."""
    first: dict[str, str] = {}
    with explained(f"listing {place.bucket}", "s3:ListBucketVersions on it"):
        for page in place.services.s3.get_paginator("list_object_versions").paginate(
            Bucket=place.bucket, Prefix=REGISTER
        ):
            for item in page.get("Versions", ()):  # newest first within a key
                first[item["Key"]] = item["VersionId"]
    yield from sorted(first.items())


def _loads(stored: bytes, where: str, before: Entry | None, place: Place) -> Entry:
    try:
        values = json.loads(stored)
        entry = Entry(values["body"], str(values["digest"]))
        whole = (
            chain.digest(entry.body) == entry.digest
            and entry.body["bucket"] == place.bucket
            and entry.body["previous"] == (before.digest if before else None)
            and entry.sequence == (before.sequence + 1 if before else 1)
            and entry.kind in Kind
        )
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptManifestError(f"{where} cannot be read ({type(error).__name__}); nothing was done") from error
    if not whole:
        raise CorruptManifestError(
            f"{where} does not follow the entry before it: the register was altered, or an entry is missing. Nothing "
            f"was done; the audit records {EVENT} say what was written"
        )
    return entry


def _announce(place: Place, entry: Entry, asked: Asked) -> None:
    told = place.assignment
    milliseconds = int(asked.now.timestamp() * 1000)
    attributes = {
        "log.record.uid": str(uuid.uuid5(audit.NAMESPACE, entry.digest)),
        "tinybeans.log.class": "audit",
        "event": EVENT,
        "service.name": "tinybeans-logging-archive",
        "deployment.environment.name": told.environment,
        "archive.class": place.target.cls,
        "archive.kind": entry.kind.value,
        "archive.who": asked.who,
        "archive.why": asked.why,
        "archive.sequence": str(entry.sequence),
        "archive.digest": entry.digest,
    }
    message = {
        "resource": {"attributes": {"service.name": attributes["service.name"]}},
        "timeUnixNano": milliseconds * 1_000_000,
        "observedTimeUnixNano": milliseconds * 1_000_000,
        "severityNumber": 9,
        "severityText": "INFO",
        "body": f"{entry.kind} in the {place.target.cls} archive",
        "attributes": attributes,
        "eventName": EVENT,
    }
    with explained(f"writing to {told.audit_group}", f"logs:PutLogEvents on its stream {told.audit_stream}"):
        place.services.logs.put_log_events(
            logGroupName=told.audit_group,
            logStreamName=told.audit_stream,
            logEvents=[{"timestamp": milliseconds, "message": json.dumps(message, separators=(",", ":"))}],
        )
