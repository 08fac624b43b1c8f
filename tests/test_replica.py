"""Copies in another region: what is copied, as whom, under which key."""

import functools
from typing import Any

from infra.components.replica import Replicas
from tests.archive_stack import BUCKET, CLASSES, archives_of, key_arn
from tests.engine import deploy
from tests.factories import context, in_stack
from tests.policy_evaluator import Decision, Request, decide

ROLE, GRANT, KEY = "aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy", "aws:kms/key:Key"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
SOURCE = "arn:aws:s3:::tinybeans-prod-logs-audit-123456789012-us-east-1"
COPY = "arn:aws:s3:::tinybeans-prod-logs-audit-123456789012-us-west-2"
THROUGH_SOURCE = {"kms:ViaService": "s3.us-east-1.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": SOURCE}
THROUGH_COPY = {"kms:ViaService": "s3.us-west-2.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": COPY}
PEOPLE = ("tinybeans-logging-deploy", "tinybeans-key-admin")


def test_every_class_is_copied_to_a_bucket_of_the_replica_region_under_the_replicas_own_key() -> None:
    deployment = archives_of("prod")
    for cls in CLASSES:
        bucket = deployment.one(BUCKET, f"{cls}-replica-bucket")
        key = deployment.one(KEY, f"{cls}-replica-key")
        (rule,) = deployment.one(REPLICATION, f"{cls}-archive-replication")["rules"]

        assert (bucket["region"], key["region"]) == ("us-west-2", "us-west-2")
        assert rule["destination"] == {
            "bucket": f"arn:aws:s3:::{bucket['bucket']}",
            "encryptionConfiguration": {"replicaKmsKeyId": f"arn:aws:kms:us-east-1:123456789012:{cls}-replica-key"},
        }
        assert rule["sourceSelectionCriteria"] == {"sseKmsEncryptedObjects": {"status": "Enabled"}}
        assert (rule["status"], rule["filter"]) == ("Enabled", {"prefix": ""})


def test_a_deletion_is_never_copied() -> None:
    deployment = archives_of("prod")

    for config in deployment.all(REPLICATION):
        assert [rule["deleteMarkerReplication"] for rule in config["rules"]] == [{"status": "Disabled"}]
    for grant in deployment.all(GRANT):
        assert "Delete" not in grant["policy"]


def test_a_stack_without_a_replica_region_copies_nothing() -> None:
    deployment = archives_of("dev")

    assert not deployment.all(REPLICATION)
    assert not deployment.all(ROLE)
    assert {bucket["region"] for bucket in deployment.all(BUCKET)} == {"us-east-1"}


def test_the_role_reads_one_archive_and_writes_its_one_replica_and_may_do_no_more() -> None:
    policy = archives_of("prod").one(GRANT, "audit-archive-replication-grant").document("policy")

    def allowed(action: str, on: str, **keys: str) -> bool:
        return decide(Request("replication", action, on, keys), policy) is Decision.ALLOWED

    assert allowed("s3:GetObjectVersionForReplication", f"{SOURCE}/otlp/1")
    assert allowed("s3:GetObjectRetention", f"{SOURCE}/otlp/1")
    assert allowed("s3:ReplicateObject", f"{COPY}/otlp/1")
    assert allowed("kms:Decrypt", key_arn("audit"), **THROUGH_SOURCE)
    replica_key = "arn:aws:kms:us-east-1:123456789012:audit-replica-key"
    assert allowed("kms:Encrypt", replica_key, **THROUGH_COPY)

    assert not allowed("s3:GetObjectVersionForReplication", f"{SOURCE.replace('audit', 'client')}/otlp/1")
    assert not allowed("s3:ReplicateObject", f"{SOURCE}/otlp/1")
    assert not allowed("s3:GetObject", f"{SOURCE}/otlp/1")
    assert not allowed("s3:PutObject", f"{COPY}/otlp/1")
    assert not allowed("kms:Decrypt", key_arn("audit"))
    assert not allowed("kms:Decrypt", key_arn("client"), **THROUGH_SOURCE)
    assert not allowed("kms:Encrypt", key_arn("audit"), **THROUGH_SOURCE)
    assert not any("*" in action for statement in policy["Statement"] for action in statement["Action"])


def test_s3_takes_the_role_for_the_one_archive_it_was_made_for() -> None:
    trust = archives_of("prod").one(ROLE, "audit-replica-role").document("assumeRolePolicy")
    for statement in trust["Statement"]:
        statement["Resource"] = "*"

    def taken(by: str = "s3.amazonaws.com", **keys: str) -> bool:
        return decide(Request(by, "sts:AssumeRole", "role", keys), trust) is Decision.ALLOWED

    assert taken(**{"aws:SourceAccount": "123456789012", "aws:SourceArn": SOURCE})
    assert not taken(**{"aws:SourceAccount": "999999999999", "aws:SourceArn": SOURCE})
    assert not taken(**{"aws:SourceAccount": "123456789012", "aws:SourceArn": SOURCE.replace("audit", "client")})
    assert not taken(by="ec2.amazonaws.com")


def test_the_replicas_key_is_used_by_replication_for_its_bucket_and_by_nobody_else() -> None:
    key = archives_of("prod").one(KEY, "audit-replica-key")
    policy = key.document("policy")
    role = "arn:aws:iam:us-east-1:123456789012:audit-replica-role"  # as the engine of the tests makes ARNs up

    for action in ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"):
        assert decide(Request(role, action, "*", THROUGH_COPY), policy) is Decision.ALLOWED
        assert decide(Request(role, action, "*", THROUGH_SOURCE), policy) is Decision.SILENT
        assert decide(Request(role, action, "*"), policy) is Decision.SILENT
        for person in PEOPLE:
            who = f"arn:aws:iam::123456789012:role/{person}"
            assert decide(Request(who, action, "*", THROUGH_COPY), policy) is Decision.DENIED
    root = Request("arn:aws:iam::123456789012:root", "kms:PutKeyPolicy", "*")
    assert decide(root, policy) is Decision.ALLOWED
    assert key.protect
    assert (key["enableKeyRotation"], key["rotationPeriodInDays"], key["deletionWindowInDays"]) == (True, 365, 30)


def test_the_role_comes_before_the_key_that_names_it_and_replication_after_both_buckets() -> None:
    deployment = archives_of("prod")
    role = deployment.one(ROLE, "audit-replica-role")
    replication = deployment.one(REPLICATION, "audit-archive-replication")

    assert role.urn in deployment.one(KEY, "audit-replica-key").depends_on
    for needed in ("audit-archive-versioning", "audit-replica-object-lock", "audit-archive-replication-grant"):
        assert any(urn.endswith(f"::{needed}") for urn in replication.depends_on), needed


def test_the_key_of_an_archive_is_told_to_let_its_replication_role_decrypt_and_nothing_else() -> None:
    told: dict[str, Any] = {}

    def build() -> None:
        for stack in ("prod", "dev"):
            replicas = Replicas(f"{stack}-replicas", context=context(stack), opts=in_stack())
            replicas.key_statements("audit").apply(functools.partial(told.__setitem__, stack))

    deploy(build)

    assert told["dev"] == []
    role = "arn:aws:iam:us-east-1:123456789012:audit-replica-role"
    policy = {"Statement": told["prod"]}
    assert decide(Request(role, "kms:Decrypt", "*", THROUGH_SOURCE), policy) is Decision.ALLOWED
    assert decide(Request(role, "kms:Decrypt", "*"), policy) is Decision.SILENT
    assert decide(Request(role, "kms:Encrypt", "*", THROUGH_SOURCE), policy) is Decision.SILENT


def test_an_adopted_archive_is_copied_to_a_replica_of_the_programs_own() -> None:
    mine = context("prod", adopt={"buckets": {"audit": "tinybeans-old-audit"}})
    deployment = deploy(lambda: Replicas("replicas", context=mine, opts=in_stack()))

    copy = deployment.one(BUCKET, "audit-replica-bucket")
    assert (copy["bucket"], copy.import_id) == ("tinybeans-prod-logs-audit-123456789012-us-west-2", "")
    trust = deployment.one(ROLE, "audit-replica-role")["assumeRolePolicy"]
    assert "arn:aws:s3:::tinybeans-old-audit" in trust
