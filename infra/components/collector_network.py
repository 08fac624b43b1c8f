"""Who may connect to the collectors: security groups and the internal load balancer."""

import typing

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.documents.listeners import client_groups, client_ports, ports

DESCRIPTIONS = {
    "grpc": "OTLP by grpc from an application",
    "http": "OTLP by http from an application",
    "fluent": "Fluent Forward from an application",
    "browser": "OTLP by http from the proxy of web pages",
}


@typing.final
class CollectorNetwork(pulumi.ComponentResource):
    """Creates an internal network load balancer and two security groups, one for it and one for the tasks.

    Admits the applications' security groups to the load balancer on the ports of OTLP and Fluent Forward, the proxies'
    on that of web pages, and the load balancer to the tasks on those and the health port; every rule names a security group, never an address. Where the tasks may connect to
    is CollectorEgress.
    """

    def __init__(self, name: str, *, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tinybeans:logging:CollectorNetwork", name, {}, opts)
        network = context.settings.network
        listen, receivers = context.settings.collector.listen, context.settings.receivers
        services = client_ports(listen, receivers)

        def group(part: str, description: str) -> aws.ec2.SecurityGroup:
            return aws.ec2.SecurityGroup(
                f"{name}-{part}-group",
                description=description,
                vpc_id=network.vpc_id,
                tags=context.tags(name),
                opts=pulumi.ResourceOptions(parent=self),
            )

        balancer = group("balancer", "Load balancer of the log collectors")
        tasks = group("tasks", "Log collectors")
        for service, port in services.items():
            for index, client in enumerate(client_groups(network, receivers, service)):
                aws.vpc.SecurityGroupIngressRule(
                    f"{name}-client-{index}-{service}-rule",
                    description=DESCRIPTIONS[service],
                    security_group_id=balancer.id,
                    referenced_security_group_id=client,
                    ip_protocol="tcp",
                    from_port=port,
                    to_port=port,
                    tags=context.tags(name),
                    opts=pulumi.ResourceOptions(parent=self),
                )
        for service, port in {**services, "health": ports(listen).health}.items():
            aws.vpc.SecurityGroupEgressRule(
                f"{name}-balancer-{service}-rule",
                description=f"{service} of the collectors",
                security_group_id=balancer.id,
                referenced_security_group_id=tasks.id,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                tags=context.tags(name),
                opts=pulumi.ResourceOptions(parent=self),
            )
            aws.vpc.SecurityGroupIngressRule(
                f"{name}-tasks-{service}-rule",
                description=f"{service} from the load balancer",
                security_group_id=tasks.id,
                referenced_security_group_id=balancer.id,
                ip_protocol="tcp",
                from_port=port,
                to_port=port,
                tags=context.tags(name),
                opts=pulumi.ResourceOptions(parent=self),
            )
        load_balancer = aws.lb.LoadBalancer(
            f"{name}-balancer",
            load_balancer_type="network",
            internal=True,
            ip_address_type="ipv4",
            subnets=list(network.subnet_ids),
            security_groups=[balancer.id],
            enforce_security_group_inbound_rules_on_private_link_traffic="on",
            # A zone's collectors may be gone while its applications are not.
            enable_cross_zone_load_balancing=True,
            # Applications know it by name.
            enable_deletion_protection=context.protect,
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.tasks_security_group_id = tasks.id
        self.load_balancer_arn = load_balancer.arn
        self.load_balancer_dns = load_balancer.dns_name
        self.register_outputs({"load_balancer_dns": self.load_balancer_dns})
