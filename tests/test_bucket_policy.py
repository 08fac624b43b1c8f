"""What the archive's bucket policies decide, request by request."""

from typing import Any

import pytest

from infra.policy.archive import LockMode
from tests.archive_stack import CLASSES, EXPORTER, POLICY, WRITER, archives_of, declare, key_arn
from tests.engine import deploy
from tests.factories import STACKS, context
from tests.policy_evaluator import Decision, Request, decide, listed

SSE, KEY = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
SSE_C = "s3:x-amz-server-side-encryption-customer-algorithm"
TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
LOGS = "logs.us-east-1.amazonaws.com"
ROOT = "arn:aws:iam::123456789012:root"
KEEPER = "arn:aws:iam::123456789012:role/tinybeans-prod-archive-keepers"
DEPLOYER = "arn:aws:iam::123456789012:role/tinybeans-logging-deploy"
AUDIT = "arn:aws:s3:::tinybeans-prod-logs-audit-123456789012-us-east-1"
REPLICA = "arn:aws:s3:::tinybeans-prod-logs-audit-123456789012-us-west-2"
ACCESS_LOGS = "arn:aws:s3:::tinybeans-prod-access-logs-123456789012-us-east-1"
EXPORT = {
    **TLS,
    "s3:x-amz-acl": "bucket-owner-full-control",
    "aws:SourceAccount": "123456789012",
    "aws:SourceArn": "arn:aws:logs:us-east-1:123456789012:log-group:/tinybeans/prod/audit:*",
}
ANY_ALLOWANCE: dict[str, Any] = {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
"""An identity policy that grants everything: what is left is what the bucket policy refuses."""


def policy(name: str = "audit-archive", stack: str = "prod") -> dict[str, Any]:
    document: dict[str, Any] = archives_of(stack).one(POLICY, f"{name}-policy").document("policy")
    return document


def put(by: str = WRITER, on: str = f"{AUDIT}/otlp/1.json.gz", **changed: str) -> Request:
    keys = {**TLS, **{name: value for name, value in changed.items() if value}}
    return Request(by, "s3:PutObject", on, keys)


def with_rights(request: Request, name: str = "audit-archive") -> Decision:
    return decide(request, policy(name), ANY_ALLOWANCE)


def test_an_object_without_encryption_headers_is_accepted_for_the_bucket_gives_it_the_class_key() -> None:
    assert with_rights(put()) is Decision.ALLOWED
    assert decide(Request(LOGS, "s3:PutObject", f"{AUDIT}/export/1.gz", EXPORT), policy()) is Decision.ALLOWED


def test_an_object_that_names_the_class_key_is_accepted() -> None:
    assert with_rights(put(**{SSE: "aws:kms", KEY: key_arn("audit")})) is Decision.ALLOWED


@pytest.mark.parametrize(
    "headers",
    [
        {SSE: "AES256"},
        {SSE: "aws:kms:dsse"},
        {SSE: "aws:kms", KEY: key_arn("client")},
        {SSE: "aws:kms", KEY: "arn:aws:kms:us-east-1:999999999999:key/audit"},
        {SSE_C: "AES256"},
    ],
    ids=["keys of S3", "another algorithm", "another class's key", "another account's key", "the sender's own key"],
)
def test_an_object_that_asks_for_another_encryption_or_key_is_refused(headers: dict[str, str]) -> None:
    assert with_rights(put(**headers)) is Decision.DENIED


@pytest.mark.parametrize("name", ["audit-archive", "audit-replica", "access-logs", "read-trail"])
@pytest.mark.parametrize("keys", [{"aws:SecureTransport": "false"}, {**TLS, "s3:TlsVersion": "1.1"}])
def test_no_bucket_answers_over_plain_http_or_old_tls(name: str, keys: dict[str, str]) -> None:
    bucket = next(listed(it["Resource"])[0] for it in policy(name)["Statement"] if it["Sid"] == "DenyInsecureTransport")

    for action, resource in (("s3:GetObject", f"{bucket}/any"), ("s3:ListBucket", bucket)):
        assert with_rights(Request(DEPLOYER, action, resource, TLS), name) is Decision.ALLOWED
        assert with_rights(Request(DEPLOYER, action, resource, keys), name) is Decision.DENIED


def test_only_the_collector_writes_where_collected_records_are() -> None:
    assert with_rights(put(by=DEPLOYER)) is Decision.DENIED
    assert with_rights(put(by=LOGS)) is Decision.DENIED
    assert with_rights(put(by=DEPLOYER, on=f"{AUDIT}/elsewhere.json")) is Decision.ALLOWED


def test_only_the_export_writes_manifests() -> None:
    manifest = f"{AUDIT}/manifests/chain/group/99999998.json"
    assert with_rights(put(by=EXPORTER, on=manifest)) is Decision.ALLOWED
    assert with_rights(put(by=DEPLOYER, on=manifest)) is Decision.DENIED
    assert with_rights(put(by=WRITER, on=manifest)) is Decision.DENIED


def test_no_role_or_user_writes_where_exports_are() -> None:
    person = {"aws:PrincipalIsAWSService": "false"}
    for somebody in (DEPLOYER, WRITER, EXPORTER):
        assert with_rights(put(by=somebody, on=f"{AUDIT}/export/1.gz", **person)) is Decision.DENIED
    service = {**EXPORT, "aws:PrincipalIsAWSService": "true"}
    assert decide(Request(LOGS, "s3:PutObject", f"{AUDIT}/export/1.gz", service), policy()) is Decision.ALLOWED


def test_cloudwatch_may_export_this_classs_group_of_this_account_under_its_prefix() -> None:
    look = Request(LOGS, "s3:GetBucketAcl", AUDIT, EXPORT)

    assert decide(look, policy()) is Decision.ALLOWED
    bare = EXPORT["aws:SourceArn"].removesuffix(":*")
    assert decide(Request(LOGS, look.action, AUDIT, {**EXPORT, "aws:SourceArn": bare}), policy()) is Decision.ALLOWED


@pytest.mark.parametrize(
    ("place", "changed"),
    [
        ("otlp/1.gz", {}),
        ("manifests/1.gz", {}),
        ("exported/1.gz", {}),
        ("export/1.gz", {"aws:SourceAccount": "999999999999"}),
        ("export/1.gz", {"aws:SourceArn": "arn:aws:logs:us-east-1:123456789012:log-group:/tinybeans/prod/client:*"}),
        ("export/1.gz", {"aws:SourceArn": "arn:aws:logs:us-east-1:123456789012:log-group:/tinybeans/prod/audit2:*"}),
        ("export/1.gz", {"aws:SourceArn": "arn:aws:logs:us-east-1:999999999999:log-group:/tinybeans/prod/audit:*"}),
        ("export/1.gz", {"s3:x-amz-acl": "private"}),
    ],
)
def test_cloudwatch_may_export_nothing_else_and_nowhere_else(place: str, changed: dict[str, str]) -> None:
    request = Request(LOGS, "s3:PutObject", f"{AUDIT}/{place}", {**EXPORT, **changed})

    assert decide(request, policy()) is not Decision.ALLOWED


@pytest.mark.parametrize("name", ["audit-archive", "client-archive", "audit-replica", "access-logs", "read-trail"])
@pytest.mark.parametrize("who", [ROOT, DEPLOYER, WRITER, "s3.amazonaws.com"])
@pytest.mark.parametrize(
    "action", ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention", "s3:PutObjectRetention"]
)
def test_nobody_deletes_what_is_kept_or_touches_its_lock(name: str, who: str, action: str) -> None:
    objects = next(it["Resource"] for it in policy(name)["Statement"] if it["Sid"] == "DenyTampering")

    assert with_rights(Request(who, action, objects.replace("*", "otlp/1"), TLS), name) is Decision.DENIED


@pytest.mark.parametrize("who", [ROOT, DEPLOYER, WRITER, "s3.amazonaws.com"])
@pytest.mark.parametrize("name", ["audit-archive", "client-archive"])
def test_nobody_but_the_keepers_holds_releases_locks_or_writes_the_register(name: str, who: str) -> None:
    bucket = next(it["Resource"] for it in policy(name)["Statement"] if it["Sid"] == "DenyTampering").removesuffix("/*")

    for action, key in (("s3:PutObjectLegalHold", "otlp/1"), ("s3:PutObject", "register/00000001.json")):
        assert with_rights(Request(who, action, f"{bucket}/{key}", TLS), name) is Decision.DENIED
        assert with_rights(Request(KEEPER, action, f"{bucket}/{key}", TLS), name) is Decision.ALLOWED


@pytest.mark.parametrize(
    ("name", "mode", "days", "wanted"),
    [
        ("audit-archive", "COMPLIANCE", "3653", Decision.ALLOWED),
        ("audit-archive", "COMPLIANCE", "3654", Decision.DENIED),
        ("audit-archive", "GOVERNANCE", "10", Decision.DENIED),
        ("client-archive", "GOVERNANCE", "3653", Decision.ALLOWED),
        ("client-archive", "COMPLIANCE", "10", Decision.DENIED),
    ],
)
def test_the_keepers_extend_a_lock_in_the_classs_mode_and_as_far_as_policy_lets_them(
    name: str, mode: str, days: str, wanted: Decision
) -> None:
    objects = next(it["Resource"] for it in policy(name)["Statement"] if it["Sid"] == "DenyTampering")
    keys = {**TLS, "s3:object-lock-mode": mode, "s3:object-lock-remaining-retention-days": days}
    request = Request(KEEPER, "s3:PutObjectRetention", objects.replace("*", "otlp/1"), keys)

    assert with_rights(request, name) is wanted
    assert with_rights(Request(DEPLOYER, request.action, request.resource, keys), name) is Decision.DENIED


def test_without_keepers_nobody_holds_or_locks() -> None:
    statements = {it["Sid"]: it for it in policy("audit-archive", "dev")["Statement"]}

    assert not context("dev").settings.access.archive_keepers
    assert "Condition" not in statements["DenyOtherKeepers"]
    assert statements["DenyOtherKeepers"]["Principal"] == "*"


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("cls", CLASSES)
def test_deployers_keep_the_configuration_of_the_bucket(stack: str, cls: str) -> None:
    document = policy(f"{cls}-archive", stack)
    bucket = context(stack).bucket_arn(context(stack).archive_bucket(cls))
    for action in ("s3:PutBucketPolicy", "s3:DeleteBucketPolicy", "s3:PutLifecycleConfiguration", "s3:GetBucketPolicy"):
        request = Request(context(stack).settings.access.deployers[0], action, bucket, TLS)

        assert decide(request, document, ANY_ALLOWANCE) is Decision.ALLOWED


def test_a_confirmed_teardown_lifts_the_denial_of_deletion_the_protection_and_lets_buckets_be_emptied() -> None:
    torn = deploy(lambda: declare(context("prod", teardown_confirmed="prod")))
    buckets = torn.all("aws:s3/bucket:Bucket")

    assert buckets
    assert all(bucket["forceDestroy"] and not bucket.protect for bucket in buckets)
    for document in torn.all(POLICY):
        assert "DenyTampering" not in {it["Sid"] for it in document.document("policy")["Statement"]}, document.name


def test_the_access_log_bucket_takes_logs_and_inventories_of_the_archives_only() -> None:
    source = {**TLS, "aws:SourceAccount": "123456789012", "aws:SourceArn": AUDIT}
    with_acl = {**source, "s3:x-amz-acl": "bucket-owner-full-control"}
    log = Request("logging.s3.amazonaws.com", "s3:PutObject", f"{ACCESS_LOGS}/s3/1", source)
    inventory = Request("s3.amazonaws.com", "s3:PutObject", f"{ACCESS_LOGS}/inventory/1", with_acl)

    for request in (log, inventory):
        assert decide(request, policy("access-logs")) is Decision.ALLOWED
        for changed in (
            {"aws:SourceAccount": "999999999999"},
            {"aws:SourceArn": "arn:aws:s3:::somebody-elses"},
            {"aws:SourceArn": ACCESS_LOGS},
        ):
            elsewhere = Request(request.principal, request.action, request.resource, {**request.keys, **changed})
            assert decide(elsewhere, policy("access-logs")) is Decision.SILENT
    swapped = Request(log.principal, log.action, inventory.resource, with_acl)
    assert decide(swapped, policy("access-logs")) is Decision.SILENT


@pytest.mark.parametrize("stack", STACKS)
def test_every_bucket_that_is_watched_is_one_whose_records_the_log_bucket_takes(stack: str) -> None:
    deployment, account = archives_of(stack), context(stack).account_id
    policies = {it["bucket"]: it.document("policy") for it in deployment.all(POLICY)}
    for logging in deployment.all("aws:s3/bucketLogging:BucketLogging"):
        target = logging["targetBucket"]
        keys = {"aws:SourceAccount": account, "aws:SourceArn": f"arn:aws:s3:::{logging['bucket']}"}
        with_acl = {**keys, "s3:x-amz-acl": "bucket-owner-full-control"}
        log = f"arn:aws:s3:::{target}/{logging['targetPrefix']}2026-11-23"
        inventory = f"arn:aws:s3:::{target}/inventory/{logging['bucket']}/weekly/1"

        delivered = Request("logging.s3.amazonaws.com", "s3:PutObject", log, keys)
        assert decide(delivered, policies[target]) is Decision.ALLOWED, logging.name
        listed_weekly = Request("s3.amazonaws.com", "s3:PutObject", inventory, with_acl)
        assert decide(listed_weekly, policies[target]) is Decision.ALLOWED, logging.name


def test_the_replica_is_written_by_replication_only() -> None:
    role = archives_of("prod").one("aws:iam/role:Role", "audit-replica-role")
    arn = f"arn:aws:iam:us-east-1:123456789012:{role.name}"  # as the engine of the tests makes ARNs up
    copy = Request(arn, "s3:ReplicateObject", f"{REPLICA}/otlp/1", TLS)

    assert with_rights(copy, "audit-replica") is Decision.ALLOWED
    for action in ("s3:PutObject", "s3:ReplicateObject"):
        assert with_rights(Request(WRITER, action, copy.resource, TLS), "audit-replica") is Decision.DENIED


@pytest.mark.parametrize("stack", STACKS)
def test_every_statement_has_a_sid_of_its_own_and_only_denials_speak_to_everybody(stack: str) -> None:
    for resource in archives_of(stack).all(POLICY):
        statements = resource.document("policy")["Statement"]
        sids = [statement["Sid"] for statement in statements]

        assert len(set(sids)) == len(sids)
        assert "null" not in resource["policy"]
        for statement in statements:
            if statement["Effect"] == "Allow":
                assert "*" not in str(statement["Principal"]), statement["Sid"]
                assert "*" not in str(statement["Action"]), statement["Sid"]


def test_an_archive_that_policy_does_not_lock_is_still_proof_against_deletion() -> None:
    unlocked = [
        cls
        for cls, data_class in context("prod").policy.data_classes.classes.items()
        if data_class.archive.prod.object_lock.mode is LockMode.NONE
    ]

    assert unlocked
    for cls in unlocked:
        assert "DenyTampering" in {it["Sid"] for it in policy(f"{cls}-archive")["Statement"]}
