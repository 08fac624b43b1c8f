"""Outside checkers find nothing in dev, staging and prod that policy/exceptions.yaml does not accept, and would if there were.

parliament judges the policies of roles, cfn-lint a CloudFormation template, checkov a Terraform plan, all made from
what the whole program registers under mocks. The sandbox stack is left out: nothing of it reaches AWS.
"""

import dataclasses
import datetime
import functools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.model import Environment
from infra.policy.exceptions import AcceptedFinding, Checker
from sandbox.tools.environment import EnvironmentFailedError
from tests.checkers.aws_names import as_aws_names_them
from tests.checkers.cfn_lint import cfn_lint
from tests.checkers.checkov import SILENT, Verdict, checkov, installed, unjudged
from tests.checkers.cloudformation import UnknownTypeError, template
from tests.checkers.findings import Finding, complaint, stale, unaccepted
from tests.checkers.identity_policies import parliament
from tests.checkers.plan import plan, terraform_type
from tests.collector_stack import build, locked_down
from tests.engine import Registered, deploy
from tests.factories import ROOT, policy
from tests.programs import Form, program

pytestmark = pytest.mark.checker  # some need an environment of their own, and all of them time

JUDGED = ("dev", "staging", "prod")
WITHOUT_EGRESS = "prod+endpoints"
GROUP, KEY = "aws:cloudwatch/logGroup:LogGroup", "aws:kms/key:Key"
BUCKET, TASK = "aws:s3/bucket:Bucket", "aws:ecs/taskDefinition:TaskDefinition"
GRANT, BUCKET_POLICY = "aws:iam/rolePolicy:RolePolicy", "aws:s3/bucketPolicy:BucketPolicy"
OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
ALARM, TOPIC = "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:sns/topic:Topic"
PART_OF_PROD = (
    "access-logs-",
    "alarms-export-late-audit",
    "audit-",
    "collector-config-",
    "collector-task",
    "notifications-platform-page-topic",
    "reader-grants-compliance-",
    "readers-compliance-",
)
Resources = Sequence[Registered]


@functools.cache
def stacks() -> Mapping[str, Resources]:
    """Return what each stack registers, and the collector of a prod stack without a way out but VPC endpoints.

    Configurations travel as objects, so that there is one to judge.
    """
    here = locked_down()
    return {
        **{stack: as_aws_names_them(program(stack, form=Form.OBJECT).resources) for stack in JUDGED},
        WITHOUT_EGRESS: as_aws_names_them(deploy(lambda: build(here)).resources),
    }


def part_of_prod() -> Resources:
    """Return one class's resources, one reader's and the task definition: enough to break something of each kind."""
    return [item for item in stacks()["prod"] if item.name.startswith(PART_OF_PROD)]


def changed(resources: Resources, type_: str, name: str, **inputs: Any) -> list[Registered]:
    """Return `resources` with other inputs of one of them; None removes an input."""
    (_,) = [item for item in resources if (item.type, item.name) == (type_, name)]

    def other(item: Registered) -> Registered:
        merged = {key: value for key, value in {**item.inputs, **inputs}.items() if value is not None}
        return dataclasses.replace(item, inputs=merged)

    return [other(item) if (item.type, item.name) == (type_, name) else item for item in resources]


def without(resources: Resources, *names: str) -> list[Registered]:
    """Return `resources` without those of these names, each of which there must be."""
    assert set(names) <= {item.name for item in resources}
    return [item for item in resources if item.name not in names]


def with_statement(resources: Resources, type_: str, name: str, key: str, statement: Mapping[str, Any]) -> Resources:
    """Return `resources` with one more statement in one of their policies."""
    (item,) = [item for item in resources if (item.type, item.name) == (type_, name)]
    document = item.document(key)
    document["Statement"].append({"Sid": "Broken", "Effect": "Allow", **statement})
    return changed(resources, type_, name, **{key: json.dumps(document)})


def accounted_for(findings: Sequence[Finding], checker: Checker) -> None:
    """Fail for each finding that is not accepted, and for each exception that accepts nothing."""
    exceptions = policy().exceptions.exceptions
    left = unaccepted(findings, exceptions)
    assert not left, complaint(left)
    assert stale(findings, exceptions, checker) == [], "nothing to accept here any more: policy/exceptions.yaml"


def ids_of(findings: Sequence[Finding], resource: str) -> set[str]:
    return {it.id for it in findings if it.resource == resource}


# parliament


def test_parliament_finds_nothing_in_any_roles_policy_that_is_not_accepted() -> None:
    accounted_for(
        [it for stack, resources in stacks().items() for it in parliament(resources, stack=stack)], Checker.PARLIAMENT
    )


@pytest.mark.parametrize(
    ("statement", "id_"),
    [
        ({"Action": "iam:*", "Resource": "*"}, "PRIVILEGE_ESCALATION"),
        ({"Action": "s3:GetObject", "Resource": "*"}, "RESOURCE_STAR"),
        ({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::tinybeans"}, "RESOURCE_MISMATCH"),
        (
            {
                "Action": "logs:GetLogEvents",
                "Resource": "arn:aws:logs:us-east-1:123456789012:log-group:/a:log-stream:*",
                "Condition": {"StringEquals": {"s3:prefix": "a"}},
            },
            "UNKNOWN_CONDITION_FOR_ACTION",
        ),
        (
            {"Action": ["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"], "Resource": "*"},
            "PRIVILEGE_ESCALATION",
        ),
    ],
)
def test_parliament_bites(statement: Mapping[str, Any], id_: str) -> None:
    grant = "reader-grants-compliance-policy"
    sound = parliament(part_of_prod(), stack="prod")
    broken = parliament(with_statement(part_of_prod(), GRANT, grant, "policy", statement), stack="prod")
    assert id_ in ids_of(broken, f"{GRANT}/{grant}") - ids_of(sound, f"{GRANT}/{grant}")


# cfn-lint


@pytest.mark.timeout(600)
def test_cfn_lint_finds_nothing_that_is_not_accepted() -> None:
    accounted_for(
        [it for stack, resources in stacks().items() for it in cfn_lint(resources, stack=stack)], Checker.CFN_LINT
    )


@functools.cache
def bitten_by_cfn_lint() -> tuple[Finding, ...]:
    broken: Resources = changed(part_of_prod(), GROUP, "audit-group", retentionInDays=31)
    broken = changed(broken, TASK, "collector-task", cpu="300")
    broken = with_statement(broken, GRANT, "reader-grants-compliance-policy", "policy", _said("s3:GetObjekt"))
    broken = with_statement(broken, KEY, "audit-key", "policy", {**_said("kms:Dekrypt"), "Principal": {"AWS": "*"}})
    broken = with_statement(broken, BUCKET_POLICY, "audit-archive-policy", "policy", _said("s3:GetObject"))
    broken = changed(
        broken,
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        "audit-archive-object-lock",
        rule={"defaultRetention": {"mode": "FOREVER", "days": 1}},
    )
    broken = changed(broken, ALARM, "alarms-export-late-audit", treatMissingData="ring the bell", period=45)
    return tuple(cfn_lint(broken, stack="prod"))


def _said(action: str) -> dict[str, Any]:
    return {"Action": action, "Resource": "*"}


@pytest.mark.parametrize(
    ("resource", "id_", "what"),
    [
        (f"{GROUP}/audit-group", "E3030", "RetentionInDays: 31"),
        (f"{TASK}/collector-task", "E3047", "300"),
        (f"{ALARM}/alarms-export-late-audit", "E3030", "ring the bell"),
        (f"{GRANT}/reader-grants-compliance-policy", "W3037", "getobjekt"),
        (f"{KEY}/audit-key", "W3037", "dekrypt"),
        (f"{BUCKET_POLICY}/audit-archive-policy", "E3512", "Principal"),
        (f"{BUCKET}/audit-archive-bucket", "E3030", "FOREVER"),
    ],
)
def test_cfn_lint_bites(resource: str, id_: str, what: str) -> None:
    assert [it for it in bitten_by_cfn_lint() if (it.resource, it.id) == (resource, id_) and what in it.message]


def test_a_type_that_cfn_lint_would_not_be_shown_is_refused_by_name() -> None:
    unknown = dataclasses.replace(part_of_prod()[0], type="aws:mq/broker:Broker")
    with pytest.raises(UnknownTypeError, match=r"aws:mq/broker:Broker: add it to KINDS"):
        template([unknown])


# checkov


def there_or_skipped(checkout: Path) -> Path:
    """Return checkov's executable; without it, fail where CI is set and skip the test elsewhere, saying why."""
    try:
        return installed(checkout)
    except EnvironmentFailedError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"checkov could not be installed here: {error}")


@pytest.fixture(name="verdict", scope="module")
def _verdict(tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    """Return what checkov says of the stacks and of a part of prod that is broken, in one run: starting it is slow."""
    broken: Resources = changed(part_of_prod(), GROUP, "audit-group", kmsKeyId=None, retentionInDays=30)
    broken = changed(broken, KEY, "audit-key", enableKeyRotation=False)
    broken = changed(
        broken,
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "access-logs-public-access-block",
        blockPublicPolicy=False,
    )
    broken = changed(broken, OBJECT, "collector-config-object", kmsKeyId=None)
    broken = changed(broken, TOPIC, "notifications-platform-page-topic", kmsMasterKeyId=None)
    broken = with_statement(broken, GRANT, "reader-grants-compliance-policy", "policy", _said("*"))
    broken = with_statement(
        broken, BUCKET_POLICY, "audit-archive-policy", "policy", {**_said("s3:*"), "Principal": {"AWS": "*"}}
    )
    broken = without(broken, "audit-archive-public-access-block", "audit-archive-lifecycle", "audit-archive-encryption")
    return checkov(
        there_or_skipped(ROOT), {**stacks(), "prod+broken": broken}, tmp_path_factory.mktemp("terraform-plans")
    )


@pytest.mark.timeout(900)
def test_checkov_finds_nothing_that_is_not_accepted(verdict: Verdict) -> None:
    accounted_for([it for it in verdict.findings if it.stack in stacks()], Checker.CHECKOV)


@pytest.mark.timeout(900)
def test_checkov_judges_every_type_that_it_is_not_known_to_pass_over(verdict: Verdict) -> None:
    assert unjudged(verdict, stacks()) == {}
    assert verdict.judged & SILENT == set()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("resource", "id_"),
    [
        (f"{GROUP}/audit-group", "CKV_AWS_158"),  # no key
        (f"{GROUP}/audit-group", "CKV_AWS_338"),  # kept for less than a year
        (f"{KEY}/audit-key", "CKV_AWS_7"),  # not rotated
        (f"{BUCKET}/audit-archive-bucket", "CKV2_AWS_6"),  # no public access block
        (f"{BUCKET}/audit-archive-bucket", "CKV2_AWS_61"),  # no lifecycle
        (f"{BUCKET}/audit-archive-bucket", "CKV_AWS_145"),  # not encrypted with KMS
        ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock/access-logs-public-access-block", "CKV_AWS_54"),
        (f"{OBJECT}/collector-config-object", "CKV_AWS_186"),  # not with the customer's key
        (f"{TOPIC}/notifications-platform-page-topic", "CKV_AWS_26"),  # not encrypted
        (f"{BUCKET_POLICY}/audit-archive-policy", "CKV_AWS_70"),  # open to everybody
        (f"{GRANT}/reader-grants-compliance-policy", "CKV_AWS_62"),  # an administrator
    ],
)
def test_checkov_bites(verdict: Verdict, resource: str, id_: str) -> None:
    by_stack = {
        stack: {it.id for it in verdict.findings if (it.resource, it.stack) == (resource, stack)}
        for stack in ("prod", "prod+broken")
    }
    assert id_ in by_stack["prod+broken"] - by_stack["prod"]


def test_checkov_that_cannot_be_installed_fails_in_ci_and_is_skipped_with_the_reason_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_checkout: Path) -> Path:
        raise EnvironmentFailedError("could not install the packages")

    monkeypatch.setattr("tests.test_checkers.installed", fail)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(EnvironmentFailedError):
        there_or_skipped(ROOT)
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="could not install the packages"):
        there_or_skipped(ROOT)


# What the checkers are shown


def test_a_plan_has_terraforms_names_blocks_and_references() -> None:
    items = part_of_prod()
    made = plan(items)["planned_values"]["root_module"]["resources"]
    encryption = next(it for it in made if it["address"].endswith("_configuration.audit-archive-encryption"))
    assert encryption["type"] == "aws_s3_bucket_server_side_encryption_configuration"
    (rule,) = encryption["values"]["rule"]
    (default,) = rule["apply_server_side_encryption_by_default"]
    assert default["sse_algorithm"] == "aws:kms"
    configured = plan(items)["configuration"]["root_module"]["resources"]
    (references,) = [it["expressions"] for it in configured if it["address"] == encryption["address"]]
    assert references["bucket"] == {"references": ["aws_s3_bucket.audit-archive-bucket"]}
    assert references["rule"] == {"references": ["aws_kms_key.audit-key"]}


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("aws:cloudwatch/logGroup:LogGroup", "aws_cloudwatch_log_group"),
        ("aws:ec2/securityGroup:SecurityGroup", "aws_security_group"),
        ("aws:lb/targetGroup:TargetGroup", "aws_lb_target_group"),
        ("aws:s3/inventory:Inventory", "aws_s3_bucket_inventory"),
    ],
)
def test_terraforms_type_follows_from_the_token(token: str, expected: str) -> None:
    assert terraform_type(token) == expected


def test_no_invented_arn_or_id_reaches_a_checker() -> None:
    text = json.dumps([dict(item.inputs) for item in stacks()["prod"]])
    assert "arn:aws:iam:us-east-1" not in text
    assert "-role-id" not in text
    assert "-group-id" not in text


def test_a_bucket_and_its_parts_become_one_resource() -> None:
    document, _ = template(part_of_prod())
    (bucket,) = [
        it["Properties"]
        for it in document["Resources"].values()
        if it["Type"] == "AWS::S3::Bucket"
        and "logs-audit" in it["Properties"]["BucketName"]
        and "ReplicationConfiguration" in it["Properties"]
    ]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"] is True
    assert bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Mode"] == "COMPLIANCE"
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["BucketKeyEnabled"] is True


# What is accepted


def finding(**other: Any) -> Finding:
    usual = Finding(Checker.CHECKOV, "CKV_AWS_145", f"{BUCKET}/access-logs-bucket", "not with KMS", "prod")
    return dataclasses.replace(usual, **other)


def exception(**other: Any) -> AcceptedFinding:
    usual = AcceptedFinding(
        checker=Checker.CHECKOV,
        finding="CKV_AWS_145",
        resources=(f"{BUCKET}/access-logs-*",),
        environments=(Environment.PROD,),
        reason="S3 delivers to no other kind of bucket",
        compensation="it holds no log record",
        owner="platform-engineering",
        expires=datetime.date(2027, 11, 1),
    )
    return usual.model_copy(update=other)


@pytest.mark.parametrize(
    "other",
    [
        {"checker": Checker.PARLIAMENT},
        {"id": "CKV_AWS_18"},
        {"resource": f"{BUCKET}/audit-archive-bucket"},
        {"stack": "staging"},
    ],
)
def test_an_exception_accepts_its_own_finding_on_its_own_resources_in_its_own_environments_only(
    other: dict[str, Any],
) -> None:
    assert unaccepted([finding(), finding(**other)], [exception()]) == [finding(**other)]


def test_a_variation_of_a_stack_is_judged_by_the_exceptions_of_its_environment() -> None:
    assert unaccepted([finding(stack=WITHOUT_EGRESS)], [exception()]) == []


def test_an_exception_is_stale_for_each_resource_and_environment_where_nothing_is_left_of_it() -> None:
    wide = exception(
        resources=(f"{BUCKET}/access-logs-*", f"{BUCKET}/gone"), environments=(Environment.DEV, Environment.PROD)
    )
    assert stale([finding()], [wide], Checker.CHECKOV) == [
        f"CKV_AWS_145 on {BUCKET}/access-logs-* in dev",
        f"CKV_AWS_145 on {BUCKET}/gone in dev",
        f"CKV_AWS_145 on {BUCKET}/gone in prod",
    ]
    assert stale([finding()], [wide], Checker.PARLIAMENT) == []


def test_a_complaint_names_each_finding_once_with_its_stacks_and_says_what_to_do() -> None:
    text = complaint([finding(), finding(stack="dev")])
    assert f"checkov CKV_AWS_145 on {BUCKET}/access-logs-bucket (dev, prod): not with KMS" in text
    assert "policy/exceptions.yaml" in text
