"""Readers reach exactly the classes that the policy says, by exactly the ways it says, and can alter nothing."""

import functools
import json
from collections.abc import Callable
from itertools import product
from typing import Any

import pulumi
import pytest

from infra.components.reader_grants import ReaderGrants
from infra.components.reader_roles import ReaderRoles
from infra.context import Context
from infra.documents.reader_policy import reader_trust
from infra.policy.data_classes import DataClass
from tests.engine import Deployment, deploy
from tests.factories import STACKS, context, in_stack, policy
from tests.policy_evaluator import Decision, Request, decide

ROLE, GRANT = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"
GROUPS = tuple(policy().data_classes.reader_groups)
CLASSES = policy().data_classes.classes
EVERY_GROUP_OF_EVERY_STACK = list(product(STACKS, GROUPS))

SEARCHING = (
    "logs:FilterLogEvents",
    "logs:GetLogRecord",
    "logs:GetQueryResults",
    "logs:StartLiveTail",
    "logs:StartQuery",
)
ALTERING = {
    "group": (
        "logs:AssociateKmsKey", "logs:CreateLogStream", "logs:DeleteDataProtectionPolicy", "logs:DeleteLogGroup",
        "logs:DeleteLogStream", "logs:DeleteRetentionPolicy", "logs:DisassociateKmsKey", "logs:PutDataProtectionPolicy",
        "logs:PutLogEvents", "logs:PutLogGroupDeletionProtection", "logs:PutRetentionPolicy",
        "logs:PutSubscriptionFilter",
    ),
    "objects": (
        "s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject",
        "s3:PutObjectLegalHold", "s3:PutObjectRetention",
    ),
    "bucket": (
        "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:PutBucketObjectLockConfiguration", "s3:PutBucketPolicy",
        "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
        "s3:PutReplicationConfiguration",
    ),
    "key": ("kms:CreateGrant", "kms:DisableKey", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"),
}  # fmt: skip
EVERYTHING = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}],
}


def readers(which: Context, *, preview: bool = False) -> Deployment:
    """Return the deployment of the stack's reader roles with their grants."""

    def build() -> ReaderRoles:
        options = in_stack()
        roles = ReaderRoles("readers", context=which, opts=options)
        keys = {cls: f"arn:aws:kms:us-east-1:123456789012:key/{cls}" for cls in CLASSES}
        ReaderGrants("reader-grants", context=which, roles=roles, key_arns=keys, opts=options)
        return roles

    return deploy(build, preview=preview)


@pytest.fixture(name="grant", scope="module")
def _grant() -> Callable[[str, str], dict[str, Any]]:
    """Return a group's permissions in a stack; each stack is built once."""
    made = {stack: readers(context(stack)) for stack in STACKS}

    def document(stack: str, group: str) -> dict[str, Any]:
        found: dict[str, Any] = made[stack].one(GRANT, f"reader-grants-{group}-policy").document("policy")
        return found

    return document


Grant = Callable[[str, str], dict[str, Any]]


@functools.cache
def places(stack: str, cls: str) -> dict[str, str]:
    """Return the ARNs of one class's group, bucket, objects and key."""
    which = context(stack)
    bucket = which.bucket_arn(which.archive_bucket(cls))
    return {
        "group": f"{which.log_group_arn(cls)}:*",
        "stream": f"{which.log_group_arn(cls)}:log-stream:collector",
        "bucket": bucket,
        "objects": f"{bucket}/otlp/x.json.gz",
        "key": f"arn:aws:kms:us-east-1:123456789012:key/{cls}",
    }


def reached(
    document: dict[str, Any], stack: str, action: str, place: str, keys: Callable[[str], dict[str, str]]
) -> set[str]:
    """Return the classes on whose `place` the document allows `action`."""
    return {
        cls
        for cls in CLASSES
        if decide(Request("reader", action, places(stack, cls)[place], keys(cls)), document) is Decision.ALLOWED
    }


def said(group: str, kind: str) -> set[str]:
    """Return the classes that the policy opens to `group`."""
    return {cls for cls, data_class in CLASSES.items() if group in getattr(data_class.readers, kind)}


def plain(_: str) -> dict[str, str]:
    """Return no condition keys."""
    return {}


@pytest.mark.parametrize(("stack", "group"), EVERY_GROUP_OF_EVERY_STACK)
def test_a_group_searches_the_classes_that_the_policy_says_and_no_others(grant: Grant, stack: str, group: str) -> None:
    document = grant(stack, group)
    for action in SEARCHING:
        assert reached(document, stack, action, "group", plain) == said(group, "hot"), action
    assert reached(document, stack, "logs:GetLogEvents", "stream", plain) == said(group, "hot")


@pytest.mark.parametrize(("stack", "group"), EVERY_GROUP_OF_EVERY_STACK)
def test_a_group_reads_the_archives_that_the_policy_says_and_no_others(grant: Grant, stack: str, group: str) -> None:
    document = grant(stack, group)
    for action, place in (
        ("s3:GetObject", "objects"),
        ("s3:GetObjectVersion", "objects"),
        ("s3:ListBucket", "bucket"),
    ):
        assert reached(document, stack, action, place, plain) == said(group, "archived"), action


@pytest.mark.parametrize(("stack", "group"), EVERY_GROUP_OF_EVERY_STACK)
def test_a_group_unmasks_the_classes_that_the_policy_says_and_no_others(grant: Grant, stack: str, group: str) -> None:
    assert reached(grant(stack, group), stack, "logs:Unmask", "group", plain) == said(group, "unmask")


@pytest.mark.parametrize(("stack", "group"), EVERY_GROUP_OF_EVERY_STACK)
def test_a_group_decrypts_what_it_may_read_through_the_service_that_holds_it(
    grant: Grant, stack: str, group: str
) -> None:
    which = context(stack)

    def through_logs(cls: str) -> dict[str, str]:
        return {
            "kms:ViaService": "logs.us-east-1.amazonaws.com",
            "kms:EncryptionContext:aws:logs:arn": which.log_group_arn(cls),
        }

    def through_s3(cls: str) -> dict[str, str]:
        return {
            "kms:ViaService": "s3.us-east-1.amazonaws.com",
            "kms:EncryptionContext:aws:s3:arn": places(stack, cls)["bucket"],
        }

    document = grant(stack, group)
    assert reached(document, stack, "kms:Decrypt", "key", through_logs) == said(group, "hot")
    assert reached(document, stack, "kms:Decrypt", "key", through_s3) == said(group, "archived")
    assert reached(document, stack, "kms:Decrypt", "key", plain) == set()


@pytest.mark.parametrize(("stack", "group"), EVERY_GROUP_OF_EVERY_STACK)
def test_no_reader_alters_anything_whatever_else_its_role_may(grant: Grant, stack: str, group: str) -> None:
    document = grant(stack, group)
    for cls, (place, actions) in product(CLASSES, ALTERING.items()):
        for action in actions:
            request = Request("reader", action, places(stack, cls)[place])
            assert decide(request, document, EVERYTHING) is Decision.DENIED, (cls, action)
    for action in ("logs:PutAccountPolicy", "logs:DeleteResourcePolicy", "logs:PutQueryDefinition"):
        assert decide(Request("reader", action, "*"), document, EVERYTHING) is Decision.DENIED


@pytest.mark.parametrize(("stack", "group"), EVERY_GROUP_OF_EVERY_STACK)
def test_grants_are_exact(grant: Grant, stack: str, group: str) -> None:
    document = grant(stack, group)
    for statement in document["Statement"]:
        if statement["Effect"] == "Allow":
            assert not any("*" in action for action in statement["Action"]), statement["Sid"]
            assert statement["Sid"] == "FindTheWay" or "*" not in statement["Resource"], statement["Sid"]
        assert statement["Resource"], statement["Sid"]
        assert statement["Sid"].isalnum()  # IAM refuses other characters
    assert len(json.dumps(document, separators=(",", ":"))) < 10_240  # IAM quota: inline policies of a role
    assert "null" not in json.dumps(document)


def test_objects_that_sleep_can_be_woken_by_who_may_read_them(grant: Grant) -> None:
    def needs_waking(data_class: DataClass, stack: str) -> bool:
        tiers = getattr(data_class.archive, stack).tiers
        return any(tier.storage_class in ("GLACIER", "DEEP_ARCHIVE") for tier in tiers)

    for stack, group in EVERY_GROUP_OF_EVERY_STACK:
        asleep = {cls for cls, data_class in CLASSES.items() if needs_waking(data_class, stack)}
        woken = reached(grant(stack, group), stack, "s3:RestoreObject", "objects", plain)
        assert woken == asleep & said(group, "archived")
    assert reached(grant("prod", "compliance"), "prod", "s3:RestoreObject", "objects", plain) == {"audit"}


@pytest.mark.parametrize("stack", STACKS)
def test_there_is_one_role_for_each_group_of_the_policy(stack: str) -> None:
    made = readers(context(stack))
    assert len(made.all(ROLE)) == len(made.all(GRANT)) == len(GROUPS)
    for name, group in policy().data_classes.reader_groups.items():
        role = made.one(ROLE, f"readers-{name}-role")
        assert role["name"] == f"tinybeans-{stack}-reader-{name}"
        assert role["maxSessionDuration"] == group.session_hours * 3600


def test_people_come_through_the_identity_provider_meant_for_aws() -> None:
    trust = readers(context("prod")).one(ROLE, "readers-compliance-role").document("assumeRolePolicy")
    provider = "arn:aws:iam::123456789012:saml-provider/TinybeansIdP"
    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"Federated": provider}
    assert statement["Action"] == "sts:AssumeRoleWithSAML"
    assert statement["Condition"] == {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}


def test_stated_principals_come_by_name() -> None:
    trust = readers(context("sandbox")).one(ROLE, "readers-on-call-role").document("assumeRolePolicy")
    (statement,) = trust["Statement"]
    assert statement["Principal"] == {"AWS": ["arn:aws:iam::123456789012:role/sandbox-on-call"]}
    assert statement["Action"] == "sts:AssumeRole"


def test_both_ways_in_can_stand_beside_each_other() -> None:
    trust = reader_trust(saml_provider_arn="arn:saml", principals=["arn:b", "arn:a"], partition="aws-us-gov")
    assert [statement["Action"] for statement in trust["Statement"]] == ["sts:AssumeRoleWithSAML", "sts:AssumeRole"]
    assert trust["Statement"][0]["Condition"]["StringEquals"]["SAML:aud"] == "https://signin.amazonaws-us-gov.com/saml"
    assert trust["Statement"][1]["Principal"]["AWS"] == ["arn:a", "arn:b"]


@pytest.mark.parametrize("stack", STACKS)
def test_nobody_who_deploys_or_administers_keys_is_trusted_and_no_principal_is_a_wildcard(stack: str) -> None:
    access = context(stack).settings.access
    others = {*access.deployers, *access.key_administrators, *access.secret_operators}
    for item in readers(context(stack)).all(ROLE):
        for statement in item.document("assumeRolePolicy")["Statement"]:
            (named,) = statement["Principal"].values()
            trusted = {named} if isinstance(named, str) else set(named)
            assert not trusted & others
            assert not any("*" in arn for arn in trusted)


def test_roles_wait_for_no_key_and_grants_come_after_roles() -> None:
    made = readers(context("prod"))
    for group in GROUPS:
        role = made.one(ROLE, f"readers-{group}-role")
        assert not any("kms" in urn for urn in role.depends_on)
        assert role.urn in made.one(GRANT, f"reader-grants-{group}-policy").depends_on


def test_the_arns_of_groups_come_in_the_order_asked() -> None:
    def build() -> list[str]:
        seen: list[str] = []
        roles = ReaderRoles("readers", context=context("prod"), opts=in_stack())
        pulumi.Output.all(*roles.arns(["security", "compliance"])).apply(seen.extend)
        return seen

    assert [arn.rsplit(":", 1)[1] for arn in deploy(build).result] == [
        "readers-security-role",
        "readers-compliance-role",
    ]


def test_a_preview_shows_everything_that_an_update_makes() -> None:
    shown = [
        sorted(item.name for item in readers(context("prod"), preview=preview).resources) for preview in (True, False)
    ]
    assert shown[0] == shown[1]
