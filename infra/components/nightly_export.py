"""The nightly export of CloudWatch's records into the archives: its function, its schedule, its keys."""

import json
import typing
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws

from infra.components.customer_key import customer_key
from infra.components.export_function import export_function
from infra.components.export_role import ExportRole
from infra.components.signing_key import signing_key
from infra.context import Context
from infra.documents.eraser_policy import eraser_signing_statements
from infra.documents.export_assignment import SIGNING_KEY, STREAM, announcing_class
from infra.documents.export_policy import (
    Exported,
    exporter_policy,
    own_key_statements,
    schedule_policy,
    service_trust,
    signing_key_statements,
)
from infra.documents.key_policy import duties_of, service_key_policy
from infra.documents.own_log_key import own_log_key_statements

EVERY, FLEXIBLE_MINUTES = "cron(0/15 * * * ? *)", 5
DEAD_LETTER_SECONDS = 14 * 24 * 3600
"""As long as SQS keeps a message (CreateQueue, MessageRetentionPeriod)."""


@typing.final
class NightlyExport(pulumi.ComponentResource):
    """Creates the function that exports every closed day of every class (infra/export), its log group, the schedule
    that calls it every quarter of an hour, two queues for what could not be delivered and for what failed, the stream
    in which manifests are announced, the key that signs them and the key of everything else here.

    Grants `role` exactly what infra/documents/export_policy.py says; the schedule's own role, made here, may call this
    function. Nobody else may sign but `eraser_arns`, who sign what they erased.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        role: ExportRole,
        key_arns: Mapping[str, pulumi.Input[str]],
        audit_group: pulumi.Input[str],
        eraser_arns: Sequence[pulumi.Input[str]] = (),
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:NightlyExport", name, {}, opts)
        self._name, self._context, self._tags = name, context, context.tags(name)
        self._function_name = context.name("nightly-export")
        self._log_group = context.log_group("nightly-export")
        self._log_group_arn = context.log_group_arn("nightly-export")
        self._schedule_arn = context.arn("scheduler", f"schedule/{self._function_name}/{self._function_name}")
        schedule_role = self._schedule_role()
        key = self._key(role.role.arn, schedule_role.arn)
        signer = signing_key(
            f"{name}-signing",
            context=context,
            description=f"Signs the manifests of the archives in {context.environment}",
            statements=pulumi.Output.all(role.role.arn, *eraser_arns).apply(
                lambda roles: [*signing_key_statements(roles[0]), *eraser_signing_statements(roles[1:])]
            ),
            alias=SIGNING_KEY,
            tags=self._tags,
            parent=self,
        )
        self.signing_key_arn = signer.arn
        self.key_arns = [key.arn, signer.arn]
        failed, undelivered = self._queue("failed", key.arn), self._queue("undelivered", key.arn)
        group = self._group(key.arn)
        stream = aws.cloudwatch.LogStream(
            f"{name}-announcements", name=STREAM, log_group_name=audit_group, opts=pulumi.ResourceOptions(parent=self)
        )
        grant = aws.iam.RolePolicy(
            f"{name}-policy",
            role=role.role.name,
            policy=pulumi.Output.all(keys=dict(key_arns), signer=signer.arn, queue=failed.arn, own=key.arn).apply(
                self._grant
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.function = export_function(
            name,
            context=context,
            function_name=self._function_name,
            role_arn=role.role.arn,
            failed_arn=failed.arn,
            log_group=group.name,
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[grant, stream, *after]),
        )
        self._schedule(schedule_role, key.arn, undelivered)
        self.register_outputs({"function": self.function.arn, "signing_key": signer.arn})

    def _schedule_role(self) -> aws.iam.Role:
        trust = service_trust(
            "scheduler.amazonaws.com",
            account_id=self._context.account_id,
            source_arn=self._context.arn("scheduler", f"schedule-group/{self._function_name}"),
        )
        return aws.iam.Role(
            f"{self._name}-schedule-role",
            name=self._context.name("nightly-export", "schedule"),
            description="Calls the nightly export.",
            assume_role_policy=json.dumps(trust),
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _key(self, function_role: pulumi.Output[str], schedule_role: pulumi.Output[str]) -> aws.kms.Key:
        context = self._context
        logs, scheduler = context.regional_service("logs"), context.regional_service("scheduler")

        def policy(roles: list[str]) -> dict[str, typing.Any]:
            return service_key_policy(
                duties_of(context),
                *own_log_key_statements(
                    log_group_arn=self._log_group_arn,
                    logs_service=logs,
                    writer=roles[0],
                    deployers=context.settings.access.deployers,
                ),
                *own_key_statements(
                    function_role=roles[0],
                    schedule_role=roles[1],
                    deployers=context.settings.access.deployers,
                    schedule_arn=self._schedule_arn,
                    sqs_service=context.regional_service("sqs"),
                    scheduler_service=scheduler,
                ),
                deployers_through=[logs, scheduler],
            )

        return customer_key(
            self._name,
            context=context,
            lifetime=context.policy.data_classes.service_keys,
            description=f"The nightly export's log, schedule and queues in {context.environment}",
            policy=pulumi.Output.all(function_role, schedule_role).apply(policy),
            alias=self._name,
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self, protect=context.protect),
        )

    def _group(self, key_arn: pulumi.Output[str]) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            f"{self._name}-log-group",
            name=self._log_group,
            log_group_class="STANDARD",
            retention_in_days=self._context.settings.nightly_export.log_retention_days,
            kms_key_id=key_arn,
            deletion_protection_enabled=self._context.protect,
            skip_destroy=False,
            tags=self._tags,
            # Its name is fixed, so two cannot exist at once.
            opts=pulumi.ResourceOptions(parent=self, protect=self._context.protect, delete_before_replace=True),
        )

    def _queue(self, part: str, key_arn: pulumi.Output[str]) -> aws.sqs.Queue:
        return aws.sqs.Queue(
            f"{self._name}-{part}",
            name=self._context.name("nightly-export", part),
            kms_master_key_id=key_arn,
            message_retention_seconds=DEAD_LETTER_SECONDS,
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _grant(self, known: Mapping[str, typing.Any]) -> str:
        context = self._context
        classes = {
            cls: Exported(context.log_group_arn(cls), context.bucket_arn(context.archive_bucket(cls)), key)
            for cls, key in known["keys"].items()
        }
        audit = classes[announcing_class(context)]
        return json.dumps(
            exporter_policy(
                list(classes.values()),
                audit=audit,
                audit_stream_arn=f"{audit.log_group_arn}:log-stream:{STREAM}",
                signing_key_arn=known["signer"],
                own_stream_arns=f"{self._log_group_arn}:log-stream:*",
                queue_arn=known["queue"],
                own_key_arn=known["own"],
                logs_service=context.regional_service("logs"),
                s3_service=context.regional_service("s3"),
                sqs_service=context.regional_service("sqs"),
            )
        )

    def _schedule(self, role: aws.iam.Role, key_arn: pulumi.Output[str], undelivered: aws.sqs.Queue) -> None:
        context, child = self._context, pulumi.ResourceOptions(parent=self)
        policy = aws.iam.RolePolicy(
            f"{self._name}-schedule-policy",
            role=role.name,
            policy=pulumi.Output.all(self.function.arn, undelivered.arn, key_arn).apply(
                lambda arns: json.dumps(
                    schedule_policy(
                        function_arn=arns[0],
                        queue_arn=arns[1],
                        own_key_arn=arns[2],
                        sqs_service=context.regional_service("sqs"),
                        schedule_arn=self._schedule_arn,
                    )
                )
            ),
            opts=child,
        )
        group = aws.scheduler.ScheduleGroup(
            f"{self._name}-schedules", name=self._function_name, tags=self._tags, opts=child
        )
        aws.scheduler.Schedule(
            f"{self._name}-schedule",
            name=self._function_name,
            group_name=group.name,
            description="Calls the nightly export until nothing is left to export.",
            schedule_expression=EVERY,
            schedule_expression_timezone=context.settings.nightly_export.time_zone,
            flexible_time_window=aws.scheduler.ScheduleFlexibleTimeWindowArgs(
                mode="FLEXIBLE", maximum_window_in_minutes=FLEXIBLE_MINUTES
            ),
            kms_key_arn=key_arn,
            target=aws.scheduler.ScheduleTargetArgs(
                arn=self.function.arn,
                role_arn=role.arn,
                input="{}",
                retry_policy=aws.scheduler.ScheduleTargetRetryPolicyArgs(
                    maximum_retry_attempts=3, maximum_event_age_in_seconds=10 * 60
                ),
                dead_letter_config=aws.scheduler.ScheduleTargetDeadLetterConfigArgs(arn=undelivered.arn),
            ),
            # Scheduler tries the role's right to call when the schedule is created.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
