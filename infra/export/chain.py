"""The chain of manifests of one log group: append-only, each link signed and naming the digest of the one before it.

Keys count downwards from LAST, so that the newest link is the first one that S3 lists; a key is written with
If-None-Match, so that of two runs that add the same link one is told that it was late.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.export.problems import CorruptManifestError
from infra.export.state import State, state_from
from infra.export.targets import MANIFESTS, Target

LAST = 99_999_999
"""Highest number of a link: at a link an hour, eleven thousand years."""
ALGORITHM = "ECDSA_SHA_256"


@dataclass(frozen=True, slots=True)
class Link:
    """One signed manifest."""

    body: Mapping[str, Any]
    digest: str
    """SHA-256 of the body's canonical JSON, in hex."""
    signature: bytes
    """DER, over `signed_text`."""
    signing_key: str

    @property
    def sequence(self) -> int:
        """Return the link's number; the first is 1."""
        return int(self.body["sequence"])

    @property
    def state(self) -> State:
        """Return what is known of each day once this link is part of the chain."""
        return state_from(self.body["state"])

    @property
    def text(self) -> bytes:
        """Return what the signature is over."""
        return signed_text(str(self.body["group"]), self.sequence, self.digest)


def folder(target: Target) -> str:
    """Return the prefix of a group's links."""
    return f"{MANIFESTS}chain/{target.slug}/"


def key(target: Target, sequence: int) -> str:
    """Return the key of the link with this number."""
    return f"{folder(target)}{LAST - sequence:08d}.json"


def canonical(body: Mapping[str, Any]) -> bytes:
    """Return the one JSON text that a body has: its digest is over these bytes."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def digest(body: Mapping[str, Any]) -> str:
    """Return the body's digest."""
    return hashlib.sha256(canonical(body)).hexdigest()


def signed_text(group: str, sequence: int, digest_: str) -> bytes:
    """Return the short text that is signed in a body's place: KMS signs up to 4096 bytes as they are."""
    return f"tinybeans-logging manifest 1\n{group}\n{sequence}\n{digest_}\n".encode()


def dumps(link: Link) -> bytes:
    """Return a link as it is stored."""
    stored = {
        "body": link.body,
        "digest": link.digest,
        "signature": base64.b64encode(link.signature).decode(),
        "signing_key": link.signing_key,
        "algorithm": ALGORITHM,
    }
    return json.dumps(stored, sort_keys=True, indent=1).encode()


def loads(stored: bytes, where: str, target: Target) -> Link:
    """Return the link in `stored`; `where` is its address, for messages.

    Raises CorruptManifestError when it is no link, is not `target`'s, or is not what its digest says. The signature is
    not looked at: that takes the public key (infra/archive/verify_chain.py).
    """
    try:
        values = json.loads(stored)
        body, said = values["body"], str(values["digest"])
        link = Link(body, said, base64.b64decode(values["signature"], validate=True), str(values["signing_key"]))
        found, group, _, _ = digest(body), body["group"], link.sequence, link.state
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise CorruptManifestError(_corrupt(where, f"it cannot be read ({type(error).__name__})")) from error
    if found != said:
        raise CorruptManifestError(_corrupt(where, "its content is not what its digest says"))
    if group != target.log_group:
        raise CorruptManifestError(_corrupt(where, "it belongs to another log group"))
    return link


def _corrupt(where: str, why: str) -> str:
    return (
        f"the manifest {where} is corrupt: {why}. Nothing is exported for its group until the version of it that was "
        "written first is back (make archive-verify says which it is; docs/adr/0021-nightly-export.md, Repair)"
    )
