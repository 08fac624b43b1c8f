"""Roles, policies and attachments in moto."""

from __future__ import annotations

import json
from typing import Any

from sandbox.providers.cloud import Cloud
from sandbox.providers.realise import tags
from sandbox.providers.table import Made, Realiser
from sandbox.providers.wire import Props

_AWS_MANAGED = ":iam::aws:policy/"


def _name(inputs: Props) -> str:
    return str(inputs.get("name") or f"{inputs['namePrefix']}{tags.unique_suffix()}")


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def _create_role(cloud: Cloud, inputs: Props) -> Made:
    optional = {
        "Path": inputs.get("path"),
        "Description": inputs.get("description"),
        "MaxSessionDuration": inputs.get("maxSessionDuration"),
        "PermissionsBoundary": inputs.get("permissionsBoundary"),
        "Tags": tags.pairs(inputs["tagsAll"]),
    }
    role = cloud.client("iam").create_role(
        RoleName=_name(inputs),
        AssumeRolePolicyDocument=inputs["assumeRolePolicy"],
        **{key: value for key, value in optional.items() if value},
    )["Role"]
    return Made(
        role["RoleName"],
        {
            "name": role["RoleName"],
            "arn": role["Arn"],
            "uniqueId": role["RoleId"],
            "createDate": role["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    )


def _read_role(cloud: Cloud, identifier: str, state: Props) -> Props | None:
    client = cloud.client("iam")
    try:
        role = client.get_role(RoleName=identifier)["Role"]
    except client.exceptions.NoSuchEntityException:
        return None
    return {
        "name": identifier,
        "arn": role["Arn"],
        "uniqueId": role["RoleId"],
        "createDate": role["CreateDate"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "assumeRolePolicy": _text(role["AssumeRolePolicyDocument"]),
        "description": role.get("Description") or None,
        "maxSessionDuration": role.get("MaxSessionDuration", 3600),
        **tags.own(tags.mapping(role.get("Tags", [])), state),
    }


def _update_role(cloud: Cloud, identifier: str, old: Props, new: Props) -> Props:
    client = cloud.client("iam")
    client.update_assume_role_policy(RoleName=identifier, PolicyDocument=new["assumeRolePolicy"])
    client.update_role(
        RoleName=identifier,
        Description=new.get("description") or "",
        MaxSessionDuration=new.get("maxSessionDuration") or 3600,
    )
    if new.get("permissionsBoundary"):
        client.put_role_permissions_boundary(RoleName=identifier, PermissionsBoundary=new["permissionsBoundary"])
    elif old.get("permissionsBoundary"):
        client.delete_role_permissions_boundary(RoleName=identifier)
    tags.sync(
        old.get("tagsAll") or {},
        new["tagsAll"],
        add=lambda changed: client.tag_role(RoleName=identifier, Tags=tags.pairs(changed)),
        drop=lambda names: client.untag_role(RoleName=identifier, TagKeys=names),
    )
    return {}


def _delete_role(cloud: Cloud, identifier: str, _: Props) -> None:
    client = cloud.client("iam")
    try:
        client.delete_role(RoleName=identifier)
    except client.exceptions.NoSuchEntityException:
        return


ROLE = Realiser(create=_create_role, read=_read_role, update=_update_role, delete=_delete_role)


def _put_role_policy(cloud: Cloud, inputs: Props) -> Made:
    name = _name(inputs)
    cloud.client("iam").put_role_policy(RoleName=inputs["role"], PolicyName=name, PolicyDocument=inputs["policy"])
    return Made(f"{inputs['role']}:{name}", {"name": name})


def _read_role_policy(cloud: Cloud, identifier: str, _: Props) -> Props | None:
    role, name = identifier.split(":", maxsplit=1)
    client = cloud.client("iam")
    try:
        found = client.get_role_policy(RoleName=role, PolicyName=name)
    except client.exceptions.NoSuchEntityException:
        return None
    return {"role": role, "name": name, "policy": _text(found["PolicyDocument"])}


def _update_role_policy(cloud: Cloud, _: str, __: Props, new: Props) -> Props:
    _put_role_policy(cloud, new)
    return {}


def _delete_role_policy(cloud: Cloud, identifier: str, _: Props) -> None:
    role, name = identifier.split(":", maxsplit=1)
    client = cloud.client("iam")
    try:
        client.delete_role_policy(RoleName=role, PolicyName=name)
    except client.exceptions.NoSuchEntityException:
        return


ROLE_POLICY = Realiser(
    create=_put_role_policy, read=_read_role_policy, update=_update_role_policy, delete=_delete_role_policy
)


def _create_policy(cloud: Cloud, inputs: Props) -> Made:
    optional = {
        "Path": inputs.get("path"),
        "Description": inputs.get("description"),
        "Tags": tags.pairs(inputs["tagsAll"]),
    }
    policy = cloud.client("iam").create_policy(
        PolicyName=_name(inputs),
        PolicyDocument=inputs["policy"],
        **{key: value for key, value in optional.items() if value},
    )["Policy"]
    return Made(policy["Arn"], {"name": policy["PolicyName"], "arn": policy["Arn"], "policyId": policy["PolicyId"]})


def _read_policy(cloud: Cloud, identifier: str, state: Props) -> Props | None:
    client = cloud.client("iam")
    try:
        policy = client.get_policy(PolicyArn=identifier)["Policy"]
    except client.exceptions.NoSuchEntityException:
        return None
    version = client.get_policy_version(PolicyArn=identifier, VersionId=policy["DefaultVersionId"])
    return {
        "name": policy["PolicyName"],
        "arn": identifier,
        "policyId": policy["PolicyId"],
        "policy": _text(version["PolicyVersion"]["Document"]),
        "description": policy.get("Description") or None,
        **tags.own(tags.mapping(policy.get("Tags", [])), state),
    }


def _update_policy(cloud: Cloud, identifier: str, old: Props, new: Props) -> Props:
    client = cloud.client("iam")
    if new["policy"] != old.get("policy"):
        before = client.get_policy(PolicyArn=identifier)["Policy"]["DefaultVersionId"]
        client.create_policy_version(PolicyArn=identifier, PolicyDocument=new["policy"], SetAsDefault=True)
        # AWS keeps at most five versions: the one replaced goes.
        client.delete_policy_version(PolicyArn=identifier, VersionId=before)
    tags.sync(
        old.get("tagsAll") or {},
        new["tagsAll"],
        add=lambda changed: client.tag_policy(PolicyArn=identifier, Tags=tags.pairs(changed)),
        drop=lambda names: client.untag_policy(PolicyArn=identifier, TagKeys=names),
    )
    return {}


def _delete_policy(cloud: Cloud, identifier: str, _: Props) -> None:
    client = cloud.client("iam")
    try:
        client.delete_policy(PolicyArn=identifier)
    except client.exceptions.NoSuchEntityException:
        return


POLICY = Realiser(create=_create_policy, read=_read_policy, update=_update_policy, delete=_delete_policy)


def _attach(cloud: Cloud, inputs: Props) -> Made:
    role, arn = inputs["role"], inputs["policyArn"]
    client = cloud.client("iam")
    try:
        client.attach_role_policy(RoleName=role, PolicyArn=arn)
    except client.exceptions.NoSuchEntityException:
        # moto loads AWS's own policies only when told to at its start: those attachments are recorded only.
        if _AWS_MANAGED not in arn:
            raise
    return Made(f"{role}/{arn}")


def _read_attachment(cloud: Cloud, identifier: str, _: Props) -> Props | None:
    role, arn = identifier.split("/", maxsplit=1)
    client = cloud.client("iam")
    found: Props = {"role": role, "policyArn": arn}
    try:
        attached = client.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    except client.exceptions.NoSuchEntityException:
        return None
    return found if _AWS_MANAGED in arn or any(item["PolicyArn"] == arn for item in attached) else None


def _detach(cloud: Cloud, identifier: str, _: Props) -> None:
    role, arn = identifier.split("/", maxsplit=1)
    client = cloud.client("iam")
    try:
        client.detach_role_policy(RoleName=role, PolicyArn=arn)
    except client.exceptions.NoSuchEntityException:
        return


ATTACHMENT = Realiser(create=_attach, read=_read_attachment, update=lambda *_: {}, delete=_detach)
