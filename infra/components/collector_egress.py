"""Where the collectors may connect to."""

import typing
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.vpc_endpoints import VpcEndpoints
from infra.context import Context
from infra.documents.egress import ANYWHERE, HTTPS, open_ports


@typing.final
class CollectorEgress(pulumi.ComponentResource):
    """Creates the egress rules of the tasks' security group.

    Admits HTTPS (and syslog over TLS for Loggly) to anywhere where the stack's subnets lead outside AWS; to the VPC
    endpoints where the stack has them; to nothing else. DNS and the task's credentials need no rule.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        security_group_id: pulumi.Input[str],
        endpoints: VpcEndpoints | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:CollectorEgress", name, {}, opts)
        settings = context.settings
        rules = [
            _Rule(port.name, port.port, port.reason, address=ANYWHERE)
            for port in open_ports(settings.network, settings.destinations)
        ]
        if endpoints:
            rules += [
                _Rule("endpoints", HTTPS, "AWS APIs by way of their endpoints", group=endpoints.security_group_id),
                _Rule("archives", HTTPS, "S3 by way of its endpoint", prefix_list=endpoints.s3_prefix_list_id),
            ]
        for rule in rules:
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-{rule.name}-rule",
                description=rule.reason,
                security_group_id=security_group_id,
                ip_protocol="tcp",
                from_port=rule.port,
                to_port=rule.port,
                cidr_ipv4=rule.address,
                referenced_security_group_id=rule.group,
                prefix_list_id=rule.prefix_list,
                tags=context.tags(name),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})


@dataclass(frozen=True)
class _Rule:
    """One port, and one place it is open to."""

    name: str
    port: int
    reason: str
    address: str | None = None
    group: pulumi.Input[str] | None = None
    prefix_list: pulumi.Input[str] | None = None
