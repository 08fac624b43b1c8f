"""Who may erase one person's records from the archives: nobody, until settings name who may take a role for it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, final

import pulumi
import pulumi_aws as aws

from infra.components.log_store import LogStore
from infra.components.replica import Replicas
from infra.context import Context
from infra.documents.eraser_policy import (
    ErasedClass,
    erasable,
    eraser_announcing,
    eraser_key_statements,
    eraser_reading,
    eraser_trust,
    eraser_writing,
    role_name,
)
from infra.documents.export_assignment import announcing_class
from infra.documents.subject_policy import SESSION_SECONDS


@final
class EraserRole(pulumi.ComponentResource):
    """Creates the role, where settings' `access.erasers` name somebody, before the keys and buckets that name it.

    Grants nothing: Eraser does. `roles` holds the role, or nothing where nobody may erase.
    """

    roles: list[aws.iam.Role]
    arns: list[pulumi.Output[str]]

    def __init__(self, name: str, *, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tinybeans:logging:EraserRole", name, None, opts)
        self._context = context
        principals = context.settings.access.erasers
        self.roles = [
            aws.iam.Role(
                f"{name}-role",
                name=role_name(context),
                description="Erases one person's records from unlocked objects of the archives, and signs what it did.",
                assume_role_policy=json.dumps(eraser_trust(principals)),
                max_session_duration=SESSION_SECONDS,
                tags=context.tags(name),
                opts=pulumi.ResourceOptions(parent=self),
            )
            for _ in principals[:1]
        ]
        self.arns = [role.arn for role in self.roles]
        self.register_outputs({"arns": self.arns})

    def arns_for(self, cls: str) -> list[pulumi.Output[str]]:
        """Return the role's ARN where policy lets records of `cls` be erased."""
        return self.arns if erasable(self._context, cls) else []

    def key_statements(self, cls: str) -> pulumi.Output[list[dict[str, Any]]]:
        """Return what the key of the class `cls` must say besides."""
        context, announced = self._context, cls == announcing_class(self._context)
        return pulumi.Output.all(*self.arns).apply(
            lambda roles: [
                statement
                for role in roles
                for statement in eraser_key_statements(context, cls, role, announced=announced)
            ]
        )


@final
class Eraser(pulumi.ComponentResource):
    """What that role may do, where there is one.

    Creates three inline policies. Grants reading every class, hot and archived, with the copies in the replica's
    region; writing objects of records again and removing their versions in the archives that policy does not lock in
    COMPLIANCE mode; adding signed records below their `erasures/`; audit records; reading every pepper and deleting
    those of earlier epochs.
    """

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        role: EraserRole,
        replicas: Replicas,
        key_arns: Mapping[str, pulumi.Input[str]],
        audit_store: LogStore,
        pepper_arns: Sequence[pulumi.Input[str]],
        secrets_key_arn: pulumi.Input[str],
        signing_key_arn: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:Eraser", name, None, opts)

        def classes(known: Mapping[str, Any]) -> list[ErasedClass]:
            return [
                ErasedClass(
                    log_group_arn=context.log_group_arn(cls),
                    bucket_arn=context.bucket_arn(context.archive_bucket(cls)),
                    key_arn=known["keys"][cls],
                    erasable=erasable(context, cls),
                    replica_arn=replicas.by_class[cls].bucket_arn if cls in replicas.by_class else "",
                    replica_key_arn=known["copies"].get(cls, ""),
                )
                for cls in context.policy.data_classes.classes
            ]

        known = pulumi.Output.all(
            keys=dict(key_arns),
            copies={cls: replica.key.arn for cls, replica in replicas.by_class.items()},
            signer=signing_key_arn,
            group=audit_store.log_group_arn,
            group_key=audit_store.key_arn,
            peppers=list(pepper_arns),
            secrets_key=secrets_key_arn,
        )
        documents = {
            "read-records": known.apply(lambda it: json.dumps(eraser_reading(context, classes(it)))),
            "erase-records": known.apply(
                lambda it: json.dumps(eraser_writing(context, classes(it), signing_key_arn=it["signer"]))
            ),
            "announce-and-recompute": known.apply(
                lambda it: json.dumps(
                    eraser_announcing(
                        context,
                        log_group_arn=it["group"],
                        log_key_arn=it["group_key"],
                        secret_arns=it["peppers"],
                        earlier_arns=it["peppers"][1:],
                        key_arn=it["secrets_key"],
                    )
                )
            ),
        }
        for own in role.roles:
            for policy, document in documents.items():
                aws.iam.RolePolicy(
                    f"{name}-{policy}",
                    name=policy,
                    role=own.name,
                    policy=document,
                    opts=pulumi.ResourceOptions(parent=self),
                )
        self.register_outputs({})
