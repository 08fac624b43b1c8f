"""Verification tells an erasure from an alteration by signature, key and both checksums, and believes nothing less."""

import base64
import dataclasses
import datetime
import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.archive.places import DirectoryPlace, Place
from infra.archive.signature import PublicKey
from infra.archive.verify_erasures import UNFINISHED
from infra.archive.verify_findings import Verified, Wrong
from infra.archive.verify_run import Scope, prove
from infra.export import erasure
from infra.export.erasure import Erasure, Kind
from tests.export_fake import Account, account_with
from tests.export_memory import MemoryKms, MemoryS3
from tests.test_archive_verify import AUDIT, BUCKET, DAY, MemoryPlace, Objects, exports
from tests.test_export_reconciler import START, settle

ASKED = "2026-11-25T10:00:00+00:00"
COLLECTED = f"otlp/year={DAY:%Y}/month={DAY:%m}/day={DAY:%d}/hour=05/logs_a.json.gz"
TOLD = "request r-1 on 2026-11-25"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Archive:
    """An archive in which records are erased, by who has the key."""

    def __init__(self, account: Account, signing_key: str) -> None:
        self.objects: Objects = {**account.s3.buckets[BUCKET], COLLECTED: b"as the collector wrote it"}
        self.now, self._kms, self._key = account.now, account.kms, signing_key

    @property
    def public(self) -> PublicKey:
        return PublicKey(self._kms.keys[self._key].public_key())

    def record(self, key: str, was: bytes, now: bytes, kind: Kind = Kind.BEGUN, **changed: Any) -> Erasure:
        """Return a signed record."""
        body = {
            "version": 1, "kind": kind.value, "bucket": BUCKET, "key": key, "was_sha256": sha(was), "sha256": sha(now),
            "was_version": "v1", "removed": 1, "uids": "", "request": "r-1", "basis": "GDPR 17", "asked_at": ASKED,
            **changed,
        }  # fmt: skip
        found = erasure.unsigned(body)
        signed = self._kms.sign(
            KeyId=self._key, Message=found.text, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256"
        )
        return dataclasses.replace(found, signature=signed["Signature"], signing_key=self._key)

    def keep(self, record: Erasure) -> str:
        where = erasure.address(record.body)
        self.objects[where] = erasure.dumps(record)
        return where

    def erase(self, key: str, *, done: bool = True, request: str = "r-1") -> tuple[bytes, bytes]:
        """Erase the first record of an object as the command does; return its bytes before and after."""
        was = self.objects[key]
        now = b"without" if key == COLLECTED else shorter(was)
        begun = self.record(key, was, now, request=request)
        self.keep(begun)
        self.objects[key] = now
        if done:
            self.keep(self.record(key, was, now, Kind.DONE, begun=begun.digest, request=request))
        return was, now

    def verified(self, place: Place | None = None) -> Verified:
        found = Verified()
        scope = Scope((AUDIT,), DAY, self.now.date() - datetime.timedelta(days=2), self.now)
        prove(scope, lambda _: place or MemoryPlace(self.objects), self.public, None, found, lambda _: None)
        return found

    def wrong(self) -> list[tuple[Wrong, str]]:
        """Return kind and last part of the place of each finding."""
        return [(finding.wrong, finding.where.removeprefix(f"s3://{BUCKET}/")) for finding in self.verified().findings]


def shorter(data: bytes) -> bytes:
    return gzip.compress(b"".join(gzip.decompress(data).splitlines(keepends=True)[1:]), mtime=0)


@pytest.fixture(scope="module", name="account")
def _account() -> tuple[Account, str]:
    account, assignment = account_with([AUDIT], START, START - datetime.timedelta(days=2), MemoryS3(), MemoryKms())
    for number in range(7):
        account.put(AUDIT.log_group, START - datetime.timedelta(hours=40 + number), f"uid-{number}")
    account.advance(datetime.timedelta(days=2))
    settle(account, assignment)
    return account, assignment.signing_key


@pytest.fixture(name="archive")
def _archive(account: tuple[Account, str]) -> Archive:
    return Archive(*account)


def test_a_signed_erasure_is_no_alteration_and_is_told_with_request_and_date(archive: Archive) -> None:
    archive.erase(exports(archive.objects)[0])
    archive.erase(COLLECTED)
    found = archive.verified()
    assert found.findings == []
    assert found.erased == {TOLD: 2}
    assert found.erased_records == {TOLD: 2}


def test_it_is_the_same_without_aws_from_a_copy_of_the_bucket(archive: Archive, tmp_path: Path) -> None:
    archive.erase(exports(archive.objects)[0])
    for key, data in archive.objects.items():
        path = tmp_path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    found = archive.verified(DirectoryPlace(tmp_path, BUCKET))
    assert (found.findings, found.erased) == ([], {TOLD: 1})


def test_one_erasure_after_another_is_followed_from_the_manifest_to_what_is_there(archive: Archive) -> None:
    key = exports(archive.objects)[0]
    archive.erase(key)
    archive.erase(key, request="r-2")
    found = archive.verified()
    assert found.findings == []
    assert found.erased == {TOLD: 1, TOLD.replace("r-1", "r-2"): 1}


@pytest.mark.parametrize("key", ["exported", COLLECTED])
def test_a_crash_before_the_object_is_written_and_one_after_it_are_explained(archive: Archive, key: str) -> None:
    key = exports(archive.objects)[0] if key == "exported" else key
    was, _ = archive.erase(key, done=False)
    assert (archive.verified().findings, archive.verified().erased) == ([], {TOLD: 1})
    archive.objects[key] = was
    found = archive.verified()
    assert (found.findings, found.erased) == ([], {})
    assert found.looked_at[UNFINISHED] == 1


@pytest.mark.parametrize("key", ["exported", COLLECTED])
def test_what_was_erased_and_is_back_is_found(archive: Archive, key: str) -> None:
    key = exports(archive.objects)[0] if key == "exported" else key
    was, now = archive.erase(key)
    archive.erase(key, request="r-2")
    for earlier in (was, now):
        archive.objects[key] = earlier
        assert archive.wrong() == [(Wrong.ERASURE, key)]
        assert archive.verified().erased == {}, "what is back is not said to be erased"


@pytest.mark.parametrize("key", ["exported", COLLECTED])
def test_an_alteration_after_an_erasure_and_a_removal_are_found(archive: Archive, key: str) -> None:
    key = exports(archive.objects)[0] if key == "exported" else key
    archive.erase(key)
    archive.objects[key] = shorter(archive.objects[key]) if key != COLLECTED else b"mine"
    assert archive.wrong() == [(Wrong.OBJECT, key)]
    del archive.objects[key]
    assert archive.wrong() == [(Wrong.OBJECT, key)]


def unsigned(archive: Archive, key: str, was: bytes, now: bytes) -> None:
    archive.keep(erasure.unsigned(archive.record(key, was, now).body))


def signed_by_another_key(archive: Archive, key: str, was: bytes, now: bytes) -> None:
    own = MemoryKms()
    arn = own.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    found = archive.record(key, was, now)
    signed = own.sign(KeyId=arn, Message=found.text, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256")
    archive.keep(dataclasses.replace(found, signature=signed["Signature"]))


def taken_from_another_object(archive: Archive, key: str, was: bytes, now: bytes) -> None:
    """A record that is signed, of another object, under the name that this object's would have."""
    other = archive.record("export/another.gz", was, now)
    archive.objects[erasure.address({**other.body, "key": key})] = erasure.dumps(other)


def taken_from_another_bucket(archive: Archive, key: str, was: bytes, now: bytes) -> None:
    archive.keep(archive.record(key, was, now, bucket="another-archive"))


def with_another_body(archive: Archive, key: str, was: bytes, now: bytes) -> None:
    """A record that is signed, its body changed and its digest made anew."""
    found = archive.record(key, was, b"something else")
    body = {**found.body, "sha256": sha(now)}
    archive.keep(dataclasses.replace(erasure.unsigned(body), signature=found.signature, signing_key=found.signing_key))


def with_a_digest_that_is_not_its_own(archive: Archive, key: str, was: bytes, now: bytes) -> None:
    where = archive.keep(archive.record(key, was, now))
    stored = json.loads(archive.objects[where])
    stored["body"]["request"] = "somebody else's"
    archive.objects[where] = json.dumps(stored).encode()


def with_the_signature_of_a_manifest(archive: Archive, key: str, was: bytes, now: bytes) -> None:
    link = json.loads(archive.objects[next(name for name in archive.objects if "/chain/" in name)])
    found = erasure.unsigned(archive.record(key, was, now).body)
    archive.keep(dataclasses.replace(found, signature=base64.b64decode(link["signature"])))


def that_is_no_record(archive: Archive, key: str, was: bytes, now: bytes) -> None:
    archive.objects[erasure.address(archive.record(key, was, now).body)] = b'{"body": []}'


def that_only_says_done(archive: Archive, key: str, was: bytes, now: bytes) -> None:
    archive.keep(archive.record(key, was, now, Kind.DONE, begun="0" * 64))


FORGERIES: list[Callable[[Archive, str, bytes, bytes], None]] = [
    unsigned, signed_by_another_key, taken_from_another_object, taken_from_another_bucket, with_another_body,
    with_a_digest_that_is_not_its_own, with_the_signature_of_a_manifest, that_is_no_record, that_only_says_done,
]  # fmt: skip


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda it: it.__name__)
def test_a_record_that_cannot_be_believed_explains_nothing_and_is_found(
    archive: Archive, forgery: Callable[[Archive, str, bytes, bytes], None]
) -> None:
    key = exports(archive.objects)[0]
    was = archive.objects[key]
    forgery(archive, key, was, shorter(was))
    assert {wrong for wrong, _ in archive.wrong()} == {Wrong.ERASURE}
    archive.objects[key] = shorter(was)
    assert {wrong for wrong, _ in archive.wrong()} == {Wrong.ERASURE, Wrong.OBJECT}


def test_a_signed_erasure_of_other_bytes_does_not_explain_these(archive: Archive) -> None:
    key = exports(archive.objects)[0]
    was = archive.objects[key]
    archive.keep(archive.record(key, b"not what the manifest has", shorter(was)))
    archive.objects[key] = shorter(was)
    assert archive.wrong() == [(Wrong.OBJECT, key)]


def test_counts_that_do_not_fit_what_was_signed_are_found(archive: Archive) -> None:
    key = exports(archive.objects)[0]
    was = archive.objects[key]
    archive.keep(archive.record(key, was, shorter(was), removed=2))
    archive.objects[key] = shorter(was)
    assert archive.wrong() == [(Wrong.OBJECT, key)]
