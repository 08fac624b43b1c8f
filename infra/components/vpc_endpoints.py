"""A way to AWS that does not lead through the internet."""

import functools
import json
import typing

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.documents.egress import HTTPS
from infra.documents.endpoint_policy import Statement, gateway_policy, interface_policy, interface_services
from infra.settings import VpcEndpoints as EndpointSettings


@typing.final
class VpcEndpoints(pulumi.ComponentResource):
    """Creates interface endpoints (logs, monitoring, secretsmanager, kms, and ecr where the image is in ECR), a gateway
    endpoint for S3, and a security group that admits the collectors to them.

    Lets through what the collector's roles are granted and nothing else. So the VPC and the route tables must be the
    collectors' own: private DNS makes an interface endpoint the whole VPC's way to its service, and a gateway endpoint
    is the way to S3 of everything in its route tables.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        endpoints: EndpointSettings,
        client_security_group_id: pulumi.Input[str],
        image_region: str | None,
        grants: pulumi.Output[dict[str, list[Statement]]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the endpoints from what each role (ARN) is granted; `image_region` is where ECR keeps the image."""
        super().__init__("tinybeans:logging:VpcEndpoints", name, {}, opts)
        network = context.settings.network
        group = aws.ec2.SecurityGroup(
            f"{name}-group",
            description="VPC endpoints of the log collectors",
            vpc_id=network.vpc_id,
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-collectors-rule",
            description="AWS APIs from the collectors",
            security_group_id=group.id,
            referenced_security_group_id=client_security_group_id,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        for service in interface_services(image_in_ecr=image_region is not None):
            aws.ec2.VpcEndpoint(
                f"{name}-{service.replace('.', '-')}-endpoint",
                vpc_id=network.vpc_id,
                vpc_endpoint_type="Interface",
                service_name=f"com.amazonaws.{context.region}.{service}",
                subnet_ids=list(network.subnet_ids),
                security_group_ids=[group.id],
                private_dns_enabled=True,
                policy=pulumi.Output.json_dumps(grants.apply(functools.partial(interface_policy, service))),
                tags=context.tags(name),
                opts=pulumi.ResourceOptions(parent=self),
            )
        s3 = aws.ec2.VpcEndpoint(
            f"{name}-s3-endpoint",
            vpc_id=network.vpc_id,
            vpc_endpoint_type="Gateway",
            service_name=f"com.amazonaws.{context.region}.s3",
            route_table_ids=list(endpoints.route_table_ids),
            policy=grants.apply(
                lambda known: json.dumps(
                    gateway_policy(known, partition=context.settings.aws.partition, image_region=image_region)
                )
            ),
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.security_group_id = group.id
        self.s3_prefix_list_id = s3.prefix_list_id
        self.register_outputs({"security_group_id": self.security_group_id})
