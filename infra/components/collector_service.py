"""The collectors themselves: cluster, task definition, service."""

import typing
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from infra.components.collector_roles import CollectorRoles, cluster_name
from infra.context import Context
from infra.documents.container import CONTAINER, VOLUME
from infra.documents.network_limits import START_GRACE_SECONDS


@typing.final
class CollectorService(pulumi.ComponentResource):
    """Creates an ECS cluster with Container Insights, the collector's task definition and the service that keeps
    the stack's number of collectors running on Fargate, spread over the subnets' zones, without public addresses.

    Each task gets an EBS volume of its own for its queues, encrypted with the stack's queue key; ECS deletes it with
    its task. A deployment that does not become healthy is rolled back to the revision before, which is why replaced
    revisions stay registered: ECS starts no task from a deregistered one.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        roles: CollectorRoles,
        containers: pulumi.Input[str],
        queue_key_arn: pulumi.Input[str],
        security_group_id: pulumi.Input[str],
        targets: Mapping[int, pulumi.Input[str]],
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:CollectorService", name, {}, opts)
        collector, network = context.settings.collector, context.settings.network
        cluster = aws.ecs.Cluster(
            f"{name}-cluster",
            name=cluster_name(context),
            settings=[aws.ecs.ClusterSettingArgs(name="containerInsights", value="enabled")],
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        task = aws.ecs.TaskDefinition(
            f"{name}-task",
            family=cluster_name(context),
            cpu=str(collector.cpu),
            memory=str(collector.memory_mib),
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            runtime_platform=aws.ecs.TaskDefinitionRuntimePlatformArgs(
                cpu_architecture="X86_64", operating_system_family="LINUX"
            ),
            task_role_arn=roles.task.arn,
            execution_role_arn=roles.execution.arn,
            container_definitions=containers,
            volumes=[aws.ecs.TaskDefinitionVolumeArgs(name=VOLUME, configure_at_launch=True)],
            skip_destroy=True,
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        service = aws.ecs.Service(
            f"{name}-service",
            cluster=cluster.arn,
            task_definition=task.arn,
            launch_type="FARGATE",
            platform_version="LATEST",
            scheduling_strategy="REPLICA",
            desired_count=collector.tasks.minimum,
            availability_zone_rebalancing="ENABLED",
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=200,
            deployment_circuit_breaker=aws.ecs.ServiceDeploymentCircuitBreakerArgs(enable=True, rollback=True),
            health_check_grace_period_seconds=START_GRACE_SECONDS,
            enable_execute_command=False,
            wait_for_steady_state=False,
            network_configuration=aws.ecs.ServiceNetworkConfigurationArgs(
                subnets=list(network.subnet_ids), security_groups=[security_group_id], assign_public_ip=False
            ),
            load_balancers=[
                aws.ecs.ServiceLoadBalancerArgs(
                    container_name=CONTAINER, container_port=port, target_group_arn=targets[port]
                )
                for port in sorted(targets)
            ],
            volume_configuration=aws.ecs.ServiceVolumeConfigurationArgs(
                name=VOLUME,
                managed_ebs_volume=aws.ecs.ServiceVolumeConfigurationManagedEbsVolumeArgs(
                    role_arn=roles.infrastructure.arn,
                    encrypted=True,
                    kms_key_id=queue_key_arn,
                    size_in_gb=collector.queue.volume_gib,
                    volume_type="gp3",
                    file_system_type="ext4",
                    tag_specifications=[
                        aws.ecs.ServiceVolumeConfigurationManagedEbsVolumeTagSpecificationArgs(
                            resource_type="volume", propagate_tags="SERVICE"
                        )
                    ],
                ),
            ),
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Autoscaling owns the number from then on; raising the minimum raises it.
                ignore_changes=["desired_count"],
                # The tasks must be gone before what they and their volumes need is.
                depends_on=[roles.infrastructure_policy, *after],
            ),
        )
        self.cluster_name = cluster.name
        self.service_name = service.name
        self.register_outputs({"cluster_name": self.cluster_name, "service_name": self.service_name})
