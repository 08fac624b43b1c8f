"""The collector's secrets: who may put a value, who may read it, and nothing of it in plain text anywhere."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import final

import pulumi
import pulumi_aws as aws

from infra.components.customer_key import customer_key
from infra.context import Context
from infra.documents.key_policy import SecretUse, duties_of, secret_key_policy
from infra.documents.secret_policy import secret_reader_policy, secret_resource_policy
from infra.secrets import PEPPER_VARIABLE, earlier_peppers, needed


@final
class SecretStore(pulumi.ComponentResource):
    """The secrets that the stack's destinations need, in Secrets Manager under a key of their own.

    Creates the key with its alias and, for each secret, the entry and its resource policy. Where values stand in
    the stack's encrypted config it also writes them, as write-only values that the provider neither stores nor
    reads back; where operators put them it creates no value at all.

    Grants the reader role (the one that ECS uses to start tasks) exactly these secrets; nobody else can read one,
    and the secrets' own policies refuse it. Operators, or deployers where values come from config, may put values
    and cannot read one back.

    Peppers of earlier epochs (settings: pepper_epochs) are secrets of their own, whose values are always put by hand.
    Requests about one person (`subject_role_arn`, `eraser_arns`) read every pepper, and the collector's role only the current one.
    """

    key_arn: pulumi.Output[str]
    arns: dict[str, pulumi.Output[str]]
    """ARN by secret name (infra.secrets.CATALOGUE)."""
    pepper_arns: list[pulumi.Output[str]]
    """ARNs of the current pepper and of those of earlier epochs."""

    def __init__(
        self,
        name: str,
        *,
        context: Context,
        values: Mapping[str, pulumi.Output[str]],
        reader_role: aws.iam.Role,
        subject_role_arn: pulumi.Input[str],
        eraser_arns: Sequence[pulumi.Input[str]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("tinybeans:logging:SecretStore", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        stateful = pulumi.ResourceOptions(parent=self, protect=context.protect)
        tags = context.tags(name)
        access = context.settings.access
        service = context.regional_service("secretsmanager")
        entries = needed(context.settings)
        earlier = earlier_peppers(context.settings)
        writers = {"operator": access.secret_operators, "config": access.deployers}[context.settings.credentials_from]
        use = SecretUse(
            # Secrets Manager ends each ARN with a hyphen and six characters, known only once the secret exists.
            secret_arns=[
                context.arn("secretsmanager", f"secret:{context.secret(entry.name)}-??????")
                for entry in (*entries, *earlier)
            ],
            service=service,
        )
        key = customer_key(
            name,
            context=context,
            lifetime=context.policy.data_classes.service_keys,
            description=f"Secrets of the collector in {context.environment}",
            policy=pulumi.Output.all(reader_role.arn, subject_role_arn, *eraser_arns).apply(
                lambda readers: secret_key_policy(duties_of(context), use, readers=readers, writers=writers)
            ),
            alias="secrets",
            tags=tags,
            opts=stateful,
        )
        kept: dict[str, pulumi.Output[str]] = {}
        for entry in (*entries, *earlier):
            who: list[pulumi.Input[str]] = [reader_role.arn] if entry in entries else []
            if entry.environment_variable == PEPPER_VARIABLE:
                who.extend([subject_role_arn, *eraser_arns])
            secret = aws.secretsmanager.Secret(
                f"{name}-{entry.name}-secret",
                name=context.secret(entry.name),
                description=entry.purpose,
                kms_key_id=key.arn,
                recovery_window_in_days=context.settings.secret_recovery_days,
                tags=tags,
                opts=stateful,
            )
            kept[entry.name] = secret.arn
            aws.secretsmanager.SecretPolicy(
                f"{name}-{entry.name}-policy",
                secret_arn=secret.arn,
                block_public_policy=True,
                policy=pulumi.Output.all(*who).apply(
                    lambda readers: json.dumps(secret_resource_policy(readers=readers, writers=writers))
                ),
                opts=child,
            )
            if entry.name in values:
                aws.secretsmanager.SecretVersion(
                    f"{name}-{entry.name}-value",
                    secret_id=secret.id,
                    secret_string_wo=values[entry.name],
                    secret_string_wo_version=values[entry.name].apply(_version),
                    opts=pulumi.ResourceOptions(parent=self, additional_secret_outputs=["secretStringWoVersion"]),
                )
        self.arns = {entry.name: kept[entry.name] for entry in entries}
        self.pepper_arns = [
            kept[entry.name] for entry in (*entries, *earlier) if entry.environment_variable == PEPPER_VARIABLE
        ]
        aws.iam.RolePolicy(
            f"{name}-grant",
            name="read-secrets",
            role=reader_role.name,
            policy=pulumi.Output.all(secrets=list(self.arns.values()), key=key.arn).apply(
                lambda known: json.dumps(
                    secret_reader_policy(secret_arns=known["secrets"], key_arn=known["key"], service=service)
                )
            ),
            opts=child,
        )
        self.key_arn = key.arn
        self.register_outputs({"key_arn": self.key_arn, "arns": self.arns})


def _version(value: str) -> int:
    """Return a number that changes with `value`: a write-only value is written again only when this changes.

    It is computed from a secret Output, so Pulumi keeps it encrypted; 28 bits of a hash would not give a random
    value away, but could confirm a guessed one.
    """
    return int(hashlib.sha256(value.encode()).hexdigest()[:7], 16)
