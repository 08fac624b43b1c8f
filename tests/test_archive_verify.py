"""Whatever is removed, altered, forged or cut off is found by verification, with the public key alone; and only that."""

import base64
import datetime
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from infra.archive.errors import ArchiveError
from infra.archive.signature import PublicKey
from infra.archive.verify_findings import Verified, Wrong
from infra.archive.verify_run import Scope, compare_records, prove
from infra.export import chain
from infra.export.ledger import World
from infra.export.step import take_step
from infra.export.targets import Target
from tests.export_fake import Account, FakeLogs, account_with
from tests.export_memory import MemoryKms, MemoryS3
from tests.test_export_reconciler import START, settle

AUDIT = Target("audit", "/test/audit", "audit-archive", 90, 400, 800)
BUCKET = "audit-archive"
DAY = START.date() - datetime.timedelta(days=2)


class MemoryPlace:
    """A bucket in memory as a place to verify."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self.bucket, self._objects = BUCKET, objects

    def keys(self, prefix: str) -> Iterator[str]:
        yield from sorted(key for key in self._objects if key.startswith(prefix))

    def stream(self, key: str) -> Iterator[bytes]:
        if key not in self._objects:
            raise ArchiveError(self.bucket, key, "cannot be read (NoSuchKey)")
        yield self._objects[key]


@pytest.fixture(scope="module")
def exported() -> tuple[Account, Any]:
    """Return an account whose audit group has four exported days, seven records in the first."""
    account, assignment = account_with([AUDIT], START, START - datetime.timedelta(days=2), MemoryS3(), MemoryKms())
    for number in range(7):
        account.put(AUDIT.log_group, START - datetime.timedelta(hours=40 + number), f"uid-{number}")
    account.advance(datetime.timedelta(days=2))
    settle(account, assignment)
    return account, assignment


Objects = dict[str, bytes]


def findings(exported: tuple[Account, Any], change: Callable[[Objects], None]) -> set[Wrong]:
    account, assignment = exported
    copy = dict(account.s3.buckets[BUCKET])
    change(copy)
    verified = Verified()
    key = PublicKey(account.kms.keys[assignment.signing_key].public_key())
    scope = Scope((AUDIT,), DAY, account.now.date() - datetime.timedelta(days=2), account.now)
    announced = [it["attributes"] for it in account.announced]
    prove(scope, lambda _: MemoryPlace(copy), key, announced, verified, lambda _: None)
    assert verified.looked_at["links"] == sum("/chain/" in name for name in copy)
    return {finding.wrong for finding in verified.findings}


def links(objects: Objects) -> list[str]:
    """Return the keys of the chain, the first link's first."""
    return sorted((name for name in objects if "/chain/" in name), reverse=True)


def exports(objects: Objects) -> list[str]:
    return sorted(name for name in objects if name.endswith(".gz") and name.startswith("export/"))


def altered(objects: Objects, name: str, **changes: Any) -> None:
    """Change a link's body as somebody does who knows how digests are made, and has no key."""
    stored = json.loads(objects[name])
    stored["body"].update(changes)
    stored["digest"] = chain.digest(stored["body"])
    objects[name] = json.dumps(stored).encode()


def test_nothing_is_found_where_nothing_was_touched(exported: tuple[Account, Any]) -> None:
    assert findings(exported, lambda _: None) == set()
    objects = exported[0].s3.buckets[BUCKET]
    assert len(links(objects)) >= 3
    assert len(exports(objects)) == 3


def test_what_lifecycle_has_removed_by_policy_is_not_missed(exported: tuple[Account, Any]) -> None:
    account, assignment = exported
    copy = {name: data for name, data in account.s3.buckets[BUCKET].items() if not name.endswith(".gz")}
    short, verified = replace(AUDIT, keep_days=1), Verified()
    scope = Scope((short,), DAY, DAY, account.now + datetime.timedelta(days=1))
    key = PublicKey(account.kms.keys[assignment.signing_key].public_key())
    found = prove(scope, lambda _: MemoryPlace(copy), key, None, verified, lambda _: None)
    compare_records(scope, account.s3, found, verified, lambda _: None)
    assert [finding for finding in verified.findings if finding.wrong in (Wrong.OBJECT, Wrong.RECORD)] == []
    assert verified.looked_at["manifests of what lifecycle has removed"] >= 1
    assert verified.looked_at["objects"] == 0


def after(exported: tuple[Account, Any], passed: datetime.timedelta, change: Callable[[Objects], None]) -> Verified:
    """Return what is found when so much time has passed, of an archive that keeps manifests for ten days."""
    account, assignment = exported
    copy = {name: data for name, data in account.s3.buckets[BUCKET].items() if not name.endswith(".gz")}
    change(copy)
    short, verified, now = replace(AUDIT, keep_days=5, proofs_keep_days=10), Verified(), account.now + passed
    scope = Scope((short,), DAY, DAY, now)
    key = PublicKey(account.kms.keys[assignment.signing_key].public_key())
    prove(
        scope,
        lambda _: MemoryPlace(copy),
        key,
        [it["attributes"] for it in account.announced],
        verified,
        lambda _: None,
    )
    return verified


def remove_the_middle(objects: Objects) -> None:
    del objects[links(objects)[1]]


def without_the_first(objects: Objects) -> None:
    del objects[links(objects)[0]]


def test_a_chain_whose_beginning_expired_by_policy_is_whole(exported: tuple[Account, Any]) -> None:
    verified = after(exported, datetime.timedelta(days=10), without_the_first)
    assert verified.findings == []
    assert verified.looked_at["manifests that lifecycle has removed"] == 1


@pytest.mark.parametrize(
    ("passed", "change"),
    [
        (datetime.timedelta(days=7), without_the_first),  # before policy removes it
        (datetime.timedelta(days=10), remove_the_middle),
    ],
    ids=["the first, too early", "the middle"],
)
def test_a_chain_that_was_cut_otherwise_is_not(
    exported: tuple[Account, Any], passed: datetime.timedelta, change: Callable[[Objects], None]
) -> None:
    assert {finding.wrong for finding in after(exported, passed, change).findings} == {Wrong.CHAIN}


def remove_the_first(objects: Objects) -> None:
    del objects[links(objects)[0]]


def cut_off_the_newest(objects: Objects) -> None:
    del objects[links(objects)[-1]]


def edit_a_digit(objects: Objects) -> None:
    name = links(objects)[0]
    objects[name] = objects[name].replace(b'"records": 7', b'"records": 6')


def rewrite_with_a_new_digest(objects: Objects) -> None:
    altered(objects, links(objects)[-1], records=99)


def sign_with_another_key(objects: Objects) -> None:
    name = links(objects)[-1]
    altered(objects, name, reason="mine")
    stored = json.loads(objects[name])
    link = chain.loads(objects[name], name, AUDIT)
    own = MemoryKms()
    arn = own.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    signed = own.sign(KeyId=arn, Message=link.text, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256")
    objects[name] = json.dumps({**stored, "signature": base64.b64encode(signed["Signature"]).decode()}).encode()


def swap_two_links(objects: Objects) -> None:
    first, second = links(objects)[:2]
    objects[first], objects[second] = objects[second], objects[first]


def make_a_link_unreadable(objects: Objects) -> None:
    objects[links(objects)[1]] = b"{"


def remove_an_object(objects: Objects) -> None:
    del objects[exports(objects)[0]]


def cut_an_object_short(objects: Objects) -> None:
    name = exports(objects)[0]
    objects[name] = objects[name][:-9]


def drop_a_record(objects: Objects) -> None:
    name = exports(objects)[0]
    lines = gzip.decompress(objects[name]).splitlines(keepends=True)
    objects[name] = gzip.compress(b"".join(lines[1:]))


def alter_a_record(objects: Objects) -> None:
    name = exports(objects)[0]
    objects[name] = gzip.compress(gzip.decompress(objects[name]).replace(b"uid-", b"did-"))


def add_an_object(objects: Objects) -> None:
    name = exports(objects)[0]
    objects[name.replace("000000", "999999")] = objects[name]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (remove_the_middle, Wrong.CHAIN),
        (remove_the_first, Wrong.CHAIN),
        (cut_off_the_newest, Wrong.TRUNCATED_CHAIN),
        (edit_a_digit, Wrong.CHAIN),
        (rewrite_with_a_new_digest, Wrong.SIGNATURE),
        (sign_with_another_key, Wrong.SIGNATURE),
        (swap_two_links, Wrong.CHAIN),
        (make_a_link_unreadable, Wrong.CHAIN),
        (remove_an_object, Wrong.OBJECT),
        (cut_an_object_short, Wrong.OBJECT),
        (drop_a_record, Wrong.OBJECT),
        (alter_a_record, Wrong.OBJECT),
        (add_an_object, Wrong.OBJECT),
    ],
)
def test_it_is_found(change: Callable[[Objects], None], expected: Wrong, exported: tuple[Account, Any]) -> None:
    assert expected in findings(exported, change)


def test_a_removed_export_of_a_day_is_a_day_without_export(exported: tuple[Account, Any]) -> None:
    account, assignment = exported
    scope = Scope(
        (AUDIT,), DAY, account.now.date() + datetime.timedelta(days=1), account.now + datetime.timedelta(days=3)
    )
    verified = Verified()
    key = PublicKey(account.kms.keys[assignment.signing_key].public_key())
    prove(scope, lambda _: MemoryPlace(account.s3.buckets[BUCKET]), key, None, verified, lambda _: None)
    assert {it.wrong for it in verified.findings} == {Wrong.DAY}


def test_another_stacks_key_believes_nothing(exported: tuple[Account, Any]) -> None:
    account, _ = exported
    verified = Verified()
    other = PublicKey(ec.generate_private_key(ec.SECP256R1()).public_key())
    place = MemoryPlace(account.s3.buckets[BUCKET])
    prove(Scope((AUDIT,), DAY, DAY, account.now), lambda _: place, other, None, verified, lambda _: None)
    assert len(verified.findings) == len(links(account.s3.buckets[BUCKET]))


def test_the_reconciler_builds_nothing_on_a_forged_or_corrupt_link(exported: tuple[Account, Any]) -> None:
    account, assignment = exported
    for change, says in (
        (rewrite_with_a_new_digest, "not signed"),
        (lambda it: it.update({links(it)[-1]: b"{"}), "corrupt"),
    ):
        copy = MemoryS3()
        copy.buckets[BUCKET] = dict(account.s3.buckets[BUCKET])
        change(copy.buckets[BUCKET])
        before = dict(copy.buckets[BUCKET])
        broken = Account(
            account.now + datetime.timedelta(days=1),
            account.groups,
            account.retention,
            account.events,
            s3=copy,
            kms=account.kms,
        )
        problems: list[str] = []
        for _ in range(8):
            report = one_step(broken, assignment)
            problems += [line for lines in report.problems.values() for line in lines]
            broken.advance(datetime.timedelta(minutes=45))
        assert any(says in line for line in problems), problems
        assert links(copy.buckets[BUCKET]) == links(before)


def one_step(account: Account, assignment: Any) -> Any:

    return take_step(World(assignment, FakeLogs(account), account.s3, account.kms), account.now)
