"""A bucket and its parts: the provider has a resource for each, CloudFormation one for all."""

from collections.abc import Callable, Sequence
from typing import Any

from tests.checkers.cloudformation_words import capitalised, tag_list
from tests.engine import Registered

BUCKET = "aws:s3/bucket:Bucket"
Properties = dict[str, Any]


def properties(bucket: Registered, resources: Sequence[Registered]) -> Properties:
    """Return the properties of `bucket`, merged from it and from its parts among `resources`."""
    merged: Properties = {"BucketName": bucket["bucket"], "Tags": tag_list(bucket["tags"])}
    for part in resources:
        if part.type in PARTS and part["bucket"] == bucket["bucket"]:
            own = {key: value for key, value in part.inputs.items() if key not in ("bucket", "region")}
            merged |= PARTS[part.type](own)
    return merged


def _encryption(own: Properties) -> Properties:
    names = {
        "applyServerSideEncryptionByDefault": "ServerSideEncryptionByDefault",
        "kmsMasterKeyId": "KMSMasterKeyID",
        "sseAlgorithm": "SSEAlgorithm",
    }
    return {"BucketEncryption": {"ServerSideEncryptionConfiguration": capitalised(own["rules"], names)}}


def _lifecycle(own: Properties) -> Properties:
    rules = [_lifecycle_rule(rule) for rule in own["rules"]]
    size = own["transitionDefaultMinimumObjectSize"]
    return {"LifecycleConfiguration": {"Rules": rules, "TransitionDefaultMinimumObjectSize": size}}


def _lifecycle_rule(rule: Properties) -> Properties:
    expiration = {"days": "ExpirationInDays", "expiredObjectDeleteMarker": "ExpiredObjectDeleteMarker"}
    above = {key: value for key, value in rule.items() if key not in ("expiration", "filter", "transitions")}
    said = {
        **capitalised(above),
        **capitalised(rule["filter"]),
        **capitalised(rule.get("expiration", {}), expiration),
    }
    if "transitions" in rule:
        said["Transitions"] = capitalised(rule["transitions"], {"days": "TransitionInDays"})
    return said


def _logging(own: Properties) -> Properties:
    names = {"targetBucket": "DestinationBucketName", "targetPrefix": "LogFilePrefix"}
    return {"LoggingConfiguration": capitalised(own, names)}


def _inventory(own: Properties) -> Properties:
    # How an inventory is encrypted cannot be said in CloudFormation: the destination's default applies.
    destination = {key: value for key, value in own["destination"]["bucket"].items() if key != "encryption"}
    above = {key: value for key, value in own.items() if key not in ("destination", "schedule")}
    return {
        "InventoryConfigurations": [
            {
                "Enabled": True,
                **capitalised(above, {"name": "Id"}),
                "Destination": capitalised(destination, {"accountId": "BucketAccountId"}),
                "ScheduleFrequency": own["schedule"]["frequency"],
            }
        ]
    }


def _object_lock(own: Properties) -> Properties:
    return {"ObjectLockEnabled": True, "ObjectLockConfiguration": capitalised(own)}


def _ownership(own: Properties) -> Properties:
    return {"OwnershipControls": {"Rules": [capitalised(own["rule"])]}}


def _public_access(own: Properties) -> Properties:
    return {"PublicAccessBlockConfiguration": capitalised(own)}


def _replication(own: Properties) -> Properties:
    return {"ReplicationConfiguration": capitalised(own, {"replicaKmsKeyId": "ReplicaKmsKeyID"})}


PARTS: dict[str, Callable[[Properties], Properties]] = {
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _lifecycle,
    "aws:s3/bucketLogging:BucketLogging": _logging,
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": _object_lock,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _ownership,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _public_access,
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": _replication,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _encryption,
    "aws:s3/bucketVersioning:BucketVersioning": capitalised,
    "aws:s3/inventory:Inventory": _inventory,
}
"""What each part says of its bucket."""
