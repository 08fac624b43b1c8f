"""Who carries out requests about one person: a role of its own, and the stream in which each use is written down."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, final

import pulumi
import pulumi_aws as aws

from infra.components.log_store import LogStore
from infra.components.reader_grants import store_of
from infra.components.reader_roles import ReaderRoles
from infra.context import Context
from infra.documents.subject_policy import (
    SESSION_SECONDS,
    STREAM,
    announcers,
    announcing_key_statements,
    subject_announcing,
    subject_reading,
    subject_trust,
)


@final
class SubjectRole(pulumi.ComponentResource):
    """Creates the role, before the keys that name it. Only the reader roles of `announcers` can take it. Grants nothing:
    SubjectRequests does.
    """

    role: aws.iam.Role

    def __init__(
        self, name: str, *, context: Context, readers: ReaderRoles, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("tinybeans:logging:SubjectRole", name, None, opts)
        self.role = aws.iam.Role(
            f"{name}-role",
            name=context.name("subject-requests"),
            description="Requests about one person: reads every class and the pepper of every epoch.",
            assume_role_policy=pulumi.Output.all(*readers.arns(announcers(context))).apply(
                lambda arns: json.dumps(subject_trust(arns))
            ),
            max_session_duration=SESSION_SECONDS,
            tags=context.tags(name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._context = context
        self.register_outputs({"arn": self.role.arn})

    def key_statements(self, cls: str) -> pulumi.Output[list[dict[str, Any]]]:
        """Return what the key of the class `cls` must say besides."""
        return self.role.arn.apply(lambda role: announcing_key_statements(self._context, cls, role))


@final
class SubjectRequests(pulumi.ComponentResource):
    """What that role may do.

    Creates the log stream of its audit records and two inline policies. Grants reading every class, hot and archived,
    writing to that stream, and reading the pepper of every kept epoch. Altering any record stays refused: erasing takes
    another role (infra/components/eraser.py).
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        role: SubjectRole,
        key_arns: Mapping[str, pulumi.Input[str]],
        audit_store: LogStore,
        pepper_arns: Sequence[pulumi.Input[str]],
        secrets_key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:SubjectRequests", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        aws.cloudwatch.LogStream(
            f"{name}-announcements", name=STREAM, log_group_name=audit_store.log_group_name, opts=child
        )
        aws.iam.RolePolicy(
            f"{name}-reading",
            name="read-records",
            role=role.role.name,
            policy=pulumi.Output.all(**key_arns).apply(
                lambda keys: json.dumps(
                    subject_reading(
                        context,
                        [
                            store_of(context, cls, data_class, keys[cls])
                            for cls, data_class in context.policy.data_classes.classes.items()
                        ],
                    )
                )
            ),
            opts=child,
        )
        aws.iam.RolePolicy(
            f"{name}-announcing",
            name="announce-and-recompute",
            role=role.role.name,
            policy=pulumi.Output.all(
                group=audit_store.log_group_arn,
                group_key=audit_store.key_arn,
                secrets=list(pepper_arns),
                key=secrets_key_arn,
            ).apply(
                lambda known: json.dumps(
                    subject_announcing(
                        context,
                        log_group_arn=known["group"],
                        log_key_arn=known["group_key"],
                        secret_arns=known["secrets"],
                        key_arn=known["key"],
                    )
                )
            ),
            opts=child,
        )
        self.register_outputs({})
