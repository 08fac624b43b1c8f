"""A Terraform plan of the registered resources, for checkers that read nothing of Pulumi's.

pulumi-aws is bridged from Terraform's AWS provider, so names follow by rule: token to type, camelCase to snake_case,
a list of blocks from plural to singular, a block that can stand once back into a list of one. The SDK's own classes
say which value is a block. A plan of Terraform's would also hold the provider's defaults; what is left unset here
is absent there.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.providers import sdk
from tests.engine import Registered

TYPES = {
    "aws:cloudtrail/trail:Trail": "aws_cloudtrail",
    "aws:costexplorer/anomalyMonitor:AnomalyMonitor": "aws_ce_anomaly_monitor",
    "aws:costexplorer/anomalySubscription:AnomalySubscription": "aws_ce_anomaly_subscription",
    "aws:lb/loadBalancer:LoadBalancer": "aws_lb",
    # Today's name is aws_s3_object; checkov's one rule about objects knows the name before it, for the same inputs.
    "aws:s3/bucketObjectv2:BucketObjectv2": "aws_s3_bucket_object",
    "aws:s3/bucketReplicationConfig:BucketReplicationConfig": "aws_s3_bucket_replication_configuration",
    "aws:s3/inventory:Inventory": "aws_s3_bucket_inventory",
}
"""Types whose Terraform name does not follow from the token (registry.terraform.io, hashicorp/aws)."""
WITHOUT_MODULE = frozenset({"ec2"})
"""Modules that exist in Pulumi only: Terraform's name has no such part."""
PLURAL_BLOCKS = frozenset({"tag_specifications"})
"""Blocks that Terraform itself names in the plural."""

Plan = dict[str, Any]


def is_aws(item: Registered) -> bool:
    """Return whether `item` is a resource of AWS, rather than a component or a provider."""
    return item.type.startswith("aws:")


def plan(resources: Sequence[Registered]) -> Plan:
    """Return the plan that creates the AWS resources among `resources`, with who refers to whom."""
    taken = [item for item in resources if is_aws(item)]
    addresses = {item.urn: address(item) for item in taken}
    provider = "registry.terraform.io/hashicorp/aws"
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {
            "root_module": {
                "resources": [{**_head(item), "provider_name": provider, "values": _values(item)} for item in taken]
            }
        },
        "resource_changes": [
            {**_head(item), "change": {"actions": ["create"], "before": None, "after": _values(item)}} for item in taken
        ],
        "configuration": {
            "root_module": {
                "resources": [{**_head(item), "expressions": _references(item, addresses)} for item in taken]
            }
        },
    }


def address(item: Registered) -> str:
    """Return the Terraform address of a resource: `aws_s3_bucket.audit-archive-bucket`."""
    return f"{terraform_type(item.type)}.{item.name}"


def terraform_type(token: str) -> str:
    """Return the Terraform type of a Pulumi token of the package aws."""
    if token in TYPES:
        return TYPES[token]
    _, path, name = token.split(":")
    module = path.partition("/")[0]
    return "_".join(["aws", *([] if module in WITHOUT_MODULE else [module]), _snake(name)])


def _head(item: Registered) -> dict[str, str]:
    return {"address": address(item), "mode": "managed", "type": terraform_type(item.type), "name": item.name}


def _values(item: Registered) -> dict[str, Any]:
    resource = sdk.resource("pulumi_aws", item.type)
    return _block(resource.inputs, resource.folder, item.inputs)


def _block(fields: Mapping[str, sdk.Field], folder: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    block: dict[str, Any] = {}
    for key, value in values.items():
        name = _name(fields[key])
        match fields[key].shape:
            case sdk.Shape(kind="object", class_name=inner):
                block[name] = [_block(sdk.nested(folder, inner), folder, value)]
            case sdk.Shape(kind="list", of=sdk.Shape(kind="object", class_name=inner)):
                block[name] = [_block(sdk.nested(folder, inner), folder, item) for item in value]
            case _:
                block[name] = value
    return block


def _references(item: Registered, addresses: Mapping[str, str]) -> dict[str, Any]:
    """Return, for each input that was computed from other resources, their addresses."""
    fields = sdk.resource("pulumi_aws", item.type).inputs
    found = {
        key: sorted({addresses[urn] for urn in urns if urn in addresses})
        for key, urns in item.references.items()
        if key in item.inputs
    }
    return {_name(fields[key]): {"references": names} for key, names in found.items() if names}


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _name(field: sdk.Field) -> str:
    """Return Terraform's name of an argument or block; a block that may be repeated is named in the singular."""
    name, of = _snake(field.name), field.shape.of
    if field.shape.kind != "list" or of is None or of.kind != "object" or name in PLURAL_BLOCKS:
        return name
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")
