"""The role that erases one person's records: what it may do and never may, on every bucket, key and secret of a stack."""

import functools
import json
from typing import Any

import pytest

import infra.program
from infra.context import Context
from infra.documents.eraser_policy import SESSION, erasable, role_name
from infra.problems import InputError
from infra.stack import read_stack
from tests.engine import Deployment, deploy
from tests.factories import context, program_config, settings, stack_values
from tests.policy_evaluator import Decision, Request, decide
from tests.programs import LOOKUPS, program

POLICY, ROLE, GRANT = "aws:s3/bucketPolicy:BucketPolicy", "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
KEY, SECRET = "aws:kms/key:Key", "aws:secretsmanager/secretPolicy:SecretPolicy"
ERASER = "arn:aws:iam:us-east-1:123456789012:eraser-role-role"
OFFICER = "arn:aws:iam::123456789012:role/tinybeans-privacy-officer"
ACCOUNT = "123456789012"
DEPLOYED = ("dev", "staging", "prod")
TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3", "aws:PrincipalIsAWSService": "false"}
ONCE = {**TLS, "s3:if-none-match": "*"}
ANY: dict[str, Any] = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
CLASSES = tuple(context().policy.data_classes.classes)
RECORD, EXPORT = "otlp/year=2026/month=11/day=01/hour=00/logs_a.json.gz", "export/g/2026-11-01/1/task/collector/0.gz"
RECORDED = "erasures/0123/a-b.begun.json"
everywhere = pytest.mark.parametrize("stack", DEPLOYED)
of_each_class = pytest.mark.parametrize("cls", CLASSES)


def changed(stack: str, **access: Any) -> str:
    return json.dumps({**json.loads(stack_values(stack)["access"]), **access})


@functools.cache
def stack_with_erasers(stack: str) -> tuple[Context, Deployment]:
    """Return a whole stack whose settings name an eraser, and in dev, where they do not, an earlier pepper besides."""
    if stack != "dev":
        return context(stack), program(stack)
    values, secret_keys = program_config(stack)
    own = {"access": changed(stack, erasers=[OFFICER]), "pepper_epochs": '{"2025a": "2025-12-31"}'}
    made = deploy(
        lambda: infra.program.deploy(read_stack(stack)),
        stack=stack,
        config={**values, **{f"tinybeans-logging:{key}": value for key, value in own.items()}},
        secret_keys=secret_keys,
        lookups=LOOKUPS,
    )
    return context(stack, access=json.loads(own["access"])), made


def grants(stack: str) -> list[dict[str, Any]]:
    made = stack_with_erasers(stack)[1]
    found = [item.document("policy") for item in made.all(GRANT) if item.name.startswith("eraser-")]
    assert len(found) == 3
    return found


def asked(stack: str, cls: str, action: str, key: str, keys: dict[str, str] = TLS, where: str = "archive") -> Decision:
    """Return what the role's own policies and the bucket's say together."""
    here, made = stack_with_erasers(stack)
    bucket = here.bucket_arn(here.archive_bucket(cls))
    if where == "replica":
        bucket = bucket.replace(here.region, "us-west-2")
    policy = made.one(POLICY, f"{cls}-{where}-policy").document("policy")
    return decide(Request(ERASER, action, f"{bucket}/{key}", keys), policy, *grants(stack))


def wanted(stack: str, cls: str) -> Decision:
    return Decision.ALLOWED if erasable(stack_with_erasers(stack)[0], cls) else Decision.DENIED


@everywhere
@of_each_class
def test_it_writes_again_and_removes_versions_of_records_where_policy_lets_a_class_be_erased(
    stack: str, cls: str
) -> None:
    for key in (RECORD, EXPORT):
        assert asked(stack, cls, "s3:PutObject", key) is wanted(stack, cls)
        assert asked(stack, cls, "s3:DeleteObjectVersion", key) is wanted(stack, cls)
        for action in ("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention", "s3:GetObjectLegalHold"):
            assert asked(stack, cls, action, key) is Decision.ALLOWED


def test_only_what_compliance_locks_may_never_be_erased() -> None:
    found = {(stack, cls) for stack in DEPLOYED for cls in CLASSES if wanted(stack, cls) is Decision.DENIED}
    assert found == {("prod", "audit")}


@everywhere
@of_each_class
def test_it_adds_records_of_erasures_and_neither_writes_over_one_nor_removes_it(stack: str, cls: str) -> None:
    assert asked(stack, cls, "s3:PutObject", RECORDED, ONCE) is wanted(stack, cls)
    assert asked(stack, cls, "s3:PutObject", RECORDED) is Decision.DENIED
    assert asked(stack, cls, "s3:DeleteObjectVersion", RECORDED) is Decision.DENIED
    assert asked(stack, cls, "s3:GetObject", RECORDED) is Decision.ALLOWED


@everywhere
@of_each_class
@pytest.mark.parametrize("key", ["manifests/chain/g/99999998.json", "register/00000001.json", "otlp/quarantine/a.gz"])
def test_it_reaches_no_manifest_no_register_and_no_quarantine(stack: str, cls: str, key: str) -> None:
    for action in ("s3:PutObject", "s3:DeleteObjectVersion", "s3:DeleteObject"):
        for keys in (TLS, ONCE):
            assert asked(stack, cls, action, key, keys) is not Decision.ALLOWED


@everywhere
@of_each_class
def test_whatever_else_is_attached_it_lifts_no_lock_and_alters_no_bucket(stack: str, cls: str) -> None:
    here, made = stack_with_erasers(stack)
    bucket = here.bucket_arn(here.archive_bucket(cls))
    policy = made.one(POLICY, f"{cls}-archive-policy").document("policy")
    refused = {
        f"{bucket}/{RECORD}": [
            "s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:PutObjectLegalHold", "s3:PutObjectRetention",
        ],
        bucket: ["s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketVersioning", "s3:DeleteBucket"],
    }  # fmt: skip
    for resource, actions in refused.items():
        for action in actions:
            assert decide(Request(ERASER, action, resource, TLS), policy, *grants(stack), ANY) is Decision.DENIED
    for key in ("manifests/1", "register/1", "erasures/1"):
        gone = Request(ERASER, "s3:DeleteObjectVersion", f"{bucket}/{key}", TLS)
        assert decide(gone, policy, *grants(stack), ANY) is Decision.DENIED
        assert decide(gone, policy, ANY) is Decision.DENIED, "the bucket itself refuses it"


@of_each_class
def test_the_replica_lets_it_see_and_remove_copies_and_write_none(cls: str) -> None:
    for key in (RECORD, EXPORT):
        assert asked("prod", cls, "s3:DeleteObjectVersion", key, where="replica") is wanted("prod", cls)
        assert asked("prod", cls, "s3:GetObjectVersion", key, where="replica") is Decision.ALLOWED
        assert asked("prod", cls, "s3:PutObject", key, where="replica") is Decision.DENIED
    assert asked("prod", cls, "s3:DeleteObjectVersion", "manifests/1", where="replica") is Decision.DENIED


@everywhere
@of_each_class
def test_nobody_else_removes_a_version_or_writes_a_record_of_an_erasure(stack: str, cls: str) -> None:
    here, made = stack_with_erasers(stack)
    bucket = here.bucket_arn(here.archive_bucket(cls))
    policy = made.one(POLICY, f"{cls}-archive-policy").document("policy")
    others = [role["name"] for role in made.all(ROLE) if role["name"] != role_name(here)]
    assert len(others) > 8
    for who in (OFFICER, *here.settings.access.deployers, *(here.global_arn("iam", f"role/{name}") for name in others)):
        for action, key in (("s3:DeleteObjectVersion", RECORD), ("s3:PutObject", RECORDED), ("s3:PutObject", EXPORT)):
            assert decide(Request(who, action, f"{bucket}/{key}", ONCE), policy, ANY) is Decision.DENIED


@everywhere
@of_each_class
def test_keys_serve_it_through_s3_for_their_own_archive_and_through_logs_for_reading(stack: str, cls: str) -> None:
    here, made = stack_with_erasers(stack)
    key = made.one(KEY, f"{cls}-key")
    arn = f"arn:aws:kms:us-east-1:123456789012:{cls}-key"
    document = key.document("policy")
    s3, logs = here.regional_service("s3"), here.regional_service("logs")

    def use(action: str, **keys: str) -> Decision:
        """Both must say yes: a key's policy without an allowance of the caller's own is enough, but a refusal is one."""
        return decide(Request(ERASER, action, arn, keys), document)

    own = {"kms:ViaService": s3, "kms:EncryptionContext:aws:s3:arn": here.bucket_arn(here.archive_bucket(cls))}
    other = {**own, "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::another"}
    group = {"kms:ViaService": logs, "kms:EncryptionContext:aws:logs:arn": here.log_group_arn(cls)}
    writes = Decision.ALLOWED if erasable(here, cls) else Decision.SILENT
    assert (use("kms:Decrypt", **own), use("kms:GenerateDataKey", **own)) == (Decision.ALLOWED, writes)
    assert use("kms:Decrypt", **group) is Decision.ALLOWED
    announces = Decision.ALLOWED if cls == "audit" else Decision.SILENT
    assert use("kms:GenerateDataKey", **group) is announces
    for action in ("kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt", "kms:PutKeyPolicy", "kms:CreateGrant"):
        assert use(action) is Decision.SILENT
        assert use(action, **other) is Decision.SILENT
    refused = decide(Request(ERASER, "kms:PutKeyPolicy", arn, {}), *grants(stack), ANY)
    assert refused is Decision.DENIED


@everywhere
def test_it_signs_with_the_signing_key_and_with_no_other(stack: str) -> None:
    made = stack_with_erasers(stack)[1]
    signing = [
        item.name
        for item in made.all(KEY)
        if decide(
            Request(ERASER, "kms:Sign", f"arn:aws:kms:us-east-1:123456789012:{item.name}", {}),
            item.document("policy"),
        )
        is Decision.ALLOWED
    ]
    assert signing == ["nightly-export-signing-key"]
    own = Request(ERASER, "kms:Sign", "arn:aws:kms:us-east-1:123456789012:nightly-export-signing-key", {})
    assert decide(own, *grants(stack)) is Decision.ALLOWED


def test_it_reads_every_pepper_and_deletes_only_those_of_earlier_epochs() -> None:
    here, made = stack_with_erasers("dev")
    own = grants("dev")
    arns = {name: f"arn:aws:secretsmanager:us-east-1:123456789012:secrets-{name}-secret" for name in PEPPERS}
    for name, arn in arns.items():
        document = made.one(SECRET, f"secrets-{name}-policy").document("policy")
        read = Request(ERASER, "secretsmanager:GetSecretValue", arn, TLS)
        drop = Request(ERASER, "secretsmanager:DeleteSecret", arn, TLS)
        at_once = Request(ERASER, drop.action, arn, {**TLS, "secretsmanager:ForceDeleteWithoutRecovery": "true"})
        assert decide(read, document, *own) is Decision.ALLOWED
        assert decide(drop, document, *own) is (Decision.ALLOWED if name.endswith("2025a") else Decision.SILENT)
        assert decide(at_once, document, *own) is not Decision.ALLOWED
    assert here.settings.secret_recovery_days >= 7


PEPPERS = ("redaction-pepper", "redaction-pepper-2025a")


@everywhere
def test_only_who_is_stated_takes_it_and_the_session_names_the_request(stack: str) -> None:
    here, made = stack_with_erasers(stack)
    trust = next(role for role in made.all(ROLE) if role["name"] == role_name(here)).document("assumeRolePolicy")
    named = {"sts:RoleSessionName": f"{SESSION}0123"}
    assert decide(Request(here.settings.access.erasers[0], "sts:AssumeRole", "*", named), trust) is Decision.ALLOWED
    assert (
        decide(Request(here.settings.access.erasers[0], "sts:AssumeRole", "*", {"sts:RoleSessionName": "me"}), trust)
        is Decision.SILENT
    )
    for who in (*here.settings.access.deployers, *here.settings.access.key_administrators):
        assert decide(Request(who, "sts:AssumeRole", "*", named), trust) is Decision.SILENT


@everywhere
def test_its_inline_policies_fit_into_what_iam_takes_of_a_role_with_five_epochs(stack: str) -> None:
    size = sum(len(json.dumps(document, separators=(",", ":"))) for document in grants(stack))
    one = len(f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:tinybeans/{stack}/redaction-pepper-2026a-AbCdEf") + 3
    assert 2_000 < size + 5 * 4 * one <= 10_240, "an epoch stands in four lists at most"


def test_where_settings_name_nobody_there_is_no_role_and_nobody_may_erase() -> None:
    made = deploy(
        lambda: infra.program.deploy(read_stack("dev")),
        stack="dev",
        config=program_config("dev")[0],
        secret_keys=program_config("dev")[1],
        lookups=LOOKUPS,
    )
    here = context("dev")
    assert not here.settings.access.erasers
    assert role_name(here) not in {role["name"] for role in made.all(ROLE)}
    bucket = here.bucket_arn(here.archive_bucket("client"))
    policy = made.one(POLICY, "client-archive-policy").document("policy")
    for action, key in (("s3:DeleteObjectVersion", RECORD), ("s3:PutObject", RECORDED), ("s3:PutObject", RECORD)):
        assert decide(Request(ERASER, action, f"{bucket}/{key}", ONCE), policy, ANY) is Decision.DENIED


@pytest.mark.parametrize("other", ["deployers", "key_administrators", "secret_operators", "archive_keepers"])
def test_who_erases_has_no_other_duty(other: str) -> None:
    with pytest.raises(InputError, match=f"erasers and {other}"):
        settings("prod", access=json.loads(changed("prod", erasers=[OFFICER], **{other: [OFFICER]})))
