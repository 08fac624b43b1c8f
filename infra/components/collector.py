"""The log collector as a service of this stack."""

import json
import typing
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from infra.components.access_logs import AccessLogs
from infra.components.collector_config import CollectorConfig, source_of
from infra.components.collector_egress import CollectorEgress
from infra.components.collector_listeners import CollectorListeners
from infra.components.collector_logs import GROUP, CollectorLogs
from infra.components.collector_network import CollectorNetwork
from infra.components.collector_queue_key import CollectorQueueKey
from infra.components.collector_roles import CollectorRoles
from infra.components.collector_scaling import CollectorScaling
from infra.components.collector_service import CollectorService
from infra.components.vpc_endpoints import VpcEndpoints
from infra.context import QUARANTINE_STREAM, STREAM, Context
from infra.documents.collector.receive.files import feature_gates
from infra.documents.collector_policy import execution_policy, task_policy
from infra.documents.config_source import ConfigSource
from infra.documents.container import container_definitions, dumped, mount_path
from infra.documents.ecr import ecr_repository
from infra.documents.endpoint_policy import read_secrets
from infra.documents.listeners import client_ports, ports
from infra.documents.task_size import guarded, guarded_definitions
from infra.secrets import needed


@typing.final
class Collector(pulumi.ComponentResource):
    """Creates everything that runs the collector: its own log, stored configuration, queue key, network, listeners,
    service, scaling, and VPC endpoints where the stack has them.

    Grants the task role the writing of the given groups' streams and of `otlp/` in the given buckets, encrypted with
    the given keys, and the reading of its configuration; grants the execution role the collector's own log and, from
    ECR, its image. Neither can create a log group or a bucket, or read a record.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        roles: CollectorRoles,
        config: str,
        secret_arns: Mapping[str, pulumi.Input[str]],
        log_group_arns: Mapping[str, pulumi.Input[str]],
        buckets: Mapping[str, pulumi.Input[str]],
        key_arns: Mapping[str, pulumi.Input[str]],
        access_logs: AccessLogs,
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Build the collector from its rendered configuration (YAML).

        `secret_arns` are by secret name (infra/secrets.py); the other ARNs are by data class. The service waits for
        `after`: grants and keys that are made elsewhere and that a starting task needs. Raises InputError before
        anything is registered when the configuration is too large.
        """
        refuse_if_too_large(context, config)
        super().__init__("tinybeans:logging:Collector", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        repository = ecr_repository(context.settings.collector.image.repository)

        logs = CollectorLogs(f"{name}-log", context=context, writer_arn=roles.execution.arn, opts=child)
        stored = CollectorConfig(
            f"{name}-config",
            context=context,
            text=config,
            reader_arn=roles.task.arn,
            access_logs=access_logs,
            opts=child,
        )
        queue_key = CollectorQueueKey(
            f"{name}-queues", context=context, infrastructure_role_arn=roles.infrastructure.arn, opts=child
        )
        network = CollectorNetwork(name, context=context, opts=child)
        listeners = CollectorListeners(
            name,
            context=context,
            load_balancer_arn=network.load_balancer_arn,
            load_balancer_dns=network.load_balancer_dns,
            opts=child,
        )
        may_do = pulumi.Output.all(
            groups=dict(log_group_arns),
            archives=dict(buckets),
            keys=list(key_arns.values()),
            may_read=stored.may_read,
        ).apply(
            lambda known: task_policy(
                streams=_streams(context, known["groups"]),
                archives=known["archives"],
                keys=known["keys"],
                s3_service=context.regional_service("s3"),
                also=known["may_read"],
            )
        )
        may_start = execution_policy(
            log_group_arn=logs.arn, partition=context.settings.aws.partition, repository=repository
        )
        task_grant = aws.iam.RolePolicy(
            f"{name}-task-policy", role=roles.task.name, policy=pulumi.Output.json_dumps(may_do), opts=child
        )
        execution_grant = aws.iam.RolePolicy(
            f"{name}-execution-policy", role=roles.execution.name, policy=json.dumps(may_start), opts=child
        )
        endpoints = None
        if context.settings.network.vpc_endpoints:
            endpoints = VpcEndpoints(
                f"{name}-endpoints",
                context=context,
                endpoints=context.settings.network.vpc_endpoints,
                client_security_group_id=network.tasks_security_group_id,
                image_region=repository.region if repository else None,
                grants=pulumi.Output.all(
                    task=roles.task.arn,
                    execution=roles.execution.arn,
                    may_do=may_do,
                    secrets=list(secret_arns.values()),
                ).apply(
                    lambda known: {
                        known["task"]: known["may_do"]["Statement"],
                        known["execution"]: [*may_start["Statement"], read_secrets(known["secrets"])],
                    }
                ),
                opts=child,
            )
        egress = CollectorEgress(
            name,
            context=context,
            security_group_id=network.tasks_security_group_id,
            endpoints=endpoints,
            opts=child,
        )
        service = CollectorService(
            name,
            context=context,
            roles=roles,
            containers=pulumi.Output.all(**secret_arns).apply(lambda arns: _containers(context, stored.source, arns)),
            queue_key_arn=queue_key.arn,
            security_group_id=network.tasks_security_group_id,
            targets=listeners.targets,
            after=[logs, stored, network, listeners, egress, task_grant, execution_grant, *after]
            + ([endpoints] if endpoints else []),
            opts=child,
        )
        CollectorScaling(
            name,
            context=context,
            cluster_name=service.cluster_name,
            service_name=service.service_name,
            opts=child,
        )
        self.cluster_name, self.service_name = service.cluster_name, service.service_name
        self.endpoint_grpc, self.endpoint_http = listeners.endpoint_grpc, listeners.endpoint_http
        self.load_balancer_dns = network.load_balancer_dns
        self.security_group_id = network.tasks_security_group_id
        """Of the tasks."""
        self.own_log_group = logs.group.name
        self.key_arns = [logs.key_arn, stored.key_arn, queue_key.arn]
        """Of the collector's own log, its stored configurations and its queues."""
        self.register_outputs(
            {
                "cluster_name": self.cluster_name,
                "service_name": self.service_name,
                "endpoint_grpc": self.endpoint_grpc,
                "endpoint_http": self.endpoint_http,
                "load_balancer_dns": self.load_balancer_dns,
                "security_group_id": self.security_group_id,
            }
        )


def refuse_if_too_large(context: Context, config: str) -> None:
    """Return if the rendered configuration can be reviewed, and the task definition that says where it is fits ECS.

    Raises InputError naming the file to change otherwise. Everything else in the task definition is known beforehand,
    the secrets' ARNs but for the six characters that Secrets Manager adds; so this can be asked before anything is
    registered.
    """
    guarded(config, environment=context.environment)
    arns = {
        entry.name: context.arn("secretsmanager", f"secret:{context.secret(entry.name)}-000000")
        for entry in needed(context.settings)
    }
    guarded_definitions(_containers(context, source_of(context, config), arns), environment=context.environment)


def _containers(context: Context, config: ConfigSource, secret_arns: Mapping[str, str]) -> str:
    collector = context.settings.collector
    return dumped(
        container_definitions(
            image=collector.image.reference,
            memory_mib=collector.memory_mib,
            config=config,
            ports=(
                *client_ports(collector.listen, context.settings.receivers).values(),
                ports(collector.listen).health,
            ),
            data_directory=mount_path(collector.data_directory),
            secrets={entry.environment_variable: secret_arns[entry.name] for entry in needed(context.settings)},
            log_group=context.log_group(GROUP),
            region=context.region,
            feature_gates=feature_gates(context.settings),
        )
    )


def _streams(context: Context, log_group_arns: Mapping[str, str]) -> list[str]:
    """Return the ARNs of the streams that the collector writes to, the quarantine's among them."""
    quarantine = context.policy.data_classes.quarantine_class
    streams = [f"{arn}:log-stream:{STREAM}" for arn in log_group_arns.values()]
    return streams + [
        f"{arn}:log-stream:{QUARANTINE_STREAM}" for cls, arn in log_group_arns.items() if cls == quarantine
    ]
