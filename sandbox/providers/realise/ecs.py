"""Clusters, task definitions and services in moto."""

from __future__ import annotations

import json
from typing import Any

from sandbox.providers import shapes
from sandbox.providers.cloud import Cloud
from sandbox.providers.realise import tags
from sandbox.providers.table import Made, Realiser
from sandbox.providers.wire import Props


def _pairs(inputs: Props) -> list[dict[str, str]]:
    return tags.pairs(inputs["tagsAll"], "key", "value")


def _own_tags(client: Any, arn: str, state: Props) -> Props:
    found = client.list_tags_for_resource(resourceArn=arn)["tags"]
    return tags.own(tags.mapping(found, "key", "value"), state)


def _sync_tags(cloud: Cloud, arn: str, old: Props, new: Props) -> None:
    client = cloud.client("ecs")
    tags.sync(
        old.get("tagsAll") or {},
        new["tagsAll"],
        add=lambda changed: client.tag_resource(resourceArn=arn, tags=tags.pairs(changed, "key", "value")),
        drop=lambda names: client.untag_resource(resourceArn=arn, tagKeys=names),
    )


def _create_cluster(cloud: Cloud, inputs: Props) -> Made:
    shape = shapes.operation_input("ecs", "CreateCluster")
    parameters = shapes.to_api(shape, {key: inputs.get(key) for key in ("settings", "configuration")})
    made = cloud.client("ecs").create_cluster(clusterName=inputs["name"], tags=_pairs(inputs), **parameters)
    return Made(made["cluster"]["clusterArn"], {"arn": made["cluster"]["clusterArn"]})


def _read_cluster(cloud: Cloud, identifier: str, state: Props) -> Props | None:
    client = cloud.client("ecs")
    found = client.describe_clusters(clusters=[identifier], include=["SETTINGS"])["clusters"]
    if not found or found[0]["status"] == "INACTIVE":
        return None
    return {
        "name": found[0]["clusterName"],
        "arn": found[0]["clusterArn"],
        "settings": found[0].get("settings") or None,
        **_own_tags(client, found[0]["clusterArn"], state),
    }


def _update_cluster(cloud: Cloud, identifier: str, old: Props, new: Props) -> Props:
    shape = shapes.operation_input("ecs", "UpdateCluster")
    parameters = shapes.to_api(shape, {key: new.get(key) for key in ("settings", "configuration")})
    if parameters:
        cloud.client("ecs").update_cluster(cluster=identifier, **parameters)
    _sync_tags(cloud, identifier, old, new)
    return {}


def _delete_cluster(cloud: Cloud, identifier: str, _: Props) -> None:
    client = cloud.client("ecs")
    try:
        client.delete_cluster(cluster=identifier)
    except client.exceptions.ClusterNotFoundException:
        return


CLUSTER = Realiser(create=_create_cluster, read=_read_cluster, update=_update_cluster, delete=_delete_cluster)


def _register(cloud: Cloud, inputs: Props) -> Made:
    shape = shapes.operation_input("ecs", "RegisterTaskDefinition")
    settings = {key: value for key, value in inputs.items() if key not in {"containerDefinitions", "tags", "tagsAll"}}
    parameters = shapes.to_api(shape, settings)
    if inputs["tagsAll"]:
        parameters["tags"] = _pairs(inputs)
    made = cloud.client("ecs").register_task_definition(
        containerDefinitions=json.loads(inputs["containerDefinitions"]), **parameters
    )["taskDefinition"]
    return Made(
        made["family"],
        {
            "arn": made["taskDefinitionArn"],
            "arnWithoutRevision": made["taskDefinitionArn"].rsplit(":", 1)[0],
            "revision": made["revision"],
        },
    )


def _read_task(cloud: Cloud, identifier: str, state: Props) -> Props | None:
    client = cloud.client("ecs")
    try:
        task = client.describe_task_definition(taskDefinition=state.get("arn", identifier))["taskDefinition"]
    except client.exceptions.ClientException:
        return None
    if task.get("status") == "INACTIVE":
        return None
    arn = task["taskDefinitionArn"]
    return {
        "family": task["family"],
        "arn": arn,
        "arnWithoutRevision": arn.rsplit(":", 1)[0],
        "revision": task["revision"],
        # A registered revision never changes: what was declared is what it holds.
        "containerDefinitions": state.get("containerDefinitions") or json.dumps(task["containerDefinitions"]),
        **_own_tags(client, arn, state),
    }


def _update_task(cloud: Cloud, _: str, old: Props, new: Props) -> Props:
    _sync_tags(cloud, old["arn"], old, new)
    return {}


def _deregister(cloud: Cloud, _: str, state: Props) -> None:
    if state.get("skipDestroy"):
        return
    client = cloud.client("ecs")
    try:
        client.deregister_task_definition(taskDefinition=state["arn"])
    except client.exceptions.ClientException:
        return


TASK_DEFINITION = Realiser(create=_register, read=_read_task, update=_update_task, delete=_deregister)

# moto looks subnets, security groups and target groups up in its own EC2 and ELB, where the sandbox has none:
# they stay in the stack's state, and moto gets the rest of the service.
_SERVICE_TO_MOTO = (
    "schedulingStrategy",
    "launchType",
    "platformVersion",
    "propagateTags",
    "enableEcsManagedTags",
)


def _create_service(cloud: Cloud, inputs: Props) -> Made:
    shape = shapes.operation_input("ecs", "CreateService")
    parameters = shapes.to_api(shape, {key: inputs.get(key) for key in _SERVICE_TO_MOTO})
    if inputs["tagsAll"]:
        parameters["tags"] = _pairs(inputs)
    made = cloud.client("ecs").create_service(
        cluster=inputs.get("cluster", "default"),
        serviceName=inputs["name"],
        taskDefinition=inputs["taskDefinition"],
        desiredCount=inputs.get("desiredCount", 0),
        **parameters,
    )["service"]
    return Made(made["serviceArn"], {"arn": made["serviceArn"]})


def _read_service(cloud: Cloud, identifier: str, state: Props) -> Props | None:
    client = cloud.client("ecs")
    cluster = state.get("cluster", "default")
    try:
        found = client.describe_services(cluster=cluster, services=[identifier])["services"]
    except client.exceptions.ClusterNotFoundException:
        return None
    if not found or found[0]["status"] == "INACTIVE":
        return None
    return {
        "name": found[0]["serviceName"],
        "arn": found[0]["serviceArn"],
        "desiredCount": found[0]["desiredCount"],
        "taskDefinition": found[0]["taskDefinition"],
        **_own_tags(client, found[0]["serviceArn"], state),
    }


def _update_service(cloud: Cloud, identifier: str, old: Props, new: Props) -> Props:
    cloud.client("ecs").update_service(
        cluster=new.get("cluster", "default"),
        service=identifier,
        taskDefinition=new["taskDefinition"],
        desiredCount=new.get("desiredCount", 0),
    )
    _sync_tags(cloud, identifier, old, new)
    return {}


def _delete_service(cloud: Cloud, identifier: str, state: Props) -> None:
    client = cloud.client("ecs")
    cluster = state.get("cluster", "default")
    try:
        client.delete_service(cluster=cluster, service=identifier, force=True)
    except (client.exceptions.ServiceNotFoundException, client.exceptions.ClusterNotFoundException):
        return


SERVICE = Realiser(create=_create_service, read=_read_service, update=_update_service, delete=_delete_service)
