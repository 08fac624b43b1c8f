"""Records of erasures: which bytes of an archived object took the place of which, by which request, on which ground.

One that announces an erasure is signed and written with If-None-Match before the object is written again, another one
when it is done. With the manifest's checksum they lead from the bytes that were exported to those that lie there now.
They name the request and the uids of what is gone, and no person.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from infra.export.chain import ALGORITHM, digest
from infra.export.problems import ExportError

ERASURES = "erasures/"
"""Prefix of these records in an archive."""
VERSION = 1
UID_BYTES = 16
"""Of a uid as it is listed: a UUID as it is, a hash of any other."""


class CorruptErasureError(ExportError):
    """A record of an erasure is not what this program wrote, or does not lie where it was written."""


class Kind(StrEnum):
    """What a record says."""

    BEGUN = "begun"
    """The object is about to be written again."""
    DONE = "done"
    """It was, and earlier versions were removed as far as their locks let that be."""


@dataclass(frozen=True, slots=True)
class Erasure:
    """One signed record."""

    body: Mapping[str, Any]
    digest: str
    """SHA-256 of the body's canonical JSON, in hex."""
    signature: bytes
    """DER, over `text`."""
    signing_key: str

    @property
    def kind(self) -> Kind:
        """Return what it says."""
        return Kind(self.body["kind"])

    @property
    def key(self) -> str:
        """Return the key of the object that it is about."""
        return str(self.body["key"])

    @property
    def was(self) -> str:
        """Return the SHA-256, in hex, of the stored bytes before."""
        return str(self.body["was_sha256"])

    @property
    def now(self) -> str:
        """Return the SHA-256, in hex, of the stored bytes after."""
        return str(self.body["sha256"])

    @property
    def removed(self) -> int:
        """Return how many records were taken out."""
        return int(self.body["removed"])

    @property
    def told(self) -> str:
        """Return by which request and when, in words."""
        return f"request {self.body['request']} on {str(self.body['asked_at'])[:10]}"

    @property
    def uids(self) -> bytes:
        """Return the uids of what was taken out, UID_BYTES each, one after the other; those that had one."""
        return base64.b64decode(self.body.get("uids", ""))

    @property
    def text(self) -> bytes:
        """Return what the signature is over."""
        return signed_text(str(self.body["bucket"]), address(self.body), self.digest)


def folder(key: str) -> str:
    """Return the prefix of the records about the object `key`."""
    return f"{ERASURES}{hashlib.sha256(key.encode()).hexdigest()[:32]}/"


def address(body: Mapping[str, Any]) -> str:
    """Return the key under which a record with this body lies: one for each object, bytes before and bytes after."""
    name = f"{str(body['was_sha256'])[:24]}-{str(body['sha256'])[:24]}.{Kind(body['kind']).value}.json"
    return f"{folder(str(body['key']))}{name}"


def signed_text(bucket: str, where: str, digest_: str) -> bytes:
    """Return the short text that is signed in a body's place; none of a manifest begins like it."""
    return f"tinybeans-logging erasure {VERSION}\n{bucket}\n{where}\n{digest_}\n".encode()


def unsigned(body: Mapping[str, Any]) -> Erasure:
    """Return a record that has still to be signed."""
    return Erasure(body, digest(body), b"", "")


def dumps(erasure: Erasure) -> bytes:
    """Return a record as it is stored."""
    stored = {
        "body": erasure.body,
        "digest": erasure.digest,
        "signature": base64.b64encode(erasure.signature).decode(),
        "signing_key": erasure.signing_key,
        "algorithm": ALGORITHM,
    }
    return json.dumps(stored, sort_keys=True, indent=1).encode()


def loads(stored: bytes, bucket: str, where: str) -> Erasure:
    """Return the record that lies under the key `where` of `bucket`.

    Raises CorruptErasureError when it is none, is not what its digest says, or was written for another place. The
    signature is not looked at: that takes the public key.
    """
    try:
        values = json.loads(stored)
        body, said = values["body"], str(values["digest"])
        found = Erasure(body, said, base64.b64decode(values["signature"], validate=True), str(values["signing_key"]))
        whole = body["version"] == VERSION and len(found.uids) % UID_BYTES == 0 and found.removed >= 0
        meant, place, actual = address(body), str(body["bucket"]), digest(body)
        complete = bool(found.told) and len(found.was) == len(found.now) == 64
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise CorruptErasureError(f"it is no record of an erasure ({type(error).__name__})") from error
    if not (whole and complete):
        raise CorruptErasureError("it is no record of an erasure that this program wrote")
    if actual != said:
        raise CorruptErasureError("its content is not what its digest says")
    if (place, meant) != (bucket, where):
        raise CorruptErasureError(f"it was written for s3://{place}/{meant}, and put here")
    return found


def listed(uids: bytes) -> str:
    """Return uids as a body lists them."""
    return base64.b64encode(uids).decode()
