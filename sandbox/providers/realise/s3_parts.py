"""The parts of a bucket that the provider manages one by one: each is a put, a get and a delete on the bucket.

The parameters are made from botocore's own shape of the put, so a block that the SDK gains needs no code here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.providers import shapes
from sandbox.providers.cloud import Cloud
from sandbox.providers.errors import ProviderError
from sandbox.providers.table import Made, Realiser
from sandbox.providers.wire import Props


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a bucket: its operations, and where the configuration lies in the put and in the get."""

    put: str
    member: str
    get: str
    delete: str = ""
    nested: str = ""
    """The SDK property that holds the whole configuration; empty when it is spread over the inputs."""
    answer: str | None = None
    """The member of the read call's answer that holds the configuration; `None`: the answer itself."""
    rename: Mapping[str, str] = field(default_factory=dict)
    forgotten: frozenset[str] = frozenset()
    """Properties, at any depth, that moto takes and does not keep: what was declared is believed."""
    skip: Callable[[Props], bool] = lambda _: False
    """Whether there is nothing to put."""

    def shape(self) -> Any:
        """The botocore shape of the configuration."""
        return shapes.operation_input("s3", _operation(self.put), self.member)

    def apply(self, cloud: Cloud, inputs: Props) -> None:
        """Puts the configuration."""
        if self.skip(inputs):
            return
        source = inputs.get(self.nested, {}) if self.nested else inputs
        configuration = shapes.to_api(self.shape(), source, self.rename)
        _call(cloud, self.put, Bucket=inputs["bucket"], **{self.member: configuration})

    def read(self, cloud: Cloud, state: Props) -> Props | None:
        """The configuration as it is, in the form of what was declared."""
        if "bucket" not in state:
            raise ProviderError("the sandbox imports log groups, keys and buckets, not the parts of a bucket")
        client = cloud.client("s3")
        try:
            answer = getattr(client, self.get)(Bucket=state["bucket"])
        except client.exceptions.ClientError as error:
            code = error.response["Error"]["Code"]
            if code.startswith("NoSuch") or code.endswith("NotFoundError") or code == "404":
                return None
            raise
        found = answer.get(self.answer) if self.answer else answer
        if not found:
            return None
        if self.nested:
            return {self.nested: shapes.like(state.get(self.nested), found, self.rename)}
        declared = {key: value for key, value in state.items() if self._has(key)}
        return dict(self._believed(declared, shapes.like(declared, found, self.rename)))

    def _believed(self, declared: Any, now: Any) -> Any:
        if isinstance(declared, dict) and isinstance(now, dict):
            return {
                key: declared[key]
                if key in self.forgotten and key in declared
                else self._believed(declared.get(key), item)
                for key, item in now.items()
            }
        if isinstance(declared, list) and isinstance(now, list) and len(declared) == len(now):
            return [self._believed(*both) for both in zip(declared, now, strict=True)]
        return now

    def remove(self, cloud: Cloud, state: Props) -> None:
        """Takes the configuration away, where the API can."""
        if not self.delete:
            return
        client = cloud.client("s3")
        try:
            getattr(client, self.delete)(Bucket=state["bucket"])
        except client.exceptions.NoSuchBucket:
            return

    def _has(self, key: str) -> bool:
        members = self.shape().members
        return key != "bucket" and (self.rename.get(key) or shapes.member_of(members, key)) in members


def _operation(method: str) -> str:
    return "".join(word.capitalize() for word in method.split("_"))


def _call(cloud: Cloud, method: str, **parameters: Any) -> Any:
    return getattr(cloud.client("s3"), method)(**parameters)


def part(configuration: Part, identifier: Callable[[Props], str] = lambda inputs: str(inputs["bucket"])) -> Realiser:
    """A bucket's part as a realiser."""

    def create(cloud: Cloud, inputs: Props) -> Made:
        configuration.apply(cloud, inputs)
        return Made(identifier(inputs))

    def update(cloud: Cloud, _: str, __: Props, inputs: Props) -> Props:
        configuration.apply(cloud, inputs)
        return {}

    return Realiser(
        create=create,
        read=lambda cloud, _, state: configuration.read(cloud, state),
        update=update,
        delete=lambda cloud, _, state: configuration.remove(cloud, state),
    )


VERSIONING = part(
    Part(
        put="put_bucket_versioning",
        member="VersioningConfiguration",
        get="get_bucket_versioning",
        nested="versioningConfiguration",
        # bucket_versioning.go: "Disabled" is only what a bucket is before versioning was ever on.
        skip=lambda inputs: inputs["versioningConfiguration"].get("status") == "Disabled",
    )
)
PUBLIC_ACCESS_BLOCK = part(
    Part(
        put="put_public_access_block",
        member="PublicAccessBlockConfiguration",
        get="get_public_access_block",
        answer="PublicAccessBlockConfiguration",
        delete="delete_public_access_block",
    )
)
ENCRYPTION = part(
    Part(
        put="put_bucket_encryption",
        member="ServerSideEncryptionConfiguration",
        get="get_bucket_encryption",
        answer="ServerSideEncryptionConfiguration",
        delete="delete_bucket_encryption",
    )
)
OWNERSHIP = part(
    Part(
        put="put_bucket_ownership_controls",
        member="OwnershipControls",
        get="get_bucket_ownership_controls",
        answer="OwnershipControls",
        delete="delete_bucket_ownership_controls",
    )
)
LIFECYCLE = part(
    Part(
        put="put_bucket_lifecycle_configuration",
        member="LifecycleConfiguration",
        get="get_bucket_lifecycle_configuration",
        delete="delete_bucket_lifecycle",
    )
)
OBJECT_LOCK = part(
    Part(
        put="put_object_lock_configuration",
        member="ObjectLockConfiguration",
        get="get_object_lock_configuration",
        answer="ObjectLockConfiguration",
        # Once a bucket has Object Lock it can never be without: nothing to delete.
    )
)
REPLICATION = part(
    Part(
        put="put_bucket_replication",
        member="ReplicationConfiguration",
        get="get_bucket_replication",
        answer="ReplicationConfiguration",
        delete="delete_bucket_replication",
        forgotten=frozenset(
            {
                "deleteMarkerReplication",
                "encryptionConfiguration",
                "existingObjectReplication",
                "metrics",
                "replicationTime",
                "sourceSelectionCriteria",
            }
        ),
    )
)
