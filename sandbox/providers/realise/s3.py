"""Buckets, their policies and inventories in moto."""

from __future__ import annotations

from typing import Any

from sandbox.providers import shapes
from sandbox.providers.cloud import Cloud
from sandbox.providers.errors import ProviderError
from sandbox.providers.realise import tags
from sandbox.providers.table import Made, Realiser
from sandbox.providers.wire import Props


def _create(cloud: Cloud, inputs: Props) -> Made:
    name = inputs.get("bucket") or f"{inputs['bucketPrefix']}{tags.unique_suffix()}"
    parameters: Props = {"Bucket": name, "ObjectLockEnabledForBucket": bool(inputs.get("objectLockEnabled"))}
    if cloud.region != "us-east-1":  # the one region that must not be named (CreateBucket API)
        parameters["CreateBucketConfiguration"] = {"LocationConstraint": cloud.region}
    client = cloud.client("s3")
    client.create_bucket(**parameters)
    if inputs["tagsAll"]:
        client.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags.pairs(inputs["tagsAll"])})
    return Made(name, {"bucket": name})


def _read(cloud: Cloud, identifier: str, state: Props) -> Props | None:
    client = cloud.client("s3")
    try:
        client.head_bucket(Bucket=identifier)
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchBucket"}:
            return None
        raise
    lock = _optional(client, "get_object_lock_configuration", identifier).get("ObjectLockConfiguration", {})
    found = tags.mapping(_optional(client, "get_bucket_tagging", identifier).get("TagSet", []))
    return {
        "bucket": identifier,
        "objectLockEnabled": lock.get("ObjectLockEnabled") == "Enabled",
        **tags.own(found, state),
    }


def _optional(client: Any, method: str, bucket: str) -> Any:
    try:
        return getattr(client, method)(Bucket=bucket)
    except client.exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        if code.startswith("NoSuch") or code.endswith("NotFoundError"):
            return {}
        raise


def _update(cloud: Cloud, identifier: str, _: Props, new: Props) -> Props:
    client = cloud.client("s3")
    if new["tagsAll"]:
        client.put_bucket_tagging(Bucket=identifier, Tagging={"TagSet": tags.pairs(new["tagsAll"])})
    else:
        client.delete_bucket_tagging(Bucket=identifier)
    return {}


def _delete(cloud: Cloud, identifier: str, state: Props) -> None:
    client = cloud.client("s3")
    try:
        if state.get("forceDestroy"):
            _empty(client, identifier)
        client.delete_bucket(Bucket=identifier)
    except client.exceptions.NoSuchBucket:
        return


def _empty(client: Any, bucket: str) -> None:
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            client.delete_object(
                Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"], BypassGovernanceRetention=True
            )


BUCKET = Realiser(create=_create, read=_read, update=_update, delete=_delete)


def _put_inventory(cloud: Cloud, inputs: Props) -> Made:
    target = inputs["destination"]["bucket"]
    shape = shapes.operation_input("s3", "PutBucketInventoryConfiguration", "InventoryConfiguration")
    destination = shapes.to_api(
        shape.members["Destination"].members["S3BucketDestination"], target, {"bucketArn": "Bucket"}
    )
    configuration = {
        "Id": inputs["name"],
        "IsEnabled": inputs.get("enabled", True),
        "IncludedObjectVersions": inputs["includedObjectVersions"],
        "Schedule": {"Frequency": inputs["schedule"]["frequency"]},
        "Destination": {"S3BucketDestination": destination},
        **({"OptionalFields": inputs["optionalFields"]} if inputs.get("optionalFields") else {}),
        **({"Filter": {"Prefix": inputs["filter"]["prefix"]}} if inputs.get("filter") else {}),
    }
    cloud.client("s3").put_bucket_inventory_configuration(
        Bucket=inputs["bucket"], Id=inputs["name"], InventoryConfiguration=configuration
    )
    return Made(f"{inputs['bucket']}:{inputs['name']}")


def _read_inventory(cloud: Cloud, identifier: str, state: Props) -> Props | None:
    if "bucket" not in state:
        raise ProviderError("the sandbox imports log groups, keys and buckets, not the parts of a bucket")
    bucket, _, name = identifier.partition(":")
    client = cloud.client("s3")
    try:
        found = client.get_bucket_inventory_configuration(Bucket=bucket, Id=name)["InventoryConfiguration"]
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"].startswith("NoSuch"):
            return None
        raise
    return {
        "enabled": found["IsEnabled"],
        "includedObjectVersions": found["IncludedObjectVersions"],
        "schedule": {"frequency": found["Schedule"]["Frequency"]},
    }


def _update_inventory(cloud: Cloud, _: str, __: Props, new: Props) -> Props:
    _put_inventory(cloud, new)
    return {}


INVENTORY = Realiser(
    create=_put_inventory,
    read=_read_inventory,
    update=_update_inventory,
    # moto takes DeleteBucketInventoryConfiguration for DeleteBucket (s3/responses.py looks for no such query
    # parameter), so the configuration goes with its bucket.
    delete=lambda *_: None,
)
