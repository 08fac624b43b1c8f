"""Log groups and streams in moto.

moto has no AssociateKmsKey, so a changed key is recorded only; the key given at creation is kept by moto.
"""

from __future__ import annotations

from typing import Any

from sandbox.providers.cloud import Cloud
from sandbox.providers.realise import tags
from sandbox.providers.table import Made, Realiser
from sandbox.providers.wire import Props


def _arn(cloud: Cloud, name: str) -> str:
    return f"arn:{cloud.partition}:logs:{cloud.region}:{cloud.account}:log-group:{name}"


def _find(cloud: Cloud, name: str) -> Any:
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return next((group for group in groups if group["logGroupName"] == name), None)


def _create_group(cloud: Cloud, inputs: Props) -> Made:
    name = inputs.get("name") or f"{inputs['namePrefix']}{tags.unique_suffix()}"
    optional = {
        "kmsKeyId": inputs.get("kmsKeyId"),
        "tags": inputs.get("tagsAll"),
        "logGroupClass": inputs.get("logGroupClass"),
        "deletionProtectionEnabled": inputs.get("deletionProtectionEnabled"),
    }
    cloud.client("logs").create_log_group(logGroupName=name, **{key: value for key, value in optional.items() if value})
    _retain(cloud, name, inputs)
    return Made(name, {"name": name, "arn": _arn(cloud, name)})


def _retain(cloud: Cloud, name: str, inputs: Props) -> None:
    days = inputs.get("retentionInDays") or 0
    client = cloud.client("logs")
    if days:
        client.put_retention_policy(logGroupName=name, retentionInDays=days)
    else:  # 0 means for ever
        client.delete_retention_policy(logGroupName=name)


def _read_group(cloud: Cloud, identifier: str, state: Props) -> Props | None:
    group = _find(cloud, identifier)
    if group is None:
        return None
    found = cloud.client("logs").list_tags_for_resource(resourceArn=_arn(cloud, identifier))["tags"]
    return {
        "name": identifier,
        "arn": _arn(cloud, identifier),
        "retentionInDays": group.get("retentionInDays", 0),
        "logGroupClass": group.get("logGroupClass", "STANDARD"),
        # What an update associated is only in the state (see above).
        "kmsKeyId": state.get("kmsKeyId") or group.get("kmsKeyId"),
        **tags.own(found, state),
    }


def _update_group(cloud: Cloud, identifier: str, old: Props, new: Props) -> Props:
    _retain(cloud, identifier, new)
    arn, client = _arn(cloud, identifier), cloud.client("logs")
    tags.sync(
        old.get("tagsAll") or {},
        new["tagsAll"],
        add=lambda changed: client.tag_resource(resourceArn=arn, tags=changed),
        drop=lambda names: client.untag_resource(resourceArn=arn, tagKeys=names),
    )
    return {}


def _delete_group(cloud: Cloud, identifier: str, state: Props) -> None:
    if state.get("skipDestroy"):
        return
    client = cloud.client("logs")
    try:
        client.delete_log_group(logGroupName=identifier)
    except client.exceptions.ResourceNotFoundException:
        return


GROUP = Realiser(create=_create_group, read=_read_group, update=_update_group, delete=_delete_group)


def _create_stream(cloud: Cloud, inputs: Props) -> Made:
    group, name = inputs["logGroupName"], inputs["name"]
    cloud.client("logs").create_log_stream(logGroupName=group, logStreamName=name)
    return Made(name, {"arn": f"{_arn(cloud, group)}:log-stream:{name}"})


def _read_stream(cloud: Cloud, identifier: str, state: Props) -> Props | None:
    # Imported by "group:stream" (log_stream.go), known by the stream's name alone afterwards.
    group, _, name = identifier.rpartition(":") if ":" in identifier else (state["logGroupName"], "", identifier)
    client = cloud.client("logs")
    try:
        streams = client.describe_log_streams(logGroupName=group, logStreamNamePrefix=name)["logStreams"]
    except client.exceptions.ResourceNotFoundException:
        return None
    if not any(stream["logStreamName"] == name for stream in streams):
        return None
    return {"logGroupName": group, "name": name, "arn": f"{_arn(cloud, group)}:log-stream:{name}"}


def _delete_stream(cloud: Cloud, identifier: str, state: Props) -> None:
    client = cloud.client("logs")
    try:
        client.delete_log_stream(logGroupName=state["logGroupName"], logStreamName=identifier)
    except client.exceptions.ResourceNotFoundException:
        return


STREAM = Realiser(
    create=_create_stream,
    read=_read_stream,
    update=lambda *_: {},  # every property replaces it
    delete=_delete_stream,
)
