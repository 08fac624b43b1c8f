"""How many collectors run."""

import typing

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.documents.scaling import target_tracking


@typing.final
class CollectorScaling(pulumi.ComponentResource):
    """Creates the scalable target between the stack's minimum and maximum, and one target-tracking policy each for
    CPU and memory.

    Takes collectors away only where the stack says so (`scaling.scale_in`): ECS deletes a task's volume with it, and
    the load falls just when a sink is down and queues are deep.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        cluster_name: pulumi.Input[str],
        service_name: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:CollectorScaling", name, {}, opts)
        collector = context.settings.collector
        target = aws.appautoscaling.Target(
            f"{name}-target",
            service_namespace="ecs",
            scalable_dimension="ecs:service:DesiredCount",
            resource_id=pulumi.Output.format("service/{0}/{1}", cluster_name, service_name),
            min_capacity=collector.tasks.minimum,
            max_capacity=collector.tasks.maximum,
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        for tracking in target_tracking(collector.scaling):
            aws.appautoscaling.Policy(
                f"{name}-{tracking.name}-policy",
                name=context.name("collector", tracking.name),
                policy_type="TargetTrackingScaling",
                service_namespace=target.service_namespace,
                scalable_dimension=target.scalable_dimension,
                resource_id=target.resource_id,
                target_tracking_scaling_policy_configuration=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                    target_value=tracking.percent,
                    disable_scale_in=tracking.disable_scale_in,
                    scale_out_cooldown=tracking.scale_out_seconds,
                    scale_in_cooldown=tracking.scale_in_seconds,
                    predefined_metric_specification=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
                        predefined_metric_type=tracking.metric
                    ),
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
