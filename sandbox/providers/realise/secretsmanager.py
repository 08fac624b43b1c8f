"""Secrets, their versions and policies in moto."""

from __future__ import annotations

import base64
from typing import Any

from sandbox.providers.cloud import Cloud
from sandbox.providers.realise import tags
from sandbox.providers.table import Made, Realiser
from sandbox.providers.wire import Props


def _create(cloud: Cloud, inputs: Props) -> Made:
    client = cloud.client("secretsmanager")
    name = inputs.get("name") or f"{inputs['namePrefix']}{tags.unique_suffix()}"
    optional = {
        "KmsKeyId": inputs.get("kmsKeyId"),
        "Description": inputs.get("description"),
        "Tags": tags.pairs(inputs["tagsAll"]),
    }
    arn = client.create_secret(Name=name, **{key: value for key, value in optional.items() if value})["ARN"]
    if inputs.get("policy"):
        client.put_resource_policy(SecretId=arn, ResourcePolicy=inputs["policy"])
    return Made(arn, {"name": name, "arn": arn})


def _describe(cloud: Cloud, identifier: str) -> Any:
    client = cloud.client("secretsmanager")
    try:
        secret = client.describe_secret(SecretId=identifier)
    except client.exceptions.ResourceNotFoundException:
        return None
    return None if secret.get("DeletedDate") else secret


def _read(cloud: Cloud, identifier: str, state: Props) -> Props | None:
    secret = _describe(cloud, identifier)
    if secret is None:
        return None
    return {
        "name": secret["Name"],
        "arn": secret["ARN"],
        "kmsKeyId": secret.get("KmsKeyId"),
        "description": secret.get("Description") or None,
        **tags.own(tags.mapping(secret.get("Tags", [])), state),
    }


def _update(cloud: Cloud, identifier: str, old: Props, new: Props) -> Props:
    client = cloud.client("secretsmanager")
    changes = {"Description": new.get("description") or "", "KmsKeyId": new.get("kmsKeyId")}
    client.update_secret(SecretId=identifier, **{key: value for key, value in changes.items() if value is not None})
    if new.get("policy") and new["policy"] != old.get("policy"):
        client.put_resource_policy(SecretId=identifier, ResourcePolicy=new["policy"])
    tags.sync(
        old.get("tagsAll") or {},
        new["tagsAll"],
        add=lambda changed: client.tag_resource(SecretId=identifier, Tags=tags.pairs(changed)),
        drop=lambda names: client.untag_resource(SecretId=identifier, TagKeys=names),
    )
    return {}


def _delete(cloud: Cloud, identifier: str, state: Props) -> None:
    days = state.get("recoveryWindowInDays", 30)
    how: Props = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    if _describe(cloud, identifier) is not None:
        cloud.client("secretsmanager").delete_secret(SecretId=identifier, **how)


SECRET = Realiser(create=_create, read=_read, update=_update, delete=_delete)


def _put_value(cloud: Cloud, inputs: Props) -> Made:
    value: Props = {}
    if inputs.get("secretBinary"):
        value["SecretBinary"] = base64.b64decode(inputs["secretBinary"])
    else:
        value["SecretString"] = inputs.get("secretStringWo") or inputs.get("secretString") or ""
    if inputs.get("versionStages"):
        value["VersionStages"] = inputs["versionStages"]
    made = cloud.client("secretsmanager").put_secret_value(SecretId=inputs["secretId"], **value)
    return Made(
        f"{inputs['secretId']}|{made['VersionId']}",
        {
            "arn": made["ARN"],
            "secretArn": made["ARN"],
            "versionId": made["VersionId"],
            "versionStages": made["VersionStages"],
            "hasSecretStringWo": "secretStringWo" in inputs,
        },
    )


def _read_value(cloud: Cloud, identifier: str, state: Props) -> Props | None:
    secret, _, version = identifier.partition("|")
    if _describe(cloud, secret) is None:
        return None
    client = cloud.client("secretsmanager")
    try:
        found = client.get_secret_value(SecretId=secret, VersionId=version)
    except client.exceptions.ResourceNotFoundException:
        return None
    # secret_version.go: with a write-only value the text is never read back into the state.
    text = {"secretString": found["SecretString"]} if state.get("secretString") else {}
    stages = found.get("VersionStages") if state.get("versionStages") else None
    return {"secretId": secret, "versionId": version, "versionStages": stages, **text}


def _delete_value(cloud: Cloud, identifier: str, state: Props) -> None:
    """AWSCURRENT cannot be taken from the last version: the value goes with its secret (secret_version.go)."""


VERSION = Realiser(
    create=_put_value,
    read=_read_value,
    update=lambda *_: {},  # only staging labels change in place, and moto keeps those itself
    delete=_delete_value,
)


def _put_policy(cloud: Cloud, inputs: Props) -> Made:
    cloud.client("secretsmanager").put_resource_policy(SecretId=inputs["secretArn"], ResourcePolicy=inputs["policy"])
    return Made(inputs["secretArn"])


def _read_policy(cloud: Cloud, identifier: str, _: Props) -> Props | None:
    if _describe(cloud, identifier) is None:
        return None
    found = cloud.client("secretsmanager").get_resource_policy(SecretId=identifier)
    text = found.get("ResourcePolicy")
    return {"secretArn": identifier, "policy": text} if text else None


def _update_policy(cloud: Cloud, _: str, __: Props, new: Props) -> Props:
    _put_policy(cloud, new)
    return {}


def _delete_policy(cloud: Cloud, identifier: str, _: Props) -> None:
    if _describe(cloud, identifier) is not None:
        cloud.client("secretsmanager").delete_resource_policy(SecretId=identifier)


POLICY = Realiser(create=_put_policy, read=_read_policy, update=_update_policy, delete=_delete_policy)
