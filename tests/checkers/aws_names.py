"""ARNs and ids as AWS forms them, in place of those that the mocks invent.

Checkers compare ARNs with the forms that each service documents; an invented one would be complained about, or worse,
not be recognised and pass.
"""

import dataclasses
import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from tests.engine import Registered

ACCOUNT = "123456789012"
INVENTED = re.compile(rf"arn:aws:[a-z0-9]+:us-east-1:{ACCOUNT}:[\w-]+|(?<![\w-])[\w-]+-(?:id|prefix-list)(?![\w-])")
"""What tests/engine.py invents: an ARN of a logical name, or a logical name with `-id`."""


def _regional(service: str, resource: str) -> Callable[[Registered], str]:
    def arn(item: Registered) -> str:
        known = {"hex": _hex(item, 16), "uuid": _uuid(item), "logical": item.name, **item.inputs}
        return f"arn:aws:{service}:{item.inputs.get('region', 'us-east-1')}:{ACCOUNT}:{resource.format(**known)}"

    return arn


def _hex(item: Registered, length: int) -> str:
    return hashlib.sha256(item.urn.encode()).hexdigest()[:length]


def _uuid(item: Registered) -> str:
    text = _hex(item, 32)
    return "-".join([text[:8], text[8:12], text[12:16], text[16:20], text[20:]])


ARNS: dict[str, Callable[[Registered], str]] = {
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": _regional("cloudwatch", "alarm:{alarmName}"),
    "aws:cloudwatch/logGroup:LogGroup": _regional("logs", "log-group:{name}"),
    "aws:ecs/cluster:Cluster": _regional("ecs", "cluster/{name}"),
    "aws:ecs/taskDefinition:TaskDefinition": _regional("ecs", "task-definition/{family}:1"),
    "aws:iam/role:Role": lambda item: f"arn:aws:iam::{ACCOUNT}:role/{item['name']}",
    "aws:kms/key:Key": _regional("kms", "key/{uuid}"),
    "aws:lambda/function:Function": _regional("lambda", "function:{name}"),
    "aws:lb/loadBalancer:LoadBalancer": _regional("elasticloadbalancing", "loadbalancer/net/{logical}/{hex}"),
    "aws:lb/targetGroup:TargetGroup": _regional("elasticloadbalancing", "targetgroup/{logical}/{hex}"),
    "aws:secretsmanager/secret:Secret": _regional("secretsmanager", "secret:{name}-a1B2c3"),
    "aws:costexplorer/anomalyMonitor:AnomalyMonitor": lambda item: (
        f"arn:aws:ce::{ACCOUNT}:anomalymonitor/{_uuid(item)}"
    ),
    "aws:sns/topic:Topic": _regional("sns", "{name}"),
    "aws:sqs/queue:Queue": _regional("sqs", "{name}"),
}
"""Types whose ARN other resources are computed from, and its form (Service Authorization Reference)."""
IDS: dict[str, tuple[str, Callable[[Registered], str]]] = {
    "aws:ec2/securityGroup:SecurityGroup": ("-id", lambda item: f"sg-{_hex(item, 17)}"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ("-prefix-list", lambda item: f"pl-{_hex(item, 17)}"),
    "aws:kms/key:Key": ("-key-id", _uuid),
}
"""Types whose id other resources are computed from: the ending of what is invented, and the form of the real one."""


def as_aws_names_them(resources: Sequence[Registered]) -> list[Registered]:
    """Return `resources` with every invented ARN and id in their inputs, documents included, in AWS's own form."""
    real: dict[str, str] = {}
    for item in resources:
        service = item.type.split(":")[1].partition("/")[0]
        if item.type in ARNS:
            real[f"arn:aws:{service}:us-east-1:{ACCOUNT}:{item.name}"] = ARNS[item.type](item)
        if item.type in IDS:
            ending, form = IDS[item.type]
            real[f"{item.name}{ending}"] = form(item)

    def renamed(value: Any) -> Any:
        if isinstance(value, str):
            return INVENTED.sub(lambda match: real.get(match[0], match[0]), value)
        if isinstance(value, dict):
            return {key: renamed(each) for key, each in value.items()}
        if isinstance(value, list):
            return [renamed(each) for each in value]
        return value

    return [dataclasses.replace(item, inputs=renamed(dict(item.inputs))) for item in resources]
