"""KMS keys, aliases and key policies in moto."""

from __future__ import annotations

from sandbox.providers.cloud import Cloud
from sandbox.providers.realise import tags
from sandbox.providers.table import Made, Realiser
from sandbox.providers.wire import Props


def _create_key(cloud: Cloud, inputs: Props) -> Made:
    client = cloud.client("kms")
    optional = {
        "Description": inputs.get("description"),
        "Policy": inputs.get("policy"),
        "MultiRegion": inputs.get("multiRegion"),
        "Tags": tags.pairs(inputs["tagsAll"], "TagKey", "TagValue"),
    }
    key = client.create_key(
        KeyUsage=inputs["keyUsage"],
        KeySpec=inputs["customerMasterKeySpec"],
        **{name: value for name, value in optional.items() if value},
    )["KeyMetadata"]
    _set_rotation(cloud, key["KeyId"], inputs)
    if not inputs["isEnabled"]:
        client.disable_key(KeyId=key["KeyId"])
    return Made(key["KeyId"], {"keyId": key["KeyId"], "arn": key["Arn"], **_policy(cloud, key["KeyId"])})


def _policy(cloud: Cloud, identifier: str) -> Props:
    return {"policy": cloud.client("kms").get_key_policy(KeyId=identifier, PolicyName="default")["Policy"]}


def _set_rotation(cloud: Cloud, identifier: str, inputs: Props) -> None:
    client = cloud.client("kms")
    if inputs["enableKeyRotation"]:
        days = inputs.get("rotationPeriodInDays")
        client.enable_key_rotation(KeyId=identifier, **({"RotationPeriodInDays": days} if days else {}))
    else:
        client.disable_key_rotation(KeyId=identifier)


def _read_key(cloud: Cloud, identifier: str, state: Props) -> Props | None:
    client = cloud.client("kms")
    try:
        key = client.describe_key(KeyId=identifier)["KeyMetadata"]
    except client.exceptions.NotFoundException:
        return None
    if key["KeyState"] == "PendingDeletion":
        return None
    found = tags.mapping(client.list_resource_tags(KeyId=identifier)["Tags"], "TagKey", "TagValue")
    return {
        "keyId": identifier,
        "arn": key["Arn"],
        "description": key.get("Description") or None,
        "isEnabled": key["Enabled"],
        "keyUsage": key["KeyUsage"],
        "enableKeyRotation": client.get_key_rotation_status(KeyId=identifier)["KeyRotationEnabled"],
        **_policy(cloud, identifier),
        **tags.own(found, state),
    }


def _update_key(cloud: Cloud, identifier: str, old: Props, new: Props) -> Props:
    client = cloud.client("kms")
    if new.get("description") != old.get("description"):
        client.update_key_description(KeyId=identifier, Description=new.get("description") or "")
    if new.get("policy") and new["policy"] != old.get("policy"):
        client.put_key_policy(KeyId=identifier, PolicyName="default", Policy=new["policy"])
    if new["isEnabled"] != old.get("isEnabled", True):
        (client.enable_key if new["isEnabled"] else client.disable_key)(KeyId=identifier)
    _set_rotation(cloud, identifier, new)
    tags.sync(
        old.get("tagsAll") or {},
        new["tagsAll"],
        add=lambda changed: client.tag_resource(KeyId=identifier, Tags=tags.pairs(changed, "TagKey", "TagValue")),
        drop=lambda names: client.untag_resource(KeyId=identifier, TagKeys=names),
    )
    return _policy(cloud, identifier)


def _delete_key(cloud: Cloud, identifier: str, state: Props) -> None:
    client = cloud.client("kms")
    try:
        client.schedule_key_deletion(KeyId=identifier, PendingWindowInDays=state.get("deletionWindowInDays") or 30)
    except (client.exceptions.NotFoundException, client.exceptions.KMSInvalidStateException):
        return  # gone, or already waiting to be deleted


KEY = Realiser(create=_create_key, read=_read_key, update=_update_key, delete=_delete_key)


def _arn(cloud: Cloud, alias: str) -> str:
    return f"arn:{cloud.partition}:kms:{cloud.region}:{cloud.account}:{alias}"


def _target(cloud: Cloud, key: str) -> Props:
    metadata = cloud.client("kms").describe_key(KeyId=key)["KeyMetadata"]
    return {"targetKeyArn": metadata["Arn"]}


def _create_alias(cloud: Cloud, inputs: Props) -> Made:
    name = inputs.get("name") or f"{inputs['namePrefix']}{tags.unique_suffix()}"
    cloud.client("kms").create_alias(AliasName=name, TargetKeyId=inputs["targetKeyId"])
    return Made(name, {"name": name, "arn": _arn(cloud, name), **_target(cloud, inputs["targetKeyId"])})


def _read_alias(cloud: Cloud, identifier: str, state: Props) -> Props | None:
    for page in cloud.client("kms").get_paginator("list_aliases").paginate():
        for alias in page["Aliases"]:
            if alias["AliasName"] == identifier:
                target = _target(cloud, alias["TargetKeyId"])
                # The key may have been given as an id or as an ARN: only another key is drift.
                given = str(state.get("targetKeyId") or alias["TargetKeyId"])
                unchanged = given.rsplit("/", 1)[-1] == alias["TargetKeyId"]
                return {"name": identifier, "targetKeyId": given if unchanged else alias["TargetKeyId"], **target}
    return None


def _update_alias(cloud: Cloud, identifier: str, _: Props, new: Props) -> Props:
    cloud.client("kms").update_alias(AliasName=identifier, TargetKeyId=new["targetKeyId"])
    return _target(cloud, new["targetKeyId"])


def _delete_alias(cloud: Cloud, identifier: str, _: Props) -> None:
    client = cloud.client("kms")
    try:
        client.delete_alias(AliasName=identifier)
    except client.exceptions.NotFoundException:
        return


ALIAS = Realiser(create=_create_alias, read=_read_alias, update=_update_alias, delete=_delete_alias)


def _put_key_policy(cloud: Cloud, inputs: Props) -> Made:
    cloud.client("kms").put_key_policy(KeyId=inputs["keyId"], PolicyName="default", Policy=inputs["policy"])
    return Made(inputs["keyId"])


def _read_key_policy(cloud: Cloud, identifier: str, state: Props) -> Props | None:
    if _read_key(cloud, identifier, {}) is None:
        return None
    return {"keyId": state.get("keyId", identifier), **_policy(cloud, identifier)}


def _update_key_policy(cloud: Cloud, _: str, __: Props, new: Props) -> Props:
    _put_key_policy(cloud, new)
    return {}


KEY_POLICY = Realiser(
    create=_put_key_policy,
    read=_read_key_policy,
    update=_update_key_policy,
    delete=lambda *_: None,  # key_policy.go: a key always has a policy, so it is left as it is
)
