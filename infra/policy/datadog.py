"""What policy says of a class at Datadog: how long it is searchable there, what is left out of its index, its archive.

Datadog takes its own retentions only, and reads back from its archive only what S3 hands out at once (Datadog docs,
"Log Archives", storage class: a rehydration cannot wait for a restore).
"""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from infra.model import Days, Model, PerEnvironment, Sentence
from infra.policy.archive import ArchiveRetention, LockMode, ObjectLock, StorageClass, Tier
from infra.problems import Refused

RETENTION_DAYS = (3, 7, 15, 30, 45, 60, 90, 180, 360)
"""Days of the Standard Tier (Datadog docs, "Indexes"); which of them may be used is the contract's to say."""
READ_AT_ONCE = (StorageClass.STANDARD_IA, StorageClass.INTELLIGENT_TIERING, StorageClass.GLACIER_IR)
"""Storage classes below STANDARD that Datadog rehydrates from (Datadog docs, "Log Archives")."""


def _offered(days: int) -> int:
    if days not in RETENTION_DAYS:
        raise Refused("not a retention that Datadog offers", ", ".join(map(str, RETENTION_DAYS)))
    return days


def _one_line(query: str) -> str:
    if "\n" in query or query != query.strip():
        raise Refused("a query is one line", "one line without spaces around it")
    return query


Retention = Annotated[int, AfterValidator(_offered), Field(json_schema_extra={"enum": list(RETENTION_DAYS)})]
Query = Annotated[str, AfterValidator(_one_line), Field(min_length=3)]


class Exclusion(Model):
    """Records of a class that Datadog does not index; its metrics, its archive and every other sink have them all."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z_]{2,30}$")]
    query: Query
    """Datadog's search syntax, on one line; records of ERROR and above are spared whatever it says."""
    exclude_percent: PerEnvironment[Annotated[float, Field(ge=0, le=100)]]
    """Percent of what the query finds that is not indexed."""
    reason: Sentence


class DatadogArchive(Model):
    """How long Datadog's own archive keeps a class, in days since an object was written."""

    keep_days: Days
    tiers: tuple[Tier, ...] = ()
    replaced_versions_keep_days: Days
    """Days that a file is kept once Datadog has written it again, which it does to its newest."""

    @property
    def retention(self) -> ArchiveRetention:
        """Return the same as an archive's retention: never locked, for a locked file could not be written again."""
        return ArchiveRetention(
            keep_days=self.keep_days,
            searchable_days=self.keep_days,
            tiers=self.tiers,
            replaced_versions_keep_days=self.replaced_versions_keep_days,
            object_lock=ObjectLock(mode=LockMode.NONE),
        )

    @model_validator(mode="after")
    def _can_be_read_back(self) -> Self:
        for tier in self.tiers:
            if tier.storage_class not in READ_AT_ONCE:
                raise Refused(
                    f"Datadog cannot read back from {tier.storage_class}",
                    ", ".join(READ_AT_ONCE),
                    "tiers",
                )
        try:
            _ = self.retention
        except ValueError as error:  # pydantic's error holds the refusal of S3's own limits
            cause = getattr(error, "errors", list)()[0].get("ctx", {}).get("error")
            raise cause if isinstance(cause, Refused) else error from None
        return self


class DatadogClass(Model):
    """One class at Datadog."""

    retention_days: PerEnvironment[Retention]
    """Days that records are searchable in the class's index."""
    exclusions: tuple[Exclusion, ...] = ()
    """Tried in this order; the first that matches decides."""
    archive: PerEnvironment[DatadogArchive]
