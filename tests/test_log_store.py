"""A class's hot store: who may do what with its key, and a log group that is as the policy says.

What KMS and CloudWatch Logs would decide is evaluated on the documents; that they accept them is not proven here.
"""

import json
from itertools import product
from typing import Any, Protocol

import pulumi_aws as aws
import pytest
from pydantic import ValidationError

from infra.components.log_store import LogStore
from infra.components.reader_roles import ReaderRoles
from infra.context import Context
from infra.documents.data_protection import data_protection_policy
from infra.documents.insights import index_policy, saved_queries
from infra.documents.key_policy import ADMINISTRATION, DELETION, DEPLOYMENT
from infra.policy import DataClasses
from infra.policy.redaction import Redaction
from infra.problems import InputError
from tests.engine import Deployment, Registered, deploy
from tests.factories import STACKS, context, in_stack, policy
from tests.policy_evaluator import Decision, Request, decide

KEY, ALIAS = "aws:kms/key:Key", "aws:kms/alias:Alias"
GROUP, STREAM = "aws:cloudwatch/logGroup:LogGroup", "aws:cloudwatch/logStream:LogStream"
PROTECTION = "aws:cloudwatch/logDataProtectionPolicy:LogDataProtectionPolicy"
INDEX, QUERY = "aws:cloudwatch/logIndexPolicy:LogIndexPolicy", "aws:cloudwatch/queryDefinition:QueryDefinition"
CLASSES = tuple(policy().data_classes.classes)
EVERY_CLASS_OF_EVERY_STACK = list(product(STACKS, CLASSES))

WRITER = "arn:aws:iam::123456789012:role/writer"
HOT_READER = "arn:aws:iam::123456789012:role/hot"
ARCHIVE_READER = "arn:aws:iam::123456789012:role/archived"
ADMINISTRATOR = "arn:aws:iam::123456789012:role/tinybeans-key-admin"
DEPLOYER = "arn:aws:iam::123456789012:role/tinybeans-logging-deploy"
ROOT = "arn:aws:iam::123456789012:root"
LOGS, S3 = "logs.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com"
AUDIT_GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:/tinybeans/prod/audit"
OTHER_GROUP = "arn:aws:logs:us-east-1:123456789012:log-group:/tinybeans/prod/access"
AUDIT_BUCKET = "arn:aws:s3:::tinybeans-prod-logs-audit-123456789012-us-east-1"
OTHER_BUCKET = "arn:aws:s3:::tinybeans-prod-logs-access-123456789012-us-east-1"
USE = ("kms:CreateGrant", "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")

THROUGH_LOGS = {"kms:ViaService": LOGS, "kms:EncryptionContext:aws:logs:arn": AUDIT_GROUP}
THROUGH_S3 = {"kms:ViaService": S3, "kms:EncryptionContext:aws:s3:arn": AUDIT_BUCKET}
WAYS: list[dict[str, str]] = [
    {},
    THROUGH_LOGS,
    {**THROUGH_LOGS, "kms:EncryptionContext:aws:logs:arn": OTHER_GROUP},
    THROUGH_S3,
    {**THROUGH_S3, "kms:EncryptionContext:aws:s3:arn": OTHER_BUCKET},
    {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"},
]


class May(Protocol):
    """Answers whether a principal may do something with the audit key of prod."""

    def __call__(self, principal: str, action: str, keys: dict[str, str] | None = None) -> Decision: ...


def store(which: Context, cls: str, *, preview: bool = False, also: tuple[dict[str, Any], ...] = ()) -> Deployment:
    """Return the deployment of one class's store, alone in its stack."""
    return deploy(
        lambda: LogStore(
            cls,
            context=which,
            cls=cls,
            data_class=which.policy.data_classes.classes[cls],
            writer_arn=WRITER,
            hot_reader_arns=[HOT_READER],
            archive_reader_arns=[ARCHIVE_READER],
            also=also,
            opts=in_stack(),
        ),
        preview=preview,
    )


@pytest.fixture(name="prod_audit", scope="module")
def _prod_audit() -> Deployment:
    return store(context("prod"), "audit")


@pytest.fixture(name="may", scope="module")
def _may(prod_audit: Deployment) -> May:
    """Return who may do what with the audit key of prod."""
    document = prod_audit.one(KEY).document("policy")

    def decision(principal: str, action: str, keys: dict[str, str] | None = None) -> Decision:
        return decide(Request(principal, action, "the-key", keys or {}), document)

    return decision


@pytest.mark.parametrize(("stack", "cls"), EVERY_CLASS_OF_EVERY_STACK)
def test_every_class_of_every_stack_is_kept_as_the_policy_says(stack: str, cls: str) -> None:
    which = context(stack)
    made, data_class = store(which, cls), policy().data_classes.classes[cls]
    group, key = made.one(GROUP), made.one(KEY)
    assert group["name"] == f"/tinybeans/{stack}/{cls}"
    assert group["retentionInDays"] == getattr(data_class.hot_retention_days, stack)
    assert group["logGroupClass"] == "STANDARD"
    assert group["kmsKeyId"].endswith(f":{cls}-key")
    assert key["enableKeyRotation"] is True
    assert key["rotationPeriodInDays"] == data_class.key.rotation_days
    assert key["deletionWindowInDays"] == data_class.key.deletion_window_days
    assert made.one(ALIAS)["name"] == f"alias/tinybeans/{stack}/{cls}"
    assert made.one(ALIAS)["targetKeyId"] == f"{cls}-key-key-id"


def stateful(made: Deployment) -> list[Registered]:
    """Return what records are lost with."""
    return [item for item in made.resources if item.type in (KEY, GROUP, STREAM)]


@pytest.mark.parametrize("stack", STACKS)
def test_records_refuse_deletion_where_the_policy_protects_them(stack: str) -> None:
    which = context(stack)
    made = store(which, "audit")
    floor: bool = getattr(policy().data_classes.environments, stack).protect
    assert [item.protect for item in stateful(made)] == [floor] * len(stateful(made))
    assert made.one(GROUP)["deletionProtectionEnabled"] is floor
    assert floor is (stack == "prod")


def test_a_confirmed_teardown_lets_prod_go() -> None:
    made = store(context("prod", teardown_confirmed="prod"), "audit")
    assert not any(item.protect for item in stateful(made))
    assert made.one(GROUP)["deletionProtectionEnabled"] is False
    assert decide(Request(DEPLOYER, DELETION, "the-key"), made.one(KEY).document("policy")) is Decision.ALLOWED


def test_a_group_is_deleted_before_its_replacement_takes_the_name(prod_audit: Deployment) -> None:
    assert prod_audit.one(GROUP).delete_before_replace


def test_roles_come_before_the_key_and_the_key_before_the_group() -> None:
    which = context("prod")

    def build() -> None:
        options = in_stack()
        readers = ReaderRoles("readers", context=which, opts=options)
        writer = aws.iam.Role("writer", assume_role_policy="{}")
        data_class = which.policy.data_classes.classes["audit"]
        LogStore(
            "audit",
            context=which,
            cls="audit",
            data_class=data_class,
            writer_arn=writer.arn,
            hot_reader_arns=readers.arns(data_class.readers.hot),
            archive_reader_arns=readers.arns(data_class.readers.archived),
            opts=options,
        )

    made = deploy(build)
    roles = {
        made.one("aws:iam/role:Role", name).urn
        for name in ("writer", "readers-compliance-role", "readers-security-role")
    }
    assert roles <= made.one(KEY).depends_on
    assert made.one(KEY).urn in made.one(GROUP).depends_on
    assert made.one(GROUP).urn in made.one(PROTECTION).depends_on & made.one(INDEX).depends_on


def test_cloudwatch_logs_uses_the_key_for_this_group_only(may: May) -> None:
    context_of = "kms:EncryptionContext:aws:logs:arn"
    for action in ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptTo", "kms:DescribeKey"):
        assert may(LOGS, action, {context_of: AUDIT_GROUP}) is Decision.ALLOWED
        assert may(LOGS, action, {context_of: OTHER_GROUP}) is Decision.SILENT
        assert may(LOGS, action, {context_of: f"{AUDIT_GROUP}-copy"}) is Decision.SILENT
        assert may(LOGS, action) is Decision.SILENT
        assert may("logs.eu-west-1.amazonaws.com", action, {context_of: AUDIT_GROUP}) is Decision.SILENT


@pytest.mark.parametrize(
    ("account", "source", "expected"),
    [
        ("123456789012", f"{AUDIT_GROUP}:*", Decision.ALLOWED),
        ("123456789012", AUDIT_GROUP, Decision.ALLOWED),
        ("999999999999", f"{AUDIT_GROUP}:*", Decision.SILENT),
        ("123456789012", f"{OTHER_GROUP}:*", Decision.SILENT),
        ("123456789012", f"{AUDIT_GROUP}-copy:*", Decision.SILENT),
    ],
)
def test_exports_are_of_this_group_and_this_account(may: May, account: str, source: str, expected: Decision) -> None:
    keys = {"aws:SourceAccount": account, "aws:SourceArn": source}
    assert may(LOGS, "kms:GenerateDataKey", keys) is expected
    assert may(LOGS, "kms:Decrypt", keys) is expected
    assert may(LOGS, "kms:Encrypt", keys) is Decision.SILENT


@pytest.mark.parametrize(
    ("who", "keys", "actions"),
    [
        (WRITER, THROUGH_LOGS, {"kms:Decrypt", "kms:GenerateDataKey"}),
        (WRITER, THROUGH_S3, {"kms:Decrypt", "kms:GenerateDataKey"}),
        (HOT_READER, THROUGH_LOGS, {"kms:Decrypt"}),
        (ARCHIVE_READER, THROUGH_S3, {"kms:Decrypt"}),
    ],
)
def test_writer_and_readers_use_the_key_through_their_service_and_in_no_other_way(
    may: May, who: str, keys: dict[str, str], actions: set[str]
) -> None:
    assert {action for action in USE if may(who, action, keys) is Decision.ALLOWED} == actions
    granted = [way for way in WAYS if any(may(who, action, way) is Decision.ALLOWED for action in USE)]
    assert granted == ([THROUGH_LOGS, THROUGH_S3] if who == WRITER else [keys])


@pytest.mark.parametrize("who", [WRITER, HOT_READER, ARCHIVE_READER])
def test_who_reads_or_writes_cannot_administer(may: May, who: str) -> None:
    for action, keys in product([*ADMINISTRATION, DELETION], WAYS):
        assert may(who, action, keys) is Decision.SILENT


def test_who_administers_cannot_read(may: May) -> None:
    assert all(may(ADMINISTRATOR, action) is Decision.ALLOWED for action in ADMINISTRATION)
    for action, keys in product(USE, WAYS):
        assert may(ADMINISTRATOR, action, keys) is Decision.DENIED


def test_who_deploys_administers_no_more_than_deploying_needs(may: May) -> None:
    assert {action for action in ADMINISTRATION if may(DEPLOYER, action) is Decision.ALLOWED} == set(DEPLOYMENT)


def test_who_deploys_can_attach_the_key_to_its_group_and_use_it_in_no_other_way(may: May) -> None:
    for action, keys in product(USE, WAYS):
        attaching = keys == THROUGH_LOGS and action in ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")
        assert (may(DEPLOYER, action, keys) is Decision.ALLOWED) is attaching
    assert may(DEPLOYER, "kms:Decrypt") is Decision.DENIED
    assert may(DEPLOYER, "kms:Decrypt", THROUGH_S3) is Decision.DENIED


def test_the_account_can_always_change_the_key_policy_and_never_use_the_key(may: May) -> None:
    assert may(ROOT, "kms:PutKeyPolicy") is Decision.ALLOWED
    for action, keys in product(USE, WAYS):
        assert may(ROOT, action, keys) is Decision.SILENT


def test_nobody_can_delete_a_protected_key(may: May) -> None:
    for who in (ROOT, ADMINISTRATOR, DEPLOYER, WRITER, HOT_READER):
        assert may(who, DELETION) is Decision.SILENT


@pytest.mark.parametrize(("stack", "cls"), EVERY_CLASS_OF_EVERY_STACK)
def test_key_policies_name_every_principal(stack: str, cls: str) -> None:
    document = store(context(stack), cls).one(KEY).document("policy")
    for statement in document["Statement"]:
        named = [
            name for names in statement["Principal"].values() for name in ([names] if isinstance(names, str) else names)
        ]
        assert named, statement["Sid"]
        assert not any("*" in name for name in named), statement["Sid"]
    sids = [statement["Sid"] for statement in document["Statement"]]
    assert len(set(sids)) == len(sids)
    assert "null" not in json.dumps(document)
    assert len(json.dumps(document)) < 32_768  # KMS, quotas: key policy document size


def test_further_statements_join_the_key_policy() -> None:
    more = {"Sid": "Replicate", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/copy"},
            "Action": "kms:Decrypt", "Resource": "*"}  # fmt: skip
    document = store(context("prod"), "audit", also=(more,)).one(KEY).document("policy")
    assert document["Statement"][-1] == more


@pytest.mark.parametrize("cls", CLASSES)
def test_the_collector_has_its_stream_and_one_class_holds_the_quarantine(cls: str) -> None:
    streams = {item["name"] for item in store(context("prod"), cls).all(STREAM)}
    assert streams == ({"collector", "quarantine"} if cls == "security" else {"collector"})


def test_the_quarantine_belongs_to_a_class_that_exists() -> None:
    classes = {**policy().data_classes.model_dump(), "quarantine_class": "nowhere"}
    with pytest.raises(ValidationError, match="unknown class nowhere"):
        DataClasses.model_validate(classes)


@pytest.mark.parametrize("cls", CLASSES)
def test_data_protection_audits_and_masks_the_same_things(cls: str) -> None:
    document = store(context("prod"), cls).one(PROTECTION).document("policyDocument")
    audit, mask = document["Statement"]
    assert audit["DataIdentifier"] == mask["DataIdentifier"]
    assert audit["Operation"] == {"Audit": {"FindingsDestination": {}}}
    assert mask["Operation"] == {"Deidentify": {"MaskConfig": {}}}
    prefix = "arn:aws:dataprotection::aws:data-identifier/"
    managed = {
        prefix + entry.managed for rule in policy().redaction.rules for entry in rule.cloudwatch if entry.managed
    }
    custom = {entry["Name"]: entry["Regex"] for entry in document["Configuration"]["CustomDataIdentifier"]}
    assert set(audit["DataIdentifier"]) == managed | custom.keys()
    assert set(custom.values()) == {
        entry.custom for rule in policy().redaction.rules for entry in rule.cloudwatch if entry.custom
    }


def redaction(*rules: dict[str, Any]) -> Redaction:
    """Return a redaction policy of these rules, completed."""
    common = {"what": "Something sensitive.", "why": "A law says so.", "action": "mask", "keys": ["x"],
              "examples": ["x"], "look_alikes": ["y"]}  # fmt: skip
    return Redaction.model_validate({"version": 1, "rules": [{**common, **rule} for rule in rules]})


def test_data_protection_follows_the_classes_of_a_rule() -> None:
    rules = redaction(
        {"name": "everywhere", "cloudwatch": [{"managed": "EmailAddress"}]},
        {"name": "elsewhere", "classes": ["client"], "cloudwatch": [{"managed": "IpAddress"}]},
    )
    document = data_protection_policy("audit", rules, "aws-cn")
    assert document["Statement"][0]["DataIdentifier"] == ["arn:aws-cn:dataprotection::aws:data-identifier/EmailAddress"]
    assert "Configuration" not in document


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([{"name": "brackets", "cloudwatch": [{"custom": "(a|b)"}]}], "rules.brackets.cloudwatch: the expression"),
        ([{"name": "nothing"}], "no rule protects the class audit"),
        ([{"name": f"rule{at}", "cloudwatch": [{"custom": "abc"}]} for at in range(11)], "11 custom identifiers"),
        (
            [
                {"name": f"rule{at}", "cloudwatch": [{"managed": "A" * 100}, {"managed": f"{at}" * 9000}]}
                for at in range(2)
            ],
            "at most 30720",
        ),
    ],
)
def test_a_policy_that_cloudwatch_would_refuse_is_refused_first(rules: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(InputError) as caught:
        data_protection_policy("audit", redaction(*rules), "aws")
    assert said in str(caught.value)
    assert "policy/redaction.yaml" in str(caught.value)


def test_the_fields_that_the_policy_names_are_indexed_where_cloudwatch_keeps_them(prod_audit: Deployment) -> None:
    assert prod_audit.one(INDEX).document("policyDocument") == {
        "Fields": ["attributes.request_id", "attributes.user_id", "attributes.circle_id", "attributes.event"]
    }


def test_more_fields_than_cloudwatch_indexes_are_refused() -> None:
    data_class = policy().data_classes.classes["audit"]
    fields = tuple(f"field{at}" for at in range(21))
    with pytest.raises(InputError, match=r"classes\.audit\.index_fields: 21 fields. Allowed: at most 20"):
        index_policy("audit", data_class.model_copy(update={"index_fields": fields}))


def test_each_class_has_the_questions_that_its_records_can_answer() -> None:
    questions = {
        cls: {query.name for query in saved_queries(item)} for cls, item in policy().data_classes.classes.items()
    }
    common = {"one-request", "one-address", "errors-by-logger"}
    assert questions == {
        "audit": {*common, "one-user", "deletions-in-a-circle"},
        "security": {*common, "one-user", "failed-logins-by-address"},
        "application": {*common, "one-user"},
        "access": {*common, "one-user"},
        "client": common,
    }


def test_saved_queries_ask_this_group_only(prod_audit: Deployment) -> None:
    queries = prod_audit.all(QUERY)
    assert {item["name"].split("/")[0] for item in queries} == {"tinybeans-prod-audit"}
    assert all(item["logGroupNames"] == ["/tinybeans/prod/audit"] for item in queries)


def test_an_existing_group_is_taken_over_under_its_own_name() -> None:
    made = store(context("prod", adopt={"log_groups": {"audit": "/old/audit"}}), "audit")
    assert made.one(GROUP).import_id == made.one(GROUP)["name"] == "/old/audit"
    assert made.one(GROUP).ignore_changes == ()
    bound = next(
        item for item in made.one(KEY).document("policy")["Statement"] if item["Sid"] == "LogsEncryptThisGroup"
    )
    assert bound["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"].endswith("log-group:/old/audit")


def test_nothing_is_imported_unless_it_is_adopted(prod_audit: Deployment) -> None:
    assert not any(item.import_id for item in prod_audit.resources)


def test_a_preview_shows_everything_that_an_update_makes() -> None:
    kinds = [
        sorted((item.type, item.name) for item in store(context("prod"), "security", preview=preview).resources)
        for preview in (True, False)
    ]
    assert kinds[0] == kinds[1]


def test_a_preview_already_shows_what_does_not_wait_for_aws() -> None:
    made = store(context("prod"), "audit", preview=True)
    assert made.one(GROUP)["retentionInDays"] == 400
    assert made.one(KEY).document("policy")["Statement"]


def test_children_belong_to_the_store_and_carry_its_tags(prod_audit: Deployment) -> None:
    parent = prod_audit.one("tinybeans:logging:LogStore")
    children = [item for item in prod_audit.resources if item.type.startswith("aws:")]
    assert {item.parent for item in children} == {parent.urn}
    for item in (prod_audit.one(KEY), prod_audit.one(GROUP)):
        assert item["tags"].items() >= {"Component": "audit", "DataClass": "audit", "Environment": "prod"}.items()
