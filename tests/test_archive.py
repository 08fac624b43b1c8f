"""What each class's archive is, in every stack, against what the policy says of it."""

from typing import Any

import pytest

from infra.policy.archive import MINIMUM_STORAGE_DAYS, ArchiveRetention, LockMode, StorageClass
from tests.archive_stack import (
    BUCKET,
    CLASSES,
    EVERY_ARCHIVE,
    POLICY,
    VERSIONING,
    archives_of,
    declare,
    key_arn,
)
from tests.engine import Deployment, Registered, deploy
from tests.factories import STACKS, context, settings

LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
LOGGING, INVENTORY = "aws:s3/bucketLogging:BucketLogging", "aws:s3/inventory:Inventory"


def retention(stack: str, cls: str) -> ArchiveRetention:
    return context(stack).policy.data_classes.classes[cls].archive.at(settings(stack).environment)


def rules(stack: str, name: str) -> dict[str, Any]:
    """Return the lifecycle rules of a bucket by their name."""
    return {rule["id"]: rule for rule in archives_of(stack).one(LIFECYCLE, f"{name}-lifecycle")["rules"]}


def settled(deployment: Deployment, type_: str) -> dict[str, Registered]:
    """Return the resources of `type_` by the bucket they configure."""
    return {resource["bucket"]: resource for resource in deployment.all(type_)}


@pytest.mark.parametrize(("stack", "cls"), EVERY_ARCHIVE)
def test_a_class_is_kept_moved_and_removed_as_policy_says(stack: str, cls: str) -> None:
    wanted, found = retention(stack, cls), rules(stack, f"{cls}-archive")

    for prefix in ("otlp", "export"):
        moves = found.get(f"move-down-{prefix}", {}).get("transitions", [])
        assert [(move["days"], move["storageClass"]) for move in moves] == [
            (tier.after_days, tier.storage_class) for tier in wanted.tiers
        ]
        assert found[f"expire-{prefix}"]["expiration"] == {"days": wanted.keep_days}
    assert found["remove-replaced-versions"]["noncurrentVersionExpiration"] == {
        "noncurrentDays": wanted.replaced_versions_keep_days
    }
    assert found["remove-lone-delete-markers"]["expiration"] == {"expiredObjectDeleteMarker": True}
    assert found["abort-uploads"]["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}


@pytest.mark.parametrize(("stack", "cls"), EVERY_ARCHIVE)
def test_no_object_expires_or_leaves_a_tier_before_its_lock_or_minimum_ends(stack: str, cls: str) -> None:
    found = rules(stack, f"{cls}-archive")
    rule = archives_of(stack).one(LOCK, f"{cls}-archive-object-lock").inputs.get("rule")
    locked_days = rule["defaultRetention"]["days"] if rule else 0
    kept = found["expire-otlp"]["expiration"]["days"]

    assert kept >= locked_days
    # An object that expires is kept as a replaced version before it is removed: the sum must outlast the lock too.
    assert kept + found["remove-replaced-versions"]["noncurrentVersionExpiration"]["noncurrentDays"] > locked_days
    moves = found.get("move-down-otlp", {}).get("transitions", [])
    for move, end in zip(moves, [*(later["days"] for later in moves), kept][1:], strict=True):
        assert end - move["days"] >= MINIMUM_STORAGE_DAYS[StorageClass(move["storageClass"])]


@pytest.mark.parametrize("stack", STACKS)
def test_each_lifecycle_rule_does_one_thing_and_small_objects_stay(stack: str) -> None:
    actions = {"transitions", "expiration", "noncurrentVersionExpiration", "abortIncompleteMultipartUpload"}
    for lifecycle in archives_of(stack).all(LIFECYCLE):
        assert lifecycle["transitionDefaultMinimumObjectSize"] == "all_storage_classes_128K"
        for rule in lifecycle["rules"]:
            # In an archive, no rule for the whole bucket removes what is current: proofs outlive records.
            current = "transitions" in rule or "days" in rule.get("expiration", {})
            below = "access-logs" not in lifecycle.name and "trail" not in lifecycle.name and current
            assert rule["filter"]["prefix"].endswith("/") is below, (lifecycle.name, rule["id"])
            assert rule["status"] == "Enabled"
            assert len(actions & rule.keys()) == 1
            assert len(rule.get("expiration", {"one": 1})) == 1


@pytest.mark.parametrize(("stack", "cls"), EVERY_ARCHIVE)
def test_an_archive_is_locked_as_policy_says_and_can_be_held_in_any_case(stack: str, cls: str) -> None:
    wanted = retention(stack, cls).object_lock
    found = settled(archives_of(stack), LOCK)[context(stack).archive_bucket(cls)]

    assert found["objectLockEnabled"] == "Enabled"
    if wanted.mode is LockMode.NONE:
        assert "rule" not in found.inputs
    else:
        assert found["rule"] == {"defaultRetention": {"mode": wanted.mode, "days": wanted.days}}


@pytest.mark.parametrize("stack", STACKS)
def test_a_lock_that_nobody_can_undo_is_for_audit_in_prod_alone(stack: str) -> None:
    irreversible = {
        lock.name
        for lock in archives_of(stack).all(LOCK)
        if lock.inputs.get("rule", {}).get("defaultRetention", {}).get("mode") == "COMPLIANCE"
    }

    assert irreversible == ({"audit-archive-object-lock", "audit-replica-object-lock"} if stack == "prod" else set())


@pytest.mark.parametrize("stack", STACKS)
def test_every_bucket_is_closed_versioned_owner_enforced_and_bound_by_a_policy(stack: str) -> None:
    deployment = archives_of(stack)
    names = {bucket["bucket"] for bucket in deployment.all(BUCKET)}

    assert len(names) >= len(CLASSES) + 1
    for type_ in (BLOCK, OWNERSHIP, VERSIONING, ENCRYPTION, POLICY, LIFECYCLE):
        assert settled(deployment, type_).keys() == names, type_
    for block in deployment.all(BLOCK):
        doors = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        assert all(block[door] is True for door in doors)
    assert all(it["rule"] == {"objectOwnership": "BucketOwnerEnforced"} for it in deployment.all(OWNERSHIP))
    assert all(it["versioningConfiguration"] == {"status": "Enabled"} for it in deployment.all(VERSIONING))


@pytest.mark.parametrize("stack", STACKS)
def test_every_bucket_but_the_log_bucket_is_logged_and_inventoried_in_its_own_region(stack: str) -> None:
    deployment = archives_of(stack)
    regions = {bucket["bucket"]: bucket["region"] for bucket in deployment.all(BUCKET)}
    log_buckets = {region: name for name, region in regions.items() if "access-logs" in name}
    watched = regions.keys() - log_buckets.values()

    logging, inventories = settled(deployment, LOGGING), settled(deployment, INVENTORY)
    assert logging.keys() == inventories.keys() == watched
    for name in watched:
        home = log_buckets[regions[name]]
        assert (logging[name]["targetBucket"], logging[name]["targetPrefix"]) == (home, f"s3/{name}/")
        assert inventories[name]["includedObjectVersions"] == "All"
        to = inventories[name]["destination"]["bucket"]
        assert (to["bucketArn"], to["prefix"], to["encryption"]) == (f"arn:aws:s3:::{home}", "inventory", {"sseS3": {}})
        assert {"EncryptionStatus", "ObjectLockRetainUntilDate"} <= set(inventories[name]["optionalFields"])


@pytest.mark.parametrize("stack", STACKS)
def test_what_configures_a_bucket_is_asked_of_the_buckets_own_region(stack: str) -> None:
    deployment = archives_of(stack)
    regions = {bucket["bucket"]: bucket["region"] for bucket in deployment.all(BUCKET)}
    configuring = [it for it in deployment.resources if it.type.startswith("aws:s3/") and it.type != BUCKET]

    assert configuring
    for resource in configuring:
        assert resource["region"] == regions[resource["bucket"]], resource.name


@pytest.mark.parametrize(("stack", "cls"), EVERY_ARCHIVE)
def test_an_archive_is_encrypted_with_its_class_key_through_a_bucket_key(stack: str, cls: str) -> None:
    assert archives_of(stack).one(ENCRYPTION, f"{cls}-archive-encryption")["rules"] == [
        {
            "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key_arn(cls)},
            "bucketKeyEnabled": True,
        }
    ]


@pytest.mark.parametrize("stack", STACKS)
def test_log_buckets_are_as_s3_needs_them_to_deliver_and_keep_what_policy_says(stack: str) -> None:
    deployment = archives_of(stack)
    names = [bucket["bucket"] for bucket in deployment.all(BUCKET) if "access-logs" in bucket.name]

    assert names
    for name in names:
        assert name not in settled(deployment, LOCK)
        encryption = settled(deployment, ENCRYPTION)[name]["rules"]
        assert encryption == [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}]
        days = context(stack).policy.data_classes.access_logs_keep_days.at(settings(stack).environment)
        expiry = {rule["id"]: rule for rule in settled(deployment, LIFECYCLE)[name]["rules"]}["expire"]
        assert expiry["expiration"] == {"days": days}


@pytest.mark.parametrize("stack", STACKS)
def test_a_bucket_counts_versions_before_it_locks_or_expires_them_and_is_closed_before_it_is_opened(stack: str) -> None:
    deployment = archives_of(stack)
    versioning, block = settled(deployment, VERSIONING), settled(deployment, BLOCK)
    for type_ in (LOCK, LIFECYCLE):
        for name, resource in settled(deployment, type_).items():
            assert versioning[name].urn in resource.depends_on
    for name, resource in settled(deployment, POLICY).items():
        assert block[name].urn in resource.depends_on
    for resource in (*deployment.all(LOGGING), *deployment.all(INVENTORY)):
        assert any("access-logs-policy" in urn for urn in resource.depends_on)


@pytest.mark.parametrize("stack", STACKS)
def test_buckets_are_protected_where_policy_says_and_never_emptied_by_an_ordinary_update(stack: str) -> None:
    protect = context(stack).policy.data_classes.environments.at(settings(stack).environment).protect
    for bucket in archives_of(stack).all(BUCKET):
        assert bucket.protect is protect
        assert bucket["forceDestroy"] is False
        assert "objectLockEnabled" not in bucket.inputs  # would replace the bucket when policy starts to lock it
        assert bucket["tags"]["Environment"] == stack


def test_an_adopted_bucket_is_imported_under_its_own_name_and_brought_to_policy() -> None:
    mine = context("prod", adopt={"buckets": {"audit": "tinybeans-old-audit"}})
    deployment = deploy(lambda: declare(mine))
    bucket = deployment.one(BUCKET, "audit-archive-bucket")

    assert (bucket.import_id, bucket["bucket"]) == ("tinybeans-old-audit", "tinybeans-old-audit")
    assert "tinybeans-old-audit" in settled(deployment, LOCK)
    statements = deployment.one(POLICY, "audit-archive-policy").document("policy")["Statement"]
    assert "arn:aws:s3:::tinybeans-old-audit" in str(statements)
    assert "tinybeans-prod-logs-audit" not in str(statements)
    others = [it for it in deployment.all(BUCKET) if it.name != "audit-archive-bucket"]
    assert not any(it.import_id for it in others)


def test_what_an_adopted_bucket_held_before_expires_like_the_classs_records() -> None:
    mine = context("prod", adopt={"buckets": {"audit": "old-audit"}, "bucket_prefixes": {"audit": ["AWSLogs/x/"]}})
    found = {
        rule["id"]: rule for rule in deploy(lambda: declare(mine)).one(LIFECYCLE, "audit-archive-lifecycle")["rules"]
    }

    for name in ("expire", "move-down"):
        old, new = found[f"{name}-AWSLogs-x"], found[f"{name}-otlp"]
        assert old["filter"] == {"prefix": "AWSLogs/x/"}
        assert {**old, "id": "", "filter": {}} == {**new, "id": "", "filter": {}}


@pytest.mark.parametrize("stack", STACKS)
def test_an_archive_lies_below_its_component_and_with_the_providers_it_was_given(stack: str) -> None:
    for resource in archives_of(stack).resources:
        if resource.name.startswith("audit-archive-"):
            assert "tinybeans:logging:Archive" in resource.parent
            assert "pulumi:providers:aws::aws" in resource.provider


def test_a_preview_shows_every_document_that_needs_no_new_key() -> None:
    seen = deploy(lambda: declare(context("prod")), preview=True)
    done = archives_of("prod")

    assert sorted(it.urn for it in seen.resources) == sorted(it.urn for it in done.resources)
    assert seen.one(POLICY, "audit-archive-policy")["policy"] == done.one(POLICY, "audit-archive-policy")["policy"]
