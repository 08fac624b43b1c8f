"""What the nightly export made of a made-up archive: text objects by day, and the signed chain of manifests."""

from __future__ import annotations

import base64
import datetime
import functools
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from infra.export import audit, chain, days, manifest
from infra.export.chain import Link
from infra.export.days import Day
from infra.export.measure import Measured
from infra.export.state import State
from infra.export.targets import Assignment, Target
from infra.export.tasks import Task, name
from sandbox.archive_records import BLOCK, HIGH, ISO_SECOND, SECOND, exported_lines
from sandbox.archives import Archive
from sandbox.stitched import Stitched

STREAM = "collector"
TASK = "00000000-0000-4000-8000-000000000000"
"""Id of every made-up task."""


class Signer:
    """A signing key of a made-up stack."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_der(self) -> bytes:
        """Return the public half as KMS gives it (SubjectPublicKeyInfo)."""
        return self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def signed(self, text: bytes) -> bytes:
        """Return the signature of `text`, as KMS signs."""
        return self._key.sign(text, ec.ECDSA(SHA256()))


@dataclass(frozen=True)
class Stored:
    """An object of a bucket: its size in bytes, and what makes its bytes."""

    size: int
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Exported:
    """What lies beside an archive, and what was said of it."""

    objects: dict[str, Stored]
    announcements: list[str]
    """The audit record of each link, as one JSON line."""


def collected(archive: Archive) -> dict[str, Stored]:
    """Return the objects of the collector, by key."""
    return {key: Stored(archive.size(at), partial(_content, archive, at)) for at, key in enumerate(archive.keys())}


def exported(
    archive: Archive,
    assignment: Assignment,
    target: Target,
    signer: Signer,
    tell: Callable[[int], None] = lambda _: None,
) -> Exported:
    """Return the exports of `archive`'s days, an object for each of the collector's, and the chain over them.

    Every object is made once, for its checksum; `tell` is given the records of each.
    """
    objects: dict[str, Stored] = {}
    said: list[str] = []
    state, head = State(), None
    for day, numbers in _by_day(archive):
        begun = days.closed(day) + datetime.timedelta(hours=1)
        task = Task(TASK, name(target, day, 1), "COMPLETED", begun, begun)
        measured = []
        for at in numbers:
            stored, found = _measured(archive, at, f"export/{task.name}/{task.id}/{STREAM}/{at - numbers[0]:06d}.gz")
            objects[found.key] = stored
            measured.append(found)
            tell(found.records)
        records = sum(found.records for found in measured)
        finding = manifest.exported(target, day, 1, task, tuple(measured), records)
        body = manifest.body(assignment, target, head, state, finding, begun + datetime.timedelta(hours=1))
        digest = chain.digest(body)
        signed = signer.signed(chain.signed_text(target.log_group, int(body["sequence"]), digest))
        head, state = Link(body, digest, signed, assignment.signing_key), state.after(day, finding.entry)
        stored_link = chain.dumps(head)
        objects[chain.key(target, head.sequence)] = Stored(len(stored_link), partial(bytes, stored_link))
        said.append(audit.record(assignment, body, digest, begun))
    return Exported(objects, said)


def public_key_answer(signer: Signer) -> dict[str, str]:
    """Return KMS's answer to GetPublicKey, as far as it is read."""
    return {"PublicKey": base64.b64encode(signer.public_der).decode()}


def _measured(archive: Archive, at: int, key: str) -> tuple[Stored, Measured]:
    content = _lines(archive, at)
    moment = f"{_iso_second(archive, at)}.000Z"
    checksum = hashlib.sha256(content).hexdigest()
    return (
        Stored(len(content), partial(_lines, archive, at)),
        Measured(key, len(content), checksum, archive.records_in(at), moment, moment),
    )


def _content(archive: Archive, at: int) -> bytes:
    return archive.object(at).content


def _lines(archive: Archive, at: int) -> bytes:
    """Return the export of the records that the collector's object number `at` holds."""
    high, low = divmod(at * archive.an_object, BLOCK)
    template = _template(archive.cls, low, archive.records_in(at), archive.an_object)
    values = {
        HIGH: b"%08d" % high,
        SECOND: b"%010d" % archive.second(at),
        ISO_SECOND: _iso_second(archive, at).encode(),
    }
    return template.filled(values)


def _iso_second(archive: Archive, at: int) -> str:
    return datetime.datetime.fromtimestamp(archive.second(at), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _by_day(archive: Archive) -> Iterator[tuple[Day, list[int]]]:
    """Yield each day (UTC) with the numbers of its objects."""
    numbers: dict[Day, list[int]] = {}
    for at in range(archive.count):
        numbers.setdefault(datetime.datetime.fromtimestamp(archive.second(at), datetime.UTC).date(), []).append(at)
    yield from numbers.items()


@functools.lru_cache(maxsize=4)
def _template(cls: str, low: int, count: int, an_object: int) -> Stitched:
    body = b"".join(exported_lines(cls, range(low, low + count), an_object))
    return Stitched(body, (HIGH, SECOND, ISO_SECOND))
