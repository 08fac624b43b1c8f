"""The register of one archive: who held, released, extended or certified what, when and why; a signed hash chain.

Entries lie under `register/` in the class's own bucket, numbered upwards, each naming the digest of the one before it
and signed by the registers' key. Each is written with If-None-Match and under a legal hold of its own, which nothing
lifts, and is announced as an audit record before. The version that was written first counts, whatever was written over
it or marked as deleted later. What was altered, forged or taken out is found on reading; what was cut off from the end,
by the announcements (infra/archive/keeping/announced.py).
"""

import base64
import binascii
import datetime
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from infra.archive.keeping.announced import EVENT, announce
from infra.archive.keeping.place import Asked, Place
from infra.archive.signature import PublicKey, from_kms
from infra.documents.bucket_policy import REGISTER
from infra.export import chain
from infra.export.answers import explained
from infra.export.problems import CorruptManifestError, ExportError, TakenError

VERSION = 2
ALGORITHM = chain.ALGORITHM


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
    signature: bytes
    """DER, over `signed_text`."""
    signing_key: str

    @property
    def document(self) -> dict[str, Any]:
        """Return the entry as it is stored, and as a certificate is handed out."""
        return {
            "body": self.body,
            "digest": self.digest,
            "signature": base64.b64encode(self.signature).decode(),
            "signing_key": self.signing_key,
            "algorithm": ALGORITHM,
        }

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


def signed_text(bucket: str, sequence: int, digest: str) -> bytes:
    """Return the short text that is signed in an entry's place; no manifest's text begins like it."""
    return f"tinybeans-logging register 1\n{bucket}\n{sequence}\n{digest}\n".encode()


def entries(place: Place, public: PublicKey | None = None) -> list[Entry]:
    """Return the register, oldest entry first, each checked with `public`, or with the public half that KMS gives.

    Raises CorruptManifestError where it is not as it was written, and InputError where KMS gives no key.
    """
    public = public or from_kms(place.services.kms, place.signing_key)
    found: list[Entry] = []
    for key, version in _first_versions(place):
        where = f"s3://{place.bucket}/{key}"
        with explained(f"reading {where}", "s3:GetObjectVersion on it and kms:Decrypt on its class's key"):
            stored = place.services.s3.get_object(Bucket=place.bucket, Key=key, VersionId=version)["Body"].read()
        entry = loads(stored, where, public)
        if not _follows(entry, found[-1] if found else None, place):
            raise CorruptManifestError(
                f"{where} does not follow the entry before it: an entry was altered, or is missing. Nothing was done; the "
                f"audit records {EVENT} say what was written"
            )
        found.append(entry)
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
    entry = _signed(place, body)
    announce(place, body, entry.digest, asked)
    key = f"{REGISTER}{entry.sequence:08d}.json"
    needs = (
        "the keepers' role, s3:PutObject and s3:PutObjectLegalHold on it, "
        f"{'s3:PutObjectRetention, ' if lock else ''}and kms:GenerateDataKey on its class's key; nothing was changed"
    )
    locked = {"ObjectLockMode": lock[0], "ObjectLockRetainUntilDate": lock[1]} if lock else {}
    try:
        with explained(f"writing s3://{place.bucket}/{key}", needs):
            place.services.s3.put_object(
                Bucket=place.bucket,
                Key=key,
                Body=json.dumps(entry.document, sort_keys=True, indent=1).encode(),
                ContentType="application/json",
                IfNoneMatch="*",
                ObjectLockLegalHoldStatus="ON",
                **locked,
            )
    except TakenError as error:
        raise ExportError("somebody else wrote into the register at this moment: run the command again") from error
    return entry


def _signed(place: Place, body: dict[str, Any]) -> Entry:
    digest, key = chain.digest(body), place.signing_key
    with explained(
        f"signing with {key}", f"the keepers' role, kms:Sign on {key}, and the key enabled; nothing was changed"
    ):
        answer = place.services.kms.sign(
            KeyId=key,
            Message=signed_text(str(body["bucket"]), int(body["sequence"]), digest),
            MessageType="RAW",
            SigningAlgorithm=ALGORITHM,
        )
    return Entry(body, digest, answer["Signature"], answer["KeyId"])


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


def loads(stored: bytes, where: str, key: PublicKey) -> Entry:
    """Return the entry in `stored`. Raises CorruptManifestError when it is none, was altered, or is not signed by `key`."""
    try:
        values = json.loads(stored)
        signature = base64.b64decode(values["signature"], validate=True)
        entry = Entry(values["body"], str(values["digest"]), signature, str(values["signing_key"]))
        text = signed_text(str(entry.body["bucket"]), entry.sequence, entry.digest)
        whole = chain.digest(entry.body) == entry.digest and entry.kind in Kind
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise CorruptManifestError(f"{where} cannot be read ({type(error).__name__}); nothing was done") from error
    if not whole:
        raise CorruptManifestError(f"{where} was altered: its content is not what its digest says. Nothing was done")
    if not key.signed(text, entry.signature):
        raise CorruptManifestError(f"{where} is not signed by this stack's key: it is forged. Nothing was done")
    return entry


def _follows(entry: Entry, before: Entry | None, place: Place) -> bool:
    return bool(
        entry.body["bucket"] == place.bucket
        and entry.body["previous"] == (before.digest if before else None)
        and entry.sequence == (before.sequence + 1 if before else 1)
    )
