"""The doubles of the export's tests refuse what AWS refuses, and S3 and KMS in memory answer as moto does."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.export.targets import Target
from infra.export.tasks import created, listed
from tests.export_fake import FORGOTTEN_AFTER, LISTED_AFTER, TAKES, Account, FakeLogs, account_with, moto_services
from tests.export_memory import MemoryKms, MemoryS3

NOW = datetime.datetime(2026, 11, 20, 13, tzinfo=datetime.UTC)
TARGET = Target("audit", "/test/audit", "audit-archive", 90, 400, 800)
YESTERDAY = NOW.date() - datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def moto() -> Iterator[tuple[Any, Any]]:
    with moto_services() as services:
        yield services


@pytest.fixture(params=["memory", "moto"])
def services(request: pytest.FixtureRequest, moto: tuple[Any, Any]) -> tuple[Any, Any]:
    return moto if request.param == "moto" else (MemoryS3(), MemoryKms())


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_s3_lists_in_order_from_a_place_on_and_a_page_at_a_time(services: tuple[Any, Any]) -> None:
    s3, _ = services
    s3.create_bucket(Bucket="listed")
    for key in ("a/3", "b/1", "a/1", "a/2"):
        s3.put_object(Bucket="listed", Key=key, Body=key.encode())
    page = s3.list_objects_v2(Bucket="listed", Prefix="a/", MaxKeys=2)
    assert [(it["Key"], it["Size"]) for it in page["Contents"]] == [("a/1", 3), ("a/2", 3)]
    rest = s3.list_objects_v2(Bucket="listed", Prefix="a/", ContinuationToken=page["NextContinuationToken"])
    assert [it["Key"] for it in rest["Contents"]] == ["a/3"]
    assert "NextContinuationToken" not in rest
    after = s3.list_objects_v2(Bucket="listed", Prefix="a/", StartAfter="a/1", MaxKeys=1)
    assert [it["Key"] for it in after["Contents"]] == ["a/2"]
    assert not s3.list_objects_v2(Bucket="listed", Prefix="none/").get("Contents")


def test_s3_writes_a_key_once_when_asked_to(services: tuple[Any, Any]) -> None:
    s3, _ = services
    s3.create_bucket(Bucket="once")
    s3.put_object(Bucket="once", Key="k", Body=b"first", IfNoneMatch="*")
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="once", Key="k", Body=b"second", IfNoneMatch="*")
    assert code(refused) == "PreconditionFailed"
    assert s3.get_object(Bucket="once", Key="k")["Body"].read() == b"first"
    with pytest.raises(ClientError) as missing:
        s3.get_object(Bucket="once", Key="other")
    assert code(missing) == "NoSuchKey"


def test_kms_signs_short_texts_and_tells_a_forged_signature(services: tuple[Any, Any]) -> None:
    _, kms = services
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    how = {"MessageType": "RAW", "SigningAlgorithm": "ECDSA_SHA_256"}
    signature = kms.sign(KeyId=key, Message=b"text", **how)["Signature"]
    assert kms.verify(KeyId=key, Message=b"text", Signature=signature, **how)["SignatureValid"]
    try:  # AWS refuses; moto answers
        valid = kms.verify(KeyId=key, Message=b"other", Signature=signature, **how)["SignatureValid"]
    except ClientError as error:
        valid = error.response["Error"]["Code"] != "KMSInvalidSignatureException"
    assert not valid


@pytest.fixture
def account() -> Account:
    return account_with([TARGET], NOW, NOW - datetime.timedelta(days=3), MemoryS3(), MemoryKms())[0]


def test_a_second_task_is_refused_while_the_first_is_active(account: Account) -> None:
    logs = FakeLogs(account)
    created(logs, TARGET, YESTERDAY, 1, NOW)
    with pytest.raises(ClientError) as refused:
        created(logs, TARGET, YESTERDAY, 2, NOW)
    assert code(refused) == "LimitExceededException"
    account.advance(TAKES)
    created(logs, TARGET, YESTERDAY, 2, account.now)


def test_a_task_is_listed_late_takes_its_time_and_is_forgotten(account: Account) -> None:
    logs = FakeLogs(account)
    created(logs, TARGET, YESTERDAY, 1, NOW)
    seen = [[task.state for task in listed(logs)]]
    for by in (LISTED_AFTER, TAKES / 2, TAKES, FORGOTTEN_AFTER):
        account.advance(by)
        seen.append([task.state for task in listed(logs)])
    assert seen == [[], ["PENDING"], ["RUNNING"], ["COMPLETED"], []]


@pytest.mark.parametrize("outcome", ["FAILED", "CANCELLED"])
def test_a_task_that_ends_badly_leaves_half_of_it_behind(outcome: str, account: Account) -> None:
    for number in range(8):
        account.put(TARGET.log_group, NOW - datetime.timedelta(hours=20, minutes=number), str(number))
    account.outcomes = [outcome]
    created(FakeLogs(account), TARGET, YESTERDAY, 1, NOW)
    account.advance(TAKES)
    account.advance(TAKES)
    assert [task.state for task in listed(FakeLogs(account))] == [outcome]
    left = [key for key in account.s3.buckets["audit-archive"] if key.endswith(".gz")]
    assert len(left) == 2  # four of eight events, three an object


def test_many_tasks_are_listed_page_by_page(account: Account) -> None:
    logs = FakeLogs(account)
    for attempt in range(1, 8):
        created(logs, TARGET, YESTERDAY, attempt, account.now)
        account.advance(TAKES)
        account.advance(TAKES / 4)
    assert len(listed(logs)) == 7


def test_a_day_before_the_group_was_made_is_refused(account: Account) -> None:
    with pytest.raises(ClientError) as refused:
        created(FakeLogs(account), TARGET, NOW.date() - datetime.timedelta(days=9), 1, NOW)
    assert code(refused) == "InvalidParameterException"
