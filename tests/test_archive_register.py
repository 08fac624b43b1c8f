"""The register can be believed: signed, chained, announced; whatever is altered, forged, removed or cut off is found."""

import base64
import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from rich.console import Console
from typer.testing import CliRunner

from infra.archive import commands_register
from infra.archive.__main__ import app
from infra.archive.keeping.announced import announced, contradictions
from infra.archive.keeping.hold import by_requests, hold
from infra.archive.keeping.register import Kind, append, entries, signed_text
from infra.archive.signature import from_kms
from infra.export import chain
from infra.export.problems import CorruptManifestError, RefusedError
from infra.problems import InputError
from tests.keeping_run import Kept, archive, asked, client, collected, window

OCTOBER = ("2026-10-01", "2026-10-31")


def ignore(_: int) -> None:
    """Show no progress."""


def certified(kept: Kept, *months: str) -> list[str]:
    """Add a certificate for each month and return their keys."""
    for month in months:
        append(kept.place, entries(kept.place), Kind.CERTIFICATE, asked(), {"month": month, "objects": 7})
    return [f"register/{number:08d}.json" for number in range(1, len(months) + 1)]


def replaced(kept: Kept, key: str, change: Callable[[dict[str, Any]], None] | None) -> None:
    """Put another object in a version's place, or none, as somebody does who may do everything but sign."""
    s3, bucket = kept.s3.real, kept.place.bucket
    version = s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"][0]["VersionId"]
    stored = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    s3.put_object_legal_hold(Bucket=bucket, Key=key, VersionId=version, LegalHold={"Status": "OFF"})
    s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
    if change is not None:
        change(stored)
        s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(stored).encode())


def fewer(stored: dict[str, Any]) -> None:
    stored["body"]["subject"]["objects"] = 3


def fewer_with_its_digest(stored: dict[str, Any]) -> None:
    fewer(stored)
    stored["digest"] = chain.digest(stored["body"])


def signed_by_another_key(stored: dict[str, Any]) -> None:
    fewer_with_its_digest(stored)
    kms = client("kms")
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    text = signed_text(stored["body"]["bucket"], stored["body"]["sequence"], stored["digest"])
    signed = kms.sign(KeyId=key, Message=text, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256")
    stored["signing_key"] = key
    stored["signature"] = base64.b64encode(signed["Signature"]).decode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (fewer, "was altered: its content is not what its digest says"),
        (fewer_with_its_digest, "is not signed by this stack's key: it is forged"),
        (signed_by_another_key, "is not signed by this stack's key: it is forged"),
        (lambda stored: stored.pop("signature"), "cannot be read"),
        (lambda stored: stored.clear(), "cannot be read"),
    ],
    ids=["altered", "altered with its digest", "signed by another key", "unsigned", "empty"],
)
def test_a_certificate_that_was_altered_or_forged_is_found_on_reading_and_nothing_is_done(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    with archive(tmp_path) as kept:
        kept.put(collected("2026-10-05"))
        first, _ = certified(kept, "2026-09", "2026-10")
        replaced(kept, first, change)

        with pytest.raises(CorruptManifestError, match=said):
            hold(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore))
        assert kept.held() == set()


def test_a_certificate_that_was_removed_from_the_middle_is_found_on_reading(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        replaced(kept, certified(kept, "2026-08", "2026-09", "2026-10")[1], None)
        with pytest.raises(CorruptManifestError, match="does not follow the entry before it"):
            entries(kept.place)


def test_one_that_was_cut_off_from_the_end_or_swapped_is_told_by_the_announcements(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        *_, last = certified(kept, "2026-08", "2026-09")
        said = list(announced(kept.place))
        whole = {entry.sequence: entry.digest for entry in entries(kept.place)}
        assert list(contradictions(whole, said)) == []

        replaced(kept, last, None)
        (wrong,) = contradictions({entry.sequence: entry.digest for entry in entries(kept.place)}, said)
        assert wrong.startswith("entry 2 (certificate, by Ada Counsel) was announced and is not there")
        (wrong,) = contradictions({**whole, 2: "0" * 64}, said)
        assert wrong == "entry 2 is not the one that was announced"


@pytest.mark.parametrize(
    ("service", "method", "right"),
    [
        ("kms", "sign", "kms:Sign on alias/tinybeans/sandbox/register-signing"),
        ("s3", "put_object", "kms:GenerateDataKey on its class's key"),
    ],
)
def test_a_missing_key_permission_is_named_and_nothing_is_held(
    tmp_path: Path, service: str, method: str, right: str
) -> None:
    with archive(tmp_path) as kept:
        kept.put(collected("2026-10-05"))
        getattr(kept.place.services, service).refused[method] = "AccessDeniedException"
        if service == "s3":
            kept.s3.put_object = kept.s3.__getattr__("put_object")  # type: ignore[method-assign]
        with pytest.raises(RefusedError, match=f"{right}.*nothing was changed"):
            hold(kept.place, window(*OCTOBER), asked(), by_requests(kept.state, ignore))
        assert (kept.held(), entries(kept.place)) == (set(), [])


def test_without_the_public_half_nothing_is_believed(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        kept.place.services.kms.refused["get_public_key"] = "AccessDeniedException"
        with pytest.raises(InputError, match="KMS does not give the public half"):
            entries(kept.place)


def test_the_command_shows_who_did_what_and_why_and_ends_with_one_when_an_entry_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with archive(tmp_path) as kept:
        *_, last = certified(kept, "2026-08", "2026-09")
        monkeypatch.setattr(commands_register, "place_in", lambda *_: kept.place)
        monkeypatch.setattr(commands_register, "out", Console(width=200))
        run = ["register", "--class", "application"]

        found = CliRunner().invoke(app, run)
        assert found.exit_code == 0, found.output
        assert "2 entries, chain and signatures whole, 0 findings" in found.output
        for word in ("Ada Counsel", "order 12 of the court", "certificate", "2026-08"):
            assert word in found.output
        replaced(kept, last, None)
        found = CliRunner().invoke(app, run)
        assert found.exit_code == 1
        assert "was announced and is not there" in found.output


def test_a_certificate_that_was_handed_out_is_checked_with_the_public_half_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with archive(tmp_path) as kept:
        certified(kept, "2026-09")
        (entry,) = entries(kept.place)
        monkeypatch.setattr(commands_register, "place_in", lambda *_: kept.place)
        path, pem = tmp_path / "expiry.json", tmp_path / "key.pem"
        der = kept.place.services.kms.get_public_key(KeyId=kept.place.signing_key)["PublicKey"]
        public = serialization.load_der_public_key(der)
        pem.write_bytes(
            public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        kept.place.services.kms.refused["get_public_key"] = "AccessDeniedException"
        run = ["register", "--class", "application", "--certificate", str(path), "--public-key", str(pem)]

        path.write_text(json.dumps(entry.document))
        found = CliRunner().invoke(app, run, env={"COLUMNS": "200"})
        assert found.exit_code == 0, found.output
        assert "whole, and signed by this stack's key" in found.output
        forged = entry.document
        forged["body"] = {**forged["body"], "who": "Somebody Else"}
        forged["digest"] = chain.digest(forged["body"])
        path.write_text(json.dumps(forged))
        assert CliRunner().invoke(app, run).exit_code == 1
        assert CliRunner().invoke(app, [*run[:4], str(tmp_path / "none"), *run[5:]]).exit_code == 2


def test_a_manifests_signature_is_none_for_an_entry_and_the_other_way_round(tmp_path: Path) -> None:
    with archive(tmp_path) as kept:
        certified(kept, "2026-09")
        (entry,) = entries(kept.place)
        key = from_kms(kept.place.services.kms, kept.place.signing_key)
        assert key.signed(signed_text(kept.place.bucket, 1, entry.digest), entry.signature)
        assert not key.signed(chain.signed_text(kept.place.target.log_group, 1, entry.digest), entry.signature)
        assert datetime.datetime.fromisoformat(entry.body["when"]).tzinfo
