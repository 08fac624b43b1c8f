"""The commands on archives as somebody runs them: what is whole; and what goes wrong, said with where and what next.

moto runs in this process; what it would allow is refused in front of it. Nothing half-done is left behind.
"""

from __future__ import annotations

import datetime
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.loaders import create_loader
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from moto import mock_aws
from moto.logs.models import LogsBackend, logs_backends
from typer.testing import Result

from infra.documents.export_assignment import assignment
from sandbox.doubles.moto_process import export_as_cloudwatch_does
from tests.archive_place import ACCOUNT, NOW, REGION, TODAY, Place, furnish
from tests.factories import context

TOMORROW, YESTERDAY = (str((NOW + datetime.timedelta(days=by)).date()) for by in (1, -1))
COMMANDS = ("export", "verify", "search", "replay")


@pytest.fixture(scope="module")
def furnished() -> Iterator[Place]:
    """Yield an account in which today is exported and verified without a finding."""
    found = Place(context("sandbox"))
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def perhaps(self: BaseClient, operation: str, asked: dict[str, Any]) -> Any:
        if operation in found.refused and asked.get("Bucket", found.bucket) == found.bucket:
            raise found.refused[operation]
        return call(self, operation, asked)

    models = create_loader()
    with pytest.MonkeyPatch.context() as patched, mock_aws():
        # Each command makes clients of its own, and would read the same megabytes of AWS's models again.
        patched.setattr("botocore.loaders.create_loader", lambda *_: models)
        patched.setattr(LogsBackend, "create_export_task", export_as_cloudwatch_does)
        patched.setattr("infra.archive.commands_export.PATIENCE_SECONDS", 0.01)
        patched.delenv("AWS_ENDPOINT_URL", raising=False)
        furnish(found)
        assert found.run("export").exit_code == 0
        patched.setattr(BaseClient, "_make_api_call", perhaps)
        yield found


@pytest.fixture
def place(furnished: Place, tmp_path: Path) -> Iterator[Place]:
    """Yield the account as it was furnished, whatever the tests before did to its archive."""
    tags = furnished.keys()
    kept = {key: furnished.content(key) for key in tags}
    announced = logs_backends[ACCOUNT][REGION].groups[furnished.context.log_group("audit")].streams["export"].events
    before = list(announced)
    furnished.directory = tmp_path / "replay"
    yield furnished
    furnished.refused = {}
    furnished.s3.create_bucket(Bucket=furnished.bucket)  # us-east-1: an owner's own is no error
    announced[:] = before
    left = furnished.keys()
    for key in left.keys() - kept.keys():
        furnished.forget(key)
    for key, content in kept.items():
        if left.get(key) != tags[key]:
            furnished.put(key, content)


@pytest.fixture
def unexported(place: Place) -> Place:
    """Return the account in which nothing was exported yet."""
    place.forget("export/")
    place.forget("manifests/")
    logs_backends[ACCOUNT][REGION].export_tasks.clear()
    logs_backends[ACCOUNT][REGION].groups[place.context.log_group("audit")].streams["export"].events.clear()
    return place


def denied(what: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": f"not authorized to perform: {what}"}}, "made up")


def said(result: Result) -> str:
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"start": TOMORROW, "end": TOMORROW}, ["FROM: lies in the future", "Allowed: at most"]),
        ({"start": TODAY, "end": YESTERDAY}, ["FROM: is not before TO"]),
        ({"start": "yesterday"}, ["FROM: not a day", "such as 2026-11-24"]),
        ({"cls": "audits"}, ["CLASS", "audit, security"]),
    ],
    ids=["future", "backwards", "no day", "class"],
)
def test_bad_input_is_refused_with_status_2_before_anything_is_asked_of_aws(
    command: str, asked: dict[str, str], says: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def none(*_: object) -> None:
        raise AssertionError("AWS was asked")

    monkeypatch.setattr(BaseClient, "_make_api_call", none)
    result = Place(context("sandbox"), tmp_path / "replay").run(command, **asked)
    shown = said(result)
    assert result.exit_code == 2, shown
    assert [part for part in says if part not in shown] == []
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_whole_is_exported_verified_found_and_counted(command: str, place: Place) -> None:
    result = place.run(command)
    assert result.exit_code == 0, result.output
    assert {"verify": "0 findings", "search": "1 rows", "replay": "1"}.get(command, "") in said(result)
    assert not place.directory.exists()


def offline(place: Place, directory: Path, change: Callable[[Path], None]) -> Result:
    """Verify a copy of the archive, changed, with the public key in a file and no AWS at all."""
    for key in list(place.keys()):
        (directory / place.bucket / key).parent.mkdir(parents=True, exist_ok=True)
        (directory / place.bucket / key).write_bytes(place.content(key))
    change(directory / place.bucket)
    signing = assignment(place.context).signing_key
    der = boto3.client("kms", REGION).get_public_key(KeyId=signing)["PublicKey"]
    pem = directory / "key.pem"
    pem.write_bytes(load_der_public_key(der).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    every = ("ListObjectsV2", "GetObject", "GetPublicKey", "FilterLogEvents")
    place.refused = {operation: denied(operation) for operation in every}
    return place.run("verify", "--offline", str(directory), "--public-key", str(pem))


def nothing(_: Path) -> None: ...


def without_links(copy: Path) -> None:
    for link in (copy / "manifests" / "chain").rglob("*.json"):
        link.unlink()


def with_another_object(copy: Path) -> None:
    for item in (copy / "export").rglob("*.gz"):
        item.write_bytes(gzip.compress(b"2026-11-26T00:00:00.000Z {}\n"))


@pytest.mark.parametrize(
    ("change", "says"),
    [(nothing, "0 findings"), (without_links, "was announced"), (with_another_object, "it was altered")],
)
def test_a_copy_is_verified_offline_with_the_public_key_alone(
    change: Callable[[Path], None], says: str, place: Place, tmp_path: Path
) -> None:
    assert place.run("export").exit_code == 0  # once more: the announcement of the first link is in this one
    result = offline(place, tmp_path / "copy", change)
    shown = said(result)
    assert result.exit_code == (change is not nothing), shown
    assert says in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bucket_that_is_not_there_is_named(command: str, place: Place) -> None:
    place.forget("")
    place.s3.delete_bucket(Bucket=place.bucket)
    result = place.run(command)
    shown = said(result)
    assert result.exit_code == 1, shown
    assert place.bucket in shown
    assert "NoSuchBucket" in shown
    assert not place.directory.exists()


NEEDS = {
    "export": "kms:Decrypt on its class's key",
    "verify": "kms:Decrypt",
    "search": "kms:Decrypt",
    "replay": "kms:Decrypt",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_without_the_right_to_decrypt_nothing_is_answered_and_the_permission_is_named(
    command: str, place: Place
) -> None:
    before = place.keys()
    place.refused = {"GetObject": denied("kms:Decrypt")}
    result = place.run(command)
    shown = said(result)
    assert result.exit_code == 1, shown
    assert f"s3://{place.bucket}/" in shown
    assert NEEDS[command] in shown
    assert place.keys() == before
    assert not place.directory.exists()


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        ("Sign", "kms:Sign on"),
        ("PutLogEvents", "logs:PutLogEvents"),
        ("PutObject", "kms:GenerateDataKey on its class's key"),
        ("CreateExportTask", "logs:CreateExportTask on it"),
        ("DescribeExportTasks", "logs:DescribeExportTasks"),
    ],
)
def test_an_export_without_a_permission_names_it_leaves_no_manifest_and_is_made_good(
    operation: str, says: str, unexported: Place
) -> None:
    unexported.refused = {operation: denied(operation)}
    result = unexported.run("export")
    shown = said(result)
    assert result.exit_code == 1, shown
    assert says in shown
    assert unexported.keys("manifests/") == {}, "a link was written"
    unexported.refused = {}
    assert unexported.run("export").exit_code == 0
    assert unexported.keys("manifests/chain/")


def test_a_verification_that_may_not_have_the_public_key_says_how_else(place: Place) -> None:
    place.refused = {"GetPublicKey": denied("kms:GetPublicKey")}
    result = place.run("verify")
    assert result.exit_code == 2
    assert "it takes kms:GetPublicKey on it. Allowed: aws kms get-public-key, as PEM" in said(result)


def cut_off(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def cut_inside(raw: bytes) -> bytes:
    plain = gzip.decompress(raw)
    return gzip.compress(plain[: len(plain) // 2])


@pytest.mark.parametrize("command", ["verify", "search", "replay"])
@pytest.mark.parametrize("cut", [cut_off, cut_inside], ids=["its gzip", "its text"])
def test_an_object_that_is_cut_in_the_middle_is_named_with_the_place(
    command: str, cut: Callable[[bytes], bytes], place: Place
) -> None:
    (key,) = place.keys("otlp/")
    place.put(key, cut(place.content(key)))
    before = place.keys()
    result = place.run(command)
    shown = said(result)
    assert result.exit_code == 1, shown
    assert f"s3://{place.bucket}/{key}" in shown
    assert "at byte" in shown
    assert place.keys() == before
    assert not place.directory.exists()


def test_an_exported_object_that_was_cut_gets_no_manifest_and_verification_finds_one_cut_later(
    unexported: Place,
) -> None:
    unexported.refused = {"Sign": denied("kms:Sign")}
    assert unexported.run("export").exit_code == 1  # the objects are there, their manifest is not
    unexported.refused = {}
    (key,) = (key for key in unexported.keys("export/") if key.endswith(".gz"))
    whole = unexported.content(key)
    unexported.put(key, cut_off(whole))
    shown = said(unexported.run("export"))
    assert f"problem: {key} is" in shown
    assert unexported.keys("manifests/") == {}
    unexported.put(key, whole)
    assert unexported.run("export").exit_code == 0
    unexported.put(key, cut_off(whole))
    result = unexported.run("verify")
    assert result.exit_code == 1
    assert f"s3://{unexported.bucket}/{key}" in said(result)


@pytest.mark.parametrize(
    "corrupt",
    [lambda raw: raw.replace(b'"records": ', b'"records": 1'), lambda raw: raw[:-40]],
    ids=["another count", "cut short"],
)
def test_a_corrupt_manifest_is_named_and_nothing_is_built_on_it(
    corrupt: Callable[[bytes], bytes], place: Place
) -> None:
    (key,) = place.keys("manifests/chain/")
    place.put(key, corrupt(place.content(key)))
    before = place.keys()
    for command in ("export", "verify"):
        result = place.run(command)
        shown = said(result)
        assert result.exit_code == 1, shown
        assert f"s3://{place.bucket}/{key}" in shown
        assert "0021-nightly-export.md, Repair" in shown
    assert place.keys() == before


@pytest.mark.parametrize("command", COMMANDS)
def test_without_credentials_the_command_says_so(command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it remembers those of the tests before
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    result = Place(context("sandbox"), tmp_path / "replay").run(command)
    assert result.exit_code in (1, 2), result.output
    assert "credentials" in said(result).lower()
