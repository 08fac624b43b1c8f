"""Who may keep records longer than policy, in every stack: two roles, what each may do and may not, and their key."""

import json
from typing import Any

import pytest

from infra.archive.keeping.place import Services, place_of
from infra.documents.keeper_policy import BATCH, KEEPERS, LISTS, OPERATIONS, REPORTS, STREAM, role_arn
from tests.factories import STACKS, context
from tests.policy_evaluator import Decision, Request, decide, listed
from tests.programs import program

ROLE, ROLE_POLICY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
KEPT = [stack for stack in STACKS if context(stack).settings.access.archive_keepers]
HERE = context("prod")
ARCHIVE = HERE.bucket_arn(HERE.archive_bucket("security"))
LOGS = HERE.bucket_arn(HERE.bucket_name("access-logs"))
TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
KEEPER_ROLE, BATCH_ROLE = role_arn(HERE, KEEPERS), role_arn(HERE, BATCH)
with_keepers = pytest.mark.parametrize("stack", ["sandbox", "prod"])  # each builds a whole program


def policy(name: str, stack: str = "prod") -> dict[str, Any]:
    found: dict[str, Any] = program(stack).one(ROLE_POLICY, f"keepers-{name}-policy").document("policy")
    return found


def bucket(stack: str = "prod", cls: str = "security") -> dict[str, Any]:
    found: dict[str, Any] = (
        program(stack).one("aws:s3/bucketPolicy:BucketPolicy", f"{cls}-archive-policy").document("policy")
    )
    return found


def may(who: str, action: str, resource: str, **keys: str) -> bool:
    """Return whether identity and bucket policy of prod together let a role do it."""
    name = {KEEPER_ROLE: "keepers", BATCH_ROLE: "batch"}[who]
    return decide(Request(who, action, resource, {**TLS, **keys}), policy(name), bucket()) is Decision.ALLOWED


def test_without_named_keepers_there_is_no_role_no_key_and_no_stream() -> None:
    assert set(STACKS) - set(KEPT) == {"dev"}
    found = program("dev")
    assert not [item for item in found.resources if "keep" in item.name and "roles" not in item.name and item.inputs]
    assert found.result["archive_keeping"] == {}


@with_keepers
def test_only_the_named_principals_take_the_keepers_role_and_only_s3_for_this_account_the_batch_role(
    stack: str,
) -> None:
    here, found = context(stack), program(stack)
    (keepers,) = found.one(ROLE, f"keeper-roles-{KEEPERS}").document("assumeRolePolicy")["Statement"]
    (batch,) = found.one(ROLE, f"keeper-roles-{BATCH}").document("assumeRolePolicy")["Statement"]

    assert keepers["Principal"] == {"AWS": sorted(here.settings.access.archive_keepers)}
    assert batch["Principal"] == {"Service": "batchoperations.s3.amazonaws.com"}
    assert batch["Condition"] == {"StringEquals": {"aws:SourceAccount": here.account_id}}
    assert found.one(ROLE, f"keeper-roles-{KEEPERS}")["maxSessionDuration"] == 3600


@with_keepers
def test_outputs_tell_the_roles_and_the_key_and_commands_pass_that_very_role(stack: str) -> None:
    here, found = context(stack), program(stack)
    assert set(found.result["archive_keeping"]) == {"keeper_role", "batch_role", "register_signing_key"}
    place = place_of(here, "audit", Services(None, None, None, None, None))
    assert place.batch.role_arn == role_arn(here, BATCH)
    assert place.batch.role_arn.rpartition("/")[2] == found.one(ROLE, f"keeper-roles-{BATCH}")["name"]
    (alias,) = [it for it in found.all("aws:kms/alias:Alias") if it["name"] == place.signing_key]
    assert alias.name == "keepers-signing-alias"


@pytest.mark.parametrize(
    ("action", "key"),
    [
        *((action, f"{prefix}1") for action in ("s3:PutObjectLegalHold", "s3:GetObjectLegalHold", "s3:GetObjectRetention")
          for prefix in ("otlp/", "export/", "manifests/")),
        ("s3:PutObject", "register/00000001.json"),
        ("s3:GetObject", "register/00000001.json"),
        ("s3:GetObjectVersion", "manifests/chain/1.json"),
    ],
)  # fmt: skip
def test_keepers_hold_and_write_down_what_they_did(action: str, key: str) -> None:
    assert may(KEEPER_ROLE, action, f"{ARCHIVE}/{key}")


@pytest.mark.parametrize(
    ("action", "key"),
    [
        ("s3:GetObject", "otlp/1"),
        ("s3:GetObjectVersion", "export/1"),
        ("s3:PutObject", "otlp/1"),
        ("s3:PutObject", "manifests/1"),
        ("s3:DeleteObject", "register/00000001.json"),
        ("s3:DeleteObjectVersion", "otlp/1"),
        ("s3:BypassGovernanceRetention", "otlp/1"),
        ("s3:PutBucketPolicy", ""),
    ],
)
def test_keepers_read_no_record_and_can_neither_alter_nor_remove_one(action: str, key: str) -> None:
    assert not may(KEEPER_ROLE, action, f"{ARCHIVE}/{key}")


def test_a_hold_on_the_register_can_be_placed_and_lifted_by_nobody() -> None:
    entry = f"{ARCHIVE}/register/00000001.json"
    assert may(KEEPER_ROLE, "s3:PutObjectLegalHold", entry, **{"s3:object-lock-legal-hold": "ON"})
    assert not may(KEEPER_ROLE, "s3:PutObjectLegalHold", entry, **{"s3:object-lock-legal-hold": "OFF"})
    assert may(KEEPER_ROLE, "s3:PutObjectLegalHold", f"{ARCHIVE}/otlp/1", **{"s3:object-lock-legal-hold": "OFF"})
    assert not may(BATCH_ROLE, "s3:PutObjectLegalHold", entry, **{"s3:object-lock-legal-hold": "ON"})


@pytest.mark.parametrize(
    ("mode", "days", "wanted"),
    [("GOVERNANCE", "3653", True), ("GOVERNANCE", "3654", False), ("COMPLIANCE", "10", False)],
)
def test_both_roles_lock_in_the_classs_mode_and_as_far_as_policy_lets_them(mode: str, days: str, wanted: bool) -> None:
    keys = {"s3:object-lock-mode": mode, "s3:object-lock-remaining-retention-days": days}
    for role in (KEEPER_ROLE, BATCH_ROLE):
        assert may(role, "s3:PutObjectRetention", f"{ARCHIVE}/otlp/1", **keys) is wanted


def test_the_batch_role_holds_reads_its_list_reports_and_does_nothing_else() -> None:
    assert may(BATCH_ROLE, "s3:PutObjectLegalHold", f"{ARCHIVE}/export/1")
    assert may(BATCH_ROLE, "s3:GetBucketObjectLockConfiguration", ARCHIVE)
    assert may(BATCH_ROLE, "s3:GetObject", f"{LOGS}/{LISTS}a.csv")
    assert may(BATCH_ROLE, "s3:PutObject", f"{LOGS}/{REPORTS}/job-1/a.csv")
    for action, resource in (
        ("s3:GetObject", f"{ARCHIVE}/otlp/1"),
        ("s3:PutObject", f"{ARCHIVE}/register/00000001.json"),
        ("s3:PutObject", f"{LOGS}/s3/1"),
        ("s3:PutObject", f"{LOGS}/{LISTS}a.csv"),
        ("s3:DeleteObject", f"{ARCHIVE}/otlp/1"),
    ):
        assert not may(BATCH_ROLE, action, resource), (action, resource)
    actions = {action for statement in policy("batch")["Statement"] for action in listed(statement["Action"])}
    assert not any(action.startswith(("kms:", "iam:", "logs:")) for action in actions)


def test_keepers_create_jobs_of_two_kinds_and_pass_the_batch_role_to_s3_alone() -> None:
    for operation in OPERATIONS:
        assert may(KEEPER_ROLE, "s3:CreateJob", "*", **{"s3:RequestJobOperation": operation})
    for operation in ("S3PutObjectCopy", "S3DeleteObjectTagging", "LambdaInvoke"):
        assert not may(KEEPER_ROLE, "s3:CreateJob", "*", **{"s3:RequestJobOperation": operation})
    s3 = {"iam:PassedToService": "batchoperations.s3.amazonaws.com"}
    assert may(KEEPER_ROLE, "iam:PassRole", BATCH_ROLE, **s3)
    assert not may(KEEPER_ROLE, "iam:PassRole", BATCH_ROLE, **{"iam:PassedToService": "lambda.amazonaws.com"})
    assert not may(KEEPER_ROLE, "iam:PassRole", HERE.global_arn("iam", "role/anything"), **s3)
    assert may(KEEPER_ROLE, "s3:DescribeJob", HERE.arn("s3", "job/1"))


@with_keepers
def test_keepers_announce_in_a_stream_of_their_own_and_cannot_announce_manifests(stack: str) -> None:
    here, document = context(stack), policy("keepers", stack)
    stream = f"{here.log_group_arn('audit')}:log-stream:"
    for name, wanted in ((STREAM, Decision.ALLOWED), ("export", Decision.SILENT), ("collector", Decision.SILENT)):
        assert decide(Request(KEEPER_ROLE, "logs:PutLogEvents", stream + name), document) is wanted
    (made,) = [it for it in program(stack).all("aws:cloudwatch/logStream:LogStream") if it["name"] == STREAM]
    assert made["logGroupName"] == here.log_group("audit")


@with_keepers
def test_registers_have_a_key_of_their_own_that_only_keepers_sign_with(stack: str) -> None:
    found = program(stack)
    mine, manifests = (
        found.one("aws:kms/key:Key", name) for name in ("keepers-signing-key", "nightly-export-signing-key")
    )
    for key in (mine, manifests):
        assert (key["customerMasterKeySpec"], key["keyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")
    signers = {
        item["Sid"]: item["Principal"]["AWS"]
        for item in mine.document("policy")["Statement"]
        if item["Effect"] == "Allow" and "kms:Sign" in listed(item["Action"])
    }
    (signer,) = signers.values()
    (arn,) = listed(signer)
    assert arn.endswith(KEEPERS)
    assert KEEPERS not in json.dumps(manifests.document("policy"))


@with_keepers
def test_each_classs_key_lets_keepers_use_it_through_s3_for_its_own_archive(stack: str) -> None:
    here = context(stack)
    for cls in here.policy.data_classes.classes:
        statements = {
            it["Sid"]: it for it in program(stack).one("aws:kms/key:Key", f"{cls}-key").document("policy")["Statement"]
        }
        mine = statements["KeepersThroughS3"]
        assert mine["Condition"]["StringEquals"]["kms:EncryptionContext:aws:s3:arn"] == here.bucket_arn(
            here.archive_bucket(cls)
        )
        assert ("KeepersThroughLogs" in statements) is (cls == "audit")
