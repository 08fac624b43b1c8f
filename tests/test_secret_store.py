"""Secrets: one path in, one reader, and no value anywhere but where it is written once."""

import json
from itertools import product

import pulumi
import pulumi_aws as aws
import pytest

from infra.components.secret_store import SecretStore
from infra.context import Context
from infra.documents.key_policy import ADMINISTRATION, DELETION
from infra.problems import InputError
from infra.secrets import needed
from tests.engine import Deployment, deploy
from tests.factories import STACKS, context, in_stack, settings, stack_values
from tests.policy_evaluator import Decision, Request, decide

KEY, SECRET = "aws:kms/key:Key", "aws:secretsmanager/secret:Secret"
POLICY, VERSION = "aws:secretsmanager/secretPolicy:SecretPolicy", "aws:secretsmanager/secretVersion:SecretVersion"
GRANT = "aws:iam/rolePolicy:RolePolicy"

READER = "arn:aws:iam:us-east-1:123456789012:execution"  # as the mocks invent it
OPERATOR = "arn:aws:iam::123456789012:role/tinybeans-secret-operator"
ADMINISTRATOR = "arn:aws:iam::123456789012:role/tinybeans-key-admin"
DEPLOYER = "arn:aws:iam::123456789012:role/tinybeans-logging-deploy"
DEV_DEPLOYER = "arn:aws:iam::111122223333:role/tinybeans-logging-deploy"
ROOT = "arn:aws:iam::123456789012:root"
USE = ("kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")
SERVICE = "secretsmanager.us-east-1.amazonaws.com"
PEPPER = "arn:aws:secretsmanager:us-east-1:123456789012:secret:tinybeans/prod/redaction-pepper-a1B2c3"
FOREIGN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:tinybeans/prod/database-password-a1B2c3"
THROUGH = {
    "kms:ViaService": SERVICE,
    "kms:EncryptionContext:SecretARN": PEPPER,
    "kms:EncryptionContext:SecretVersionId": "1",
}
VALIDATION = {**THROUGH, "kms:EncryptionContext:SecretVersionId": "RequestToValidateKeyAccess"}
WAYS: list[dict[str, str]] = [
    {},
    THROUGH,
    VALIDATION,
    {**THROUGH, "kms:EncryptionContext:SecretARN": FOREIGN},
    {**THROUGH, "kms:ViaService": "s3.us-east-1.amazonaws.com"},
]


def sentinels(which: Context) -> dict[str, str]:
    """Return secret name -> made-up value, for stacks whose values come from config."""
    if which.settings.credentials_from == "operator":
        return {}
    return {entry.name: f"sentinel-{entry.name}-5f1c" for entry in needed(which.settings)}


SUBJECT = "arn:aws:iam::123456789012:role/subject-requests"


def store(which: Context, values: dict[str, str] | None = None, *, preview: bool = False) -> Deployment:
    """Return the deployment of the stack's secrets."""

    def build() -> SecretStore:
        given = sentinels(which) if values is None else values
        return SecretStore(
            "secrets",
            context=which,
            values={name: pulumi.Output.secret(value) for name, value in given.items()},
            reader_role=aws.iam.Role("execution", assume_role_policy="{}"),
            subject_role_arn=SUBJECT,
            opts=in_stack(),
        )

    return deploy(build, preview=preview)


@pytest.fixture(name="prod", scope="module")
def _prod() -> Deployment:
    return store(context("prod"))


def may(made: Deployment, who: str, action: str, keys: dict[str, str] | None = None) -> Decision:
    """Return what the secrets' key says."""
    return decide(Request(who, action, "the-key", keys or {}), made.one(KEY).document("policy"))


@pytest.mark.parametrize("stack", STACKS)
def test_each_destination_of_the_stack_has_its_secret_and_the_pepper_is_always_there(stack: str) -> None:
    which = context(stack)
    made = store(which)
    names = [entry.name for entry in needed(which.settings)]
    assert "redaction-pepper" in names
    assert sorted(item["name"] for item in made.all(SECRET)) == sorted(f"tinybeans/{stack}/{name}" for name in names)
    assert list(made.result.arns) == names
    for item in made.all(SECRET):
        assert item["kmsKeyId"].endswith(":secrets-key")
        assert item["recoveryWindowInDays"] == settings(stack).secret_recovery_days
        assert item.protect is (stack == "prod")


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_where_operators_put_values_the_program_writes_none(stack: str) -> None:
    assert store(context(stack)).all(VERSION) == []


@pytest.mark.parametrize(("stack", "preview"), list(product(["sandbox", "dev"], [True, False])))
def test_a_value_stands_in_its_write_only_input_and_nowhere_else(stack: str, preview: bool) -> None:
    which = context(stack)
    made = store(which, preview=preview)
    versions = {item["secretStringWo"]: item for item in made.all(VERSION)}
    assert set(versions) == set(sentinels(which).values())
    for item in made.resources:
        inputs = {key: value for key, value in item.inputs.items() if key != "secretStringWo"}
        assert "sentinel" not in json.dumps(inputs, default=str), item.name
    for item in versions.values():
        assert item.inputs.keys() == {"secretId", "secretStringWo", "secretStringWoVersion"}
        assert item.secret_inputs >= {"secretStringWo", "secretStringWoVersion"}


def test_a_changed_value_is_written_again_and_an_unchanged_one_is_not() -> None:
    def version(value: str) -> int:
        made = store(context("dev"), {"redaction-pepper": value})
        number: int = made.one(VERSION)["secretStringWoVersion"]
        return number

    first = version("sentinel-one")
    assert first == version("sentinel-one")
    assert first != version("sentinel-two")
    assert 0 <= first < 2**31


def test_only_the_reader_gets_a_value(prod: Deployment) -> None:
    for item in prod.all(POLICY):
        assert item["blockPublicPolicy"] is True
        document = item.document("policy")
        tls = {"aws:SecureTransport": "true"}
        everything = {"Version": "2012-10-17", "Statement": [
            {"Sid": "Admin", "Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}]}  # fmt: skip
        for who in (OPERATOR, ADMINISTRATOR, DEPLOYER, ROOT):
            request = Request(who, "secretsmanager:GetSecretValue", PEPPER, tls)
            assert decide(request, document, everything) is Decision.DENIED
        request = Request(READER, "secretsmanager:GetSecretValue", PEPPER, tls)
        assert decide(request, document, prod.one(GRANT).document("policy"), everything) is Decision.ALLOWED


def test_secrets_are_reached_by_tls_only(prod: Deployment) -> None:
    for item in prod.all(POLICY):
        request = Request(READER, "secretsmanager:GetSecretValue", PEPPER, {"aws:SecureTransport": "false"})
        assert decide(request, item.document("policy")) is Decision.DENIED


def test_operators_put_values_and_the_policy_of_a_secret_can_still_be_changed(prod: Deployment) -> None:
    document = prod.all(POLICY)[0].document("policy")
    tls = {"aws:SecureTransport": "true"}
    allowed = [
        action
        for action in ("PutSecretValue", "DescribeSecret", "DeleteSecret", "PutResourcePolicy", "UpdateSecret")
        if decide(Request(OPERATOR, f"secretsmanager:{action}", PEPPER, tls), document) is Decision.ALLOWED
    ]
    assert allowed == ["PutSecretValue", "DescribeSecret"]
    request = Request(DEPLOYER, "secretsmanager:PutResourcePolicy", PEPPER, tls)
    assert decide(request, document) is Decision.SILENT  # left to the deployer's own policy: no lock-out


def test_the_grant_names_exactly_these_secrets_and_this_key(prod: Deployment) -> None:
    grant = prod.one(GRANT)
    assert grant["role"] == "execution"
    read, decrypt = grant.document("policy")["Statement"]
    assert read["Action"] == "secretsmanager:GetSecretValue"
    assert read["Resource"] == [
        f"arn:aws:secretsmanager:us-east-1:123456789012:secrets-{name}-secret"
        for name in ("redaction-pepper", "datadog-api-key")
    ]
    assert decrypt["Action"] == "kms:Decrypt"
    assert decrypt["Resource"] == "arn:aws:kms:us-east-1:123456789012:secrets-key"
    assert decrypt["Condition"]["StringEquals"] == {"kms:ViaService": SERVICE}


def test_the_reader_decrypts_these_secrets_and_cannot_encrypt_or_administer(prod: Deployment) -> None:
    granted = [
        (action, way) for action, way in product(USE, WAYS) if may(prod, READER, action, way) is Decision.ALLOWED
    ]
    assert granted == [("kms:Decrypt", THROUGH), ("kms:Decrypt", VALIDATION)]
    assert all(may(prod, READER, action, way) is Decision.SILENT for action, way in product(ADMINISTRATION, WAYS))


def test_operators_encrypt_new_values_through_secrets_manager_only(prod: Deployment) -> None:
    granted = {action for action in USE if may(prod, OPERATOR, action, THROUGH) is Decision.ALLOWED}
    assert granted == {"kms:Decrypt", "kms:GenerateDataKey"}  # Decrypt compares; GetSecretValue is refused
    assert all(may(prod, OPERATOR, action) is Decision.SILENT for action in USE)
    assert all(may(prod, OPERATOR, action, way) is Decision.SILENT for action, way in product(ADMINISTRATION, WAYS))


def test_where_operators_put_values_deployers_can_only_attach_the_key(prod: Deployment) -> None:
    granted = {
        (action, *way.values())
        for action, way in product(USE, WAYS)
        if may(prod, DEPLOYER, action, way) is Decision.ALLOWED
    }
    assert granted == {("kms:Decrypt", *VALIDATION.values()), ("kms:GenerateDataKey", *VALIDATION.values())}
    assert may(prod, DEPLOYER, "kms:Decrypt") is Decision.DENIED


def test_where_values_come_from_config_deployers_encrypt_them() -> None:
    dev = store(context("dev"))
    pepper = "arn:aws:secretsmanager:us-east-1:111122223333:secret:tinybeans/dev/redaction-pepper-a1B2c3"
    through = {**THROUGH, "kms:EncryptionContext:SecretARN": pepper}
    assert may(dev, DEV_DEPLOYER, "kms:GenerateDataKey", through) is Decision.ALLOWED
    assert may(dev, DEV_DEPLOYER, "kms:GenerateDataKey") is Decision.DENIED
    read = Request(DEV_DEPLOYER, "secretsmanager:GetSecretValue", pepper, {"aws:SecureTransport": "true"})
    assert decide(read, dev.all(POLICY)[0].document("policy")) is Decision.DENIED


def test_somebody_must_be_able_to_put_values_where_operators_do() -> None:
    access = {**json.loads(stack_values("prod")["access"]), "secret_operators": []}
    with pytest.raises(InputError, match=r"access\.secret_operators: nobody may put a secret's value"):
        settings("prod", access=access)


@pytest.mark.parametrize("duty", ["deployers", "key_administrators"])
def test_who_puts_values_has_no_other_duty(duty: str) -> None:
    access = json.loads(stack_values("prod")["access"])
    with pytest.raises(InputError, match=f"is among both secret_operators and {duty}"):
        settings("prod", access={**access, "secret_operators": access[duty]})


def test_key_administrators_never_use_the_key_and_the_account_can_always_change_its_policy(prod: Deployment) -> None:
    assert all(may(prod, ADMINISTRATOR, action, way) is Decision.DENIED for action, way in product(USE, WAYS))
    assert may(prod, ROOT, "kms:PutKeyPolicy") is Decision.ALLOWED
    assert all(may(prod, ROOT, action, way) is Decision.SILENT for action, way in product(USE, WAYS))
    assert all(may(prod, who, DELETION) is Decision.SILENT for who in (ROOT, ADMINISTRATOR, DEPLOYER))


@pytest.mark.parametrize("stack", STACKS)
def test_no_statement_allows_a_wildcard_principal(stack: str) -> None:
    made = store(context(stack))
    documents = [made.one(KEY).document("policy"), *(item.document("policy") for item in made.all(POLICY))]
    for statement in (item for document in documents for item in document["Statement"]):
        named = statement["Principal"]["AWS"]
        assert named, statement["Sid"]
        assert statement["Effect"] == "Deny" or not any("*" in name for name in named), statement["Sid"]
    assert "null" not in json.dumps(documents)


def test_the_role_comes_before_the_key_and_the_key_before_the_secrets(prod: Deployment) -> None:
    assert prod.one("aws:iam/role:Role").urn in prod.one(KEY).depends_on
    assert all(prod.one(KEY).urn in item.depends_on for item in prod.all(SECRET))
    assert {item.urn for item in prod.all(SECRET)} <= prod.one(GRANT).depends_on


def test_the_key_rotates_as_the_policy_says(prod: Deployment) -> None:
    key, said = prod.one(KEY), context("prod").policy.data_classes.service_keys
    assert (key["enableKeyRotation"], key["rotationPeriodInDays"]) == (True, said.rotation_days)
    assert key["deletionWindowInDays"] == said.deletion_window_days
    assert key.protect
    assert prod.one("aws:kms/alias:Alias")["name"] == "alias/tinybeans/prod/secrets"


def test_children_belong_to_the_store() -> None:
    made = store(context("dev"))
    parent = made.one("tinybeans:logging:SecretStore")
    assert {item.parent for item in made.resources if item.name.startswith("secrets-")} == {parent.urn}
