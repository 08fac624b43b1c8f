"""What every component of one stack shares: names, tags, ARNs and how strongly things are protected. Pure."""

import hashlib
from dataclasses import dataclass

from infra.policy import Policy
from infra.settings import Settings

PREFIX = "tinybeans"


@dataclass(frozen=True)
class Context:
    """One stack's settings and policy, and what follows from them for every resource.

    Physical names are fixed where a person or another system must find the resource (log groups, buckets, secrets,
    roles, aliases): the collector's configuration and every policy can then be read in full before anything exists.
    """

    settings: Settings
    policy: Policy

    @property
    def environment(self) -> str:
        """Return the stack's environment."""
        return self.settings.environment.value

    @property
    def account_id(self) -> str:
        """Return the twelve digits of the stack's account."""
        return self.settings.aws.account_id

    @property
    def region(self) -> str:
        """Return the stack's region."""
        return self.settings.aws.region

    @property
    def protect(self) -> bool:
        """Return whether stateful resources refuse deletion: the policy's word, unless a teardown was confirmed."""
        floor = self.policy.data_classes.environments.at(self.settings.environment)
        return floor.protect and self.settings.teardown_confirmed is None

    def name(self, *parts: str, max_length: int = 64) -> str:
        """Return `tinybeans-<environment>-<parts>`, cut and made unique by a hash when longer than `max_length`."""
        return fitted("-".join([PREFIX, self.environment, *parts]), max_length)

    def bucket_name(self, *parts: str) -> str:
        """Return a bucket name that is the world's only one: account and region are part of it (63 characters)."""
        return fitted("-".join([PREFIX, self.environment, *parts, self.account_id, self.region]), 63)

    def archive_bucket(self, cls: str) -> str:
        """Return the name of a class's archive bucket, an adopted one included."""
        return self.settings.adopt.buckets.get(cls) or self.bucket_name("logs", cls)

    def log_group(self, cls: str) -> str:
        """Return the name of a class's log group, an adopted one included."""
        return self.settings.adopt.log_groups.get(cls) or f"/{PREFIX}/{self.environment}/{cls}"

    def tags(self, component: str, **extra: str) -> dict[str, str]:
        """Return the tags of every resource of `component`."""
        return {
            "Project": "tinybeans-logging",
            "Environment": self.environment,
            "Component": component,
            "ManagedBy": "pulumi",
            "Name": self.name(component),
            **extra,
        }

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of `resource` in this stack's account and region."""
        return f"arn:{self.settings.aws.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    def global_arn(self, service: str, resource: str) -> str:
        """Return the ARN of `resource` in a service without regions, such as IAM."""
        return f"arn:{self.settings.aws.partition}:{service}::{self.account_id}:{resource}"

    def bucket_arn(self, bucket: str, key: str = "") -> str:
        """Return the ARN of a bucket, or of the objects under `key` in it."""
        return f"arn:{self.settings.aws.partition}:s3:::{bucket}" + (f"/{key}" if key else "")

    def regional_service(self, service: str) -> str:
        """Return the name under which a service acts in this region, for example logs.us-east-1.amazonaws.com.

        KMS knows it as the principal of CloudWatch Logs and as `kms:ViaService` of the services that call it.
        """
        suffix = "amazonaws.com.cn" if self.settings.aws.partition == "aws-cn" else "amazonaws.com"
        return f"{service}.{self.region}.{suffix}"

    def key_alias(self, name: str) -> str:
        """Return the alias of a KMS key."""
        return f"alias/{PREFIX}/{self.environment}/{name}"

    def secret(self, name: str) -> str:
        """Return the name of a secret in Secrets Manager."""
        return f"{PREFIX}/{self.environment}/{name}"

    def log_group_arn(self, cls: str) -> str:
        """Return the ARN of a class's log group, without the trailing `:*` of its streams."""
        return self.arn("logs", f"log-group:{self.log_group(cls)}")


STREAM = "collector"
"""The log stream of each class's log group; the collector writes to it and can create none."""
QUARANTINE_STREAM = "quarantine"
"""The log stream of withheld records, in the log group of the policy's quarantine class only."""


def fitted(name: str, max_length: int) -> str:
    """Return `name`, shortened to `max_length` characters with eight of its hash when it is longer."""
    if len(name) <= max_length:
        return name
    return f"{name[: max_length - 9].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
