"""How applications reach the collectors: listeners, and the health of what is behind them."""

import typing

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.documents.listeners import listener_specs, ports
from infra.documents.network_limits import HEALTH_INTERVAL_SECONDS, HEALTH_TIMEOUT_SECONDS, deregistration_seconds


@typing.final
class CollectorListeners(pulumi.ComponentResource):
    """Creates one listener and one target group each for OTLP by gRPC and by HTTP, and for what else the stack admits.

    A task is sent records as long as the collector's own health endpoint answers 200; one that is being stopped keeps
    its connections for the deregistration delay and loses them then, so that clients go elsewhere while its queues
    drain. `endpoint_grpc` and `endpoint_http` are what applications set as OTEL_EXPORTER_OTLP_ENDPOINT.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        load_balancer_arn: pulumi.Input[str],
        load_balancer_dns: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:CollectorListeners", name, {}, opts)
        network, listen = context.settings.network, context.settings.collector.listen
        self.targets: dict[int, pulumi.Output[str]] = {}
        """Port of the task to the ARN of its target group."""
        self.listeners: list[pulumi.Resource] = []
        endpoints: dict[str, pulumi.Output[str]] = {}
        for spec in listener_specs(network, listen, context.settings.receivers):
            target = aws.lb.TargetGroup(
                f"{name}-{spec.name}-target",
                vpc_id=network.vpc_id,
                target_type="ip",
                port=spec.port,
                protocol=spec.target_protocol,
                # Who sent a record is in the record; an address that is kept would keep a collector from
                # reaching itself through the load balancer.
                preserve_client_ip="false",
                deregistration_delay=deregistration_seconds(
                    context.policy.data_classes.archive_objects.wait_seconds.at(context.settings.environment)
                ),
                connection_termination=True,
                health_check=aws.lb.TargetGroupHealthCheckArgs(
                    enabled=True,
                    protocol="HTTP",
                    port=str(ports(listen).health),
                    path="/",
                    matcher="200",
                    interval=HEALTH_INTERVAL_SECONDS,
                    timeout=HEALTH_TIMEOUT_SECONDS,
                    healthy_threshold=2,
                    unhealthy_threshold=3,
                ),
                tags=context.tags(name),
                opts=pulumi.ResourceOptions(parent=self),
            )
            listener = aws.lb.Listener(
                f"{name}-{spec.name}-listener",
                load_balancer_arn=load_balancer_arn,
                port=spec.port,
                protocol=spec.protocol,
                certificate_arn=spec.certificate_arn,
                ssl_policy=spec.ssl_policy,
                alpn_policy=spec.alpn_policy,
                default_actions=[aws.lb.ListenerDefaultActionArgs(type="forward", target_group_arn=target.arn)],
                tags=context.tags(name),
                opts=pulumi.ResourceOptions(parent=self),
            )
            self.targets[spec.port] = target.arn
            self.listeners.append(listener)
            host = pulumi.Output.from_input(network.dns_name or load_balancer_dns)
            endpoints[spec.name] = pulumi.Output.format("{0}://{1}:{2}", spec.scheme, host, spec.port)
        self.endpoint_grpc = endpoints["grpc"]
        self.endpoint_http = endpoints["http"]
        self.register_outputs({"endpoint_grpc": self.endpoint_grpc, "endpoint_http": self.endpoint_http})
