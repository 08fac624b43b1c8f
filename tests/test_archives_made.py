"""Made-up archives are what they stand for: the collector's objects, the export beside them, and a chain that holds."""

from __future__ import annotations

import datetime
import gzip
import io
import json
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from botocore.response import StreamingBody
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from infra.archive.objects import ArchiveObject, Form
from infra.archive.records import ArchivedRecord, records
from infra.archive.signature import PublicKey
from infra.archive.verify_findings import Verified, Wrong
from infra.archive.verify_run import Scope, prove
from infra.documents.export_assignment import assignment
from infra.export.targets import Target
from sandbox.archive_exports import Exported, Signer, Stored, exported
from sandbox.archive_records import BLOCK, event_of, request_of, uid_of, user_of
from sandbox.archives import Archive
from sandbox.stitched import Stitched
from tests.factories import context

START = datetime.datetime(2026, 11, 10, tzinfo=datetime.UTC)
AN_OBJECT = BLOCK // 10
RECORDS = BLOCK + AN_OBJECT + 3
"""Objects of two blocks, and one that is not full."""
ARCHIVE = Archive(cls="audit", start=START, records=RECORDS, hours=48, an_object=AN_OBJECT)
SOME = (0, 9, 10, 11)


def read(content: bytes, form: Form) -> list[ArchivedRecord]:
    class Client:
        def get_object(self, **_: str) -> dict[str, Any]:
            return {"Body": StreamingBody(io.BytesIO(content), len(content))}

    client: Any = Client()
    return list(records(client, ArchiveObject("b", "k", form, len(content), START, "STANDARD")))


@pytest.fixture(scope="module")
def export() -> Exported:
    told = assignment(context("prod"))
    return exported(ARCHIVE, told, target(), SIGNER)


SIGNER = Signer()


def target() -> Target:
    return next(it for it in assignment(context("prod")).targets if it.cls == "audit")


@pytest.mark.parametrize("at", SOME)
def test_a_records_number_says_what_is_in_it(at: int) -> None:
    found = read(ARCHIVE.object(at).content, Form.COLLECTED)
    numbers = range(at * AN_OBJECT, min((at + 1) * AN_OBJECT, RECORDS))
    assert [it.uid for it in found] == [uid_of(number) for number in numbers]
    for it, number in list(zip(found, numbers, strict=True))[::97]:
        assert it.attributes["request_id"] == request_of(number)
        assert it.attributes["user_id"] == user_of(number)
        assert it.attributes["event"] == it.event_name == event_of(number)
    assert len(ARCHIVE.object(at).content) == ARCHIVE.size(at)


def test_uids_are_in_the_order_of_time_and_spread_evenly_over_what_they_are_sorted_by() -> None:
    uids = [uid_of(number) for number in range(RECORDS)]
    assert sorted(uids) == uids
    assert len(set(uids)) == RECORDS
    last_bytes = [int(uid[-2:], 16) for uid in uids]
    assert max(last_bytes.count(number) for number in range(256)) < 2 * RECORDS / 256


def test_the_export_holds_the_same_records_in_cloudwatchs_form(export: Exported) -> None:
    texts = [stored.read() for key, stored in sorted(export.objects.items()) if key.endswith(".gz")]
    assert len(texts) == ARCHIVE.count
    for at in SOME:
        mine, theirs = read(ARCHIVE.object(at).content, Form.COLLECTED), read(texts[at], Form.EXPORTED)
        assert [replace(it, source=Form.COLLECTED) for it in theirs] == mine


def found_wrong(export: Exported, change: Callable[[dict[str, Stored]], None]) -> set[Wrong]:
    objects = dict(export.objects)
    change(objects)

    class Place:
        bucket = "b"

        def keys(self, prefix: str) -> Any:
            yield from sorted(key for key in objects if key.startswith(prefix))

        def stream(self, key: str) -> Any:
            yield objects[key].read()

    found = Verified()
    public = load_der_public_key(SIGNER.public_der)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    last = START.date() + datetime.timedelta(days=1)
    now = START + datetime.timedelta(days=3)
    said = [json.loads(text)["attributes"] for text in export.announcements]
    prove(
        Scope((target(),), START.date(), last, now), lambda _: Place(), PublicKey(public), said, found, lambda _: None
    )
    assert found.looked_at["exported records"] == RECORDS
    return {finding.wrong for finding in found.findings}


def test_nothing_is_wrong_with_the_chain(export: Exported) -> None:
    assert found_wrong(export, lambda _: None) == set()


def test_a_digit_that_is_altered_in_an_export_is_found(export: Exported) -> None:
    def alter(objects: dict[str, Stored]) -> None:
        key = next(key for key in sorted(objects) if key.endswith(".gz"))
        content = gzip.compress(gzip.decompress(objects[key].read()).replace(b"number 7 ", b"number 8 "))
        objects[key] = Stored(len(content), partial(bytes, content))

    assert found_wrong(export, alter) == {Wrong.OBJECT}


PLACE, OTHER = b"\x80\x81\x82\x83", b"\x90\x91"


def test_what_is_filled_in_later_is_the_gzip_of_the_whole_text() -> None:
    text = b"".join(b"%s = %d, then %s = again\n" % (PLACE, number, OTHER) for number in range(5_000))
    stitched = Stitched(text, (OTHER, PLACE))
    for values in ({PLACE: b"abcd", OTHER: b"12"}, {PLACE: b"\n\n\n\n", OTHER: b"=="}):
        found = stitched.filled(values)
        assert gzip.decompress(found) == text.replace(PLACE, values[PLACE]).replace(OTHER, values[OTHER])
        assert len(found) == stitched.size < len(text) / 5


def test_a_place_that_would_be_packed_a_second_time_is_refused() -> None:
    far = zlib.compress(bytes(range(256)) * 2)[:200]
    text = PLACE + b"".join(bytes([number % 128]) * (number % 7 + 1) for number in range(20_000)) + far + PLACE
    with pytest.raises(ValueError, match="cannot be filled in later"):
        Stitched(text, (PLACE,))
