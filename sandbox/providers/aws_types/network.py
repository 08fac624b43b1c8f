"""Load balancers, security groups, endpoints and names: recorded, nothing in the sandbox routes packets.

`replace_on` follows terraform-provider-aws, internal/service/elbv2, ec2 and servicediscovery.
"""

from __future__ import annotations

from sandbox.providers.aws_types.rows import arn, keys
from sandbox.providers.cloud import Cloud
from sandbox.providers.table import Api, Row, table
from sandbox.providers.wire import Props

_VPC = "vpc-0a1b2c3d4e5f60718"
_ZONE = "Z26RNL4JYFTOTI"
"""us-east-1's zone of network load balancers."""


def _balancer(inputs: Props, _: Cloud) -> str:
    kind = {"network": "net", "gateway": "gwy"}.get(inputs["loadBalancerType"], "app")
    return f"{kind}/{inputs['name']}/{inputs['hex'][:16]}"


def _balancer_arn(inputs: Props, cloud: Cloud) -> str:
    suffix = inputs["id"].rsplit(":loadbalancer/", 1)[1] if inputs.get("id") else _balancer(inputs, cloud)
    return f"arn:{cloud.partition}:elasticloadbalancing:{cloud.region}:{cloud.account}:loadbalancer/{suffix}"


def _listener_arn(inputs: Props, _: Cloud) -> str:
    base = str(inputs["loadBalancerArn"]).replace(":loadbalancer/", ":listener/")
    return str(inputs.get("id") or f"{base}/{inputs['hex'][:16]}")


def _endpoint_dns(inputs: Props, _: Cloud) -> list[Props]:
    if inputs.get("vpcEndpointType") != "Interface":
        return []
    name = ".".join(reversed(str(inputs.get("serviceName", "")).split(".")))
    return [{"dnsName": f"{inputs['id']}.{name}", "hostedZoneId": _ZONE}]


_RULE = Row(
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    id="sgr-{hex}",
    name=None,
    outputs={"securityGroupRuleId": "{id}", "arn": arn("ec2", "security-group-rule/{id}")},
    replace_on=keys("securityGroupId"),
)

ROWS = table(
    Row(
        "aws:lb/loadBalancer:LoadBalancer",
        id="{arn}",
        outputs={
            "arn": _balancer_arn,
            "arnSuffix": lambda inputs, _: inputs["id"].rsplit(":loadbalancer/", 1)[-1],
            "dnsName": lambda inputs, cloud: f"{inputs['name']}-{inputs['hex'][:16]}.elb.{cloud.region}.amazonaws.com",
            "vpcId": _VPC,
            "zoneId": _ZONE,
        },
        replace_on=keys("name", "namePrefix", "internal", "loadBalancerType", "customerOwnedIpv4Pool"),
        defaults={"loadBalancerType": "application", "internal": False, "enableDeletionProtection": False},
        api=Api(service="elbv2", operation="CreateLoadBalancer", rename={"loadBalancerType": "Type"}),
    ),
    Row(
        "aws:lb/targetGroup:TargetGroup",
        id="{arn}",
        outputs={
            "arn": lambda inputs, cloud: (
                inputs.get("id")
                or f"arn:{cloud.partition}:elasticloadbalancing:{cloud.region}:{cloud.account}"
                f":targetgroup/{inputs['name']}/{inputs['hex'][:16]}"
            ),
            "arnSuffix": lambda inputs, _: inputs["id"].rsplit(":", 1)[-1],
            "loadBalancerArns": [],
        },
        replace_on=keys(
            "name", "namePrefix", "port", "protocol", "protocolVersion", "targetType", "vpcId", "ipAddressType"
        ),
        defaults={"targetType": "instance", "deregistrationDelay": 300},
        api=Api(service="elbv2", operation="CreateTargetGroup"),
    ),
    Row(
        "aws:lb/listener:Listener",
        id="{arn}",
        name=None,
        outputs={"arn": _listener_arn},
        replace_on=keys("loadBalancerArn"),
        api=Api(service="elbv2", operation="CreateListener"),
    ),
    Row(
        "aws:ec2/securityGroup:SecurityGroup",
        id="sg-{hex}",
        outputs={"arn": arn("ec2", "security-group/{id}"), "ownerId": "{account}"},
        replace_on=keys("name", "namePrefix", "description", "vpcId"),
        defaults={"description": "Managed by Pulumi", "revokeRulesOnDelete": False},
    ),
    _RULE,
    Row(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        id=_RULE.id,
        name=None,
        outputs=_RULE.outputs,
        replace_on=_RULE.replace_on,
    ),
    Row(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        id="vpce-{hex}",
        name=None,
        outputs={
            "arn": arn("ec2", "vpc-endpoint/{id}"),
            "dnsEntries": _endpoint_dns,
            "ownerId": "{account}",
            "prefixListId": "",
            "state": "available",
        },
        replace_on=keys(
            "vpcId", "serviceName", "vpcEndpointType", "serviceRegion", "resourceConfigurationArn", "serviceNetworkArn"
        ),
        defaults={"vpcEndpointType": "Gateway"},
        cfn="AWS::EC2::VPCEndpoint",
    ),
    Row(
        "aws:ec2/vpcEndpointPolicy:VpcEndpointPolicy",
        id="{vpcEndpointId}",
        name=None,
        replace_on=keys("vpcEndpointId"),
    ),
    Row(
        "aws:servicediscovery/httpNamespace:HttpNamespace",
        id="ns-{hex}",
        outputs={"arn": arn("servicediscovery", "namespace/{id}"), "httpName": "{name}"},
        replace_on=keys("name", "description"),
        api=Api(service="servicediscovery", operation="CreateHttpNamespace"),
    ),
    Row(
        "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace",
        id="ns-{hex}",
        outputs={"arn": arn("servicediscovery", "namespace/{id}"), "hostedZone": "Z0{hex}"},
        replace_on=keys("name", "vpc"),
        api=Api(service="servicediscovery", operation="CreatePrivateDnsNamespace"),
    ),
    Row(
        "aws:servicediscovery/service:Service",
        id="srv-{hex}",
        outputs={"arn": arn("servicediscovery", "service/{id}")},
        replace_on=keys("name", "namespaceId", "healthCheckCustomConfig", "type"),
        api=Api(service="servicediscovery", operation="CreateService"),
    ),
)
