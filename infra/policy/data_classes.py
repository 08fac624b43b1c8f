"""policy/data_classes.yaml as models: the five classes, who may read them, how long they live, where they may go."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from infra.model import Days, Environment, Model, PerEnvironment, Sentence
from infra.policy.archive import ArchiveRetention, LockMode
from infra.policy.archive_objects import ArchiveObjects
from infra.policy.browsers import Browsers
from infra.policy.datadog import DatadogClass
from infra.policy.destinations import Destination
from infra.policy.search import Search
from infra.policy.severity import Severity
from infra.policy.spans import Spans
from infra.policy.thinning import Folding, Sampling
from infra.problems import Refused

CLOUDWATCH_RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""Days that CloudWatch Logs accepts (API reference, PutRetentionPolicy); never-expire is left out on purpose."""


def _accepted_by_cloudwatch(days: int) -> int:
    if days not in CLOUDWATCH_RETENTION_DAYS:
        raise Refused("not a retention that CloudWatch Logs accepts", ", ".join(map(str, CLOUDWATCH_RETENTION_DAYS)))
    return days


HotDays = Annotated[
    int, AfterValidator(_accepted_by_cloudwatch), Field(json_schema_extra={"enum": list(CLOUDWATCH_RETENTION_DAYS)})
]
ClassName = Annotated[str, Field(pattern=r"^[a-z]{3,12}$")]
GroupName = Annotated[str, Field(pattern=r"^[a-z][a-z-]{2,30}$")]


class Match(Model):
    """What puts a record into a class when the application did not say; any one rule that matches is enough."""

    loggers: tuple[str, ...] = ()
    """Logger names; a name also covers the loggers below it."""
    events: tuple[str, ...] = ()
    """Event names; a name also covers the events below it."""


class Readers(Model):
    """Reader groups by what they may do. A group is a role; nobody among them may write or delete."""

    hot: tuple[GroupName, ...] = Field(min_length=1)
    """May search the log group."""
    archived: tuple[GroupName, ...] = Field(min_length=1)
    """May read the archive bucket."""
    unmask: tuple[GroupName, ...]
    """May see values that the log group's data protection masks."""


class Key(Model):
    """A KMS key of the customer's own."""

    rotation_days: Annotated[int, Field(ge=90, le=2560)]
    """Days between rotations (KMS accepts 90 to 2560)."""
    deletion_window_days: Annotated[int, Field(ge=7, le=30)]
    """Days in which a scheduled deletion can be called off."""


class Erasure(Model):
    """What is answered when a person asks for erasure and records of the class have to stay until their time."""

    basis: Sentence
    """The legal ground on which they stay."""
    retained_because: Sentence


class DataClass(Model):
    """One class of log records: one log group, stream, key, archive bucket and index of its own."""

    purpose: Sentence
    owner: str
    reason: Sentence
    """Why these numbers."""
    sources: tuple[str, ...] = Field(min_length=1)
    """The law, standard or decision behind them."""
    erasure: Erasure
    match: Match
    hot_retention_days: PerEnvironment[HotDays]
    archive: PerEnvironment[ArchiveRetention]
    key: Key
    readers: Readers
    destinations: tuple[Destination, ...] = Field(min_length=1)
    """Where records of this class may go; a stack's own list narrows it further."""
    retry_refused: tuple[Destination, ...] = ()
    """Destinations that are sent a batch again, for ever, although they refused it for good (400, 401, 403, 404, 408,
    413, 500). Elsewhere such a batch is counted, dropped there and comes back from the archive."""
    sampling: tuple[Sampling, ...] = ()
    folding: Folding | None = None
    """Only for a class whose records may be lost."""
    index_fields: tuple[str, ...]
    """Fields that CloudWatch Logs indexes (at most 20 a log group)."""
    datadog: DatadogClass | None = None
    """What holds at Datadog; for classes that may go there, and for no other."""


class ReaderGroup(Model):
    """Who a group is; which people belong to it is decided by the identity provider or stated principals in the stack."""

    purpose: Sentence
    session_hours: Annotated[int, Field(ge=1, le=12)]
    """Hours a reader's session lasts."""


class Floor(Model):
    """What a stack's settings may not go below in one environment."""

    protect: bool
    """Stateful resources are protected from deletion, by Pulumi and by CloudWatch."""
    minimum_tasks: Annotated[int, Field(ge=1)]
    minimum_zones: Annotated[int, Field(ge=1)]
    """Availability zones the collectors are spread over."""
    tls_listeners: bool
    """Applications reach the collector by TLS only."""
    secret_recovery_days: Annotated[int, Field(ge=0, le=30)]
    """Days in which a deleted secret can be restored; 0 deletes at once."""
    audit_reads: bool
    """CloudTrail data events record who read audit and security archives."""
    outage_hours: Annotated[float, Field(gt=0)]
    """Hours a sink may be down while its queue still takes records."""
    fsync: bool
    """Queues are flushed to disk at each write, so that a host crash loses nothing that was acknowledged."""


class DataClasses(Model):
    """The whole of policy/data_classes.yaml."""

    version: Annotated[int, Field(ge=1)]
    environments: PerEnvironment[Floor]
    reader_groups: dict[GroupName, ReaderGroup]
    fallback_class: ClassName
    """The class of a record that nothing else claims."""
    quarantine_class: ClassName
    """The class whose log group also holds records that could not be redacted for certain, their text withheld."""
    never_sampled: tuple[ClassName, ...]
    """Classes that may not have a sampling rule."""
    audited_reads: tuple[ClassName, ...]
    """Classes whose archive reads are recorded where audit_reads is on."""
    access_logs_keep_days: PerEnvironment[Days]
    """Days that server access logs, inventories and CloudTrail's record of reads are kept."""
    lock_extension_days: PerEnvironment[Days]
    """To how many days from now an archive's locks may be extended."""
    proofs_outlive_days: PerEnvironment[Days]
    """Days that manifests and statements of erasure are kept beyond the records that they prove."""
    archive_objects: ArchiveObjects
    """How large the collector's archived objects are."""
    compliance_lock: tuple[ClassName, ...]
    """Classes that may use Object Lock in COMPLIANCE mode, which nobody can undo; only ever in prod."""
    service_keys: Key
    """Keys that belong to no class: those of the collector's secrets, its queues and its own log."""
    browsers: Browsers
    """What is taken from web pages."""
    spans: Spans
    """What is kept of traces, where a stack takes them."""
    search: Search
    """How archives are searched."""
    classes: dict[ClassName, DataClass] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_refer_to_something(self) -> Self:
        for key in ("never_sampled", "audited_reads", "compliance_lock"):
            for name in getattr(self, key):
                self._known_class(name, key)
        self._known_class(self.fallback_class, "fallback_class")
        self._known_class(self.quarantine_class, "quarantine_class")
        self._known_class(self.browsers.belong_to, "browsers.belong_to")
        for name, cls in self.classes.items():
            for kind in ("hot", "archived", "unmask"):
                for group in getattr(cls.readers, kind):
                    if group not in self.reader_groups:
                        raise Refused(
                            f"unknown reader group {group}",
                            ", ".join(self.reader_groups),
                            f"classes.{name}.readers.{kind}",
                        )
        return self

    @model_validator(mode="after")
    def _protected_classes_are_whole(self) -> Self:
        for name in self.never_sampled:
            if self.classes[name].sampling:
                raise Refused(f"{name} records are never sampled", "no sampling", f"classes.{name}.sampling")
            if self.classes[name].folding:
                raise Refused(f"{name} records are never folded", "no folding", f"classes.{name}.folding")
        for name, cls in self.classes.items():
            if len({rule.by for rule in cls.sampling}) > 1:
                raise Refused("rules of one class decide by different things", "the same", f"classes.{name}.sampling")
            if cls.folding and cls.folding.below.number > Severity.ERROR.number:
                raise Refused(
                    "ERROR and above are never folded", "below: ERROR or lower", f"classes.{name}.folding.below"
                )
            for rule in cls.sampling:
                if rule.below.number > Severity.ERROR.number:
                    raise Refused(
                        "ERROR and above are never sampled",
                        "below: ERROR or lower",
                        f"classes.{name}.sampling.{rule.name}",
                    )
        return self

    @model_validator(mode="after")
    def _refusals_come_from_destinations(self) -> Self:
        for name, cls in self.classes.items():
            for destination in cls.retry_refused:
                if destination not in cls.destinations:
                    raise Refused(
                        f"{name} records never go to {destination}",
                        ", ".join(cls.destinations),
                        f"classes.{name}.retry_refused",
                    )
        return self

    @model_validator(mode="after")
    def _datadog_keeps_no_more_than_policy_lets_it(self) -> Self:
        for name, cls in self.classes.items():
            at = f"classes.{name}.datadog"
            if (cls.datadog is None) == (Destination.DATADOG in cls.destinations):
                raise Refused(
                    "destinations and datadog do not fit each other",
                    "datadog where destinations name it, and nowhere else",
                    at,
                )
            if cls.datadog is None:
                continue
            if name in self.never_sampled and cls.datadog.exclusions:
                raise Refused(f"{name} records are never left out", "no exclusions", f"{at}.exclusions")
            for environment in Environment:
                longest = cls.archive.at(environment).keep_days
                kept = {
                    "retention_days": cls.datadog.retention_days.at(environment),
                    "archive": cls.datadog.archive.at(environment).keep_days,
                }
                for key, days in kept.items():
                    if days > longest:
                        raise Refused(
                            "Datadog would keep records longer than the class's own archive",
                            f"at most {longest} days",
                            f"{at}.{key}.{environment}",
                        )
        return self

    @model_validator(mode="after")
    def _irreversible_locks_are_rare(self) -> Self:
        for name, cls in self.classes.items():
            for environment in Environment:
                if cls.archive.at(environment).object_lock.mode is not LockMode.COMPLIANCE:
                    continue
                if environment is not Environment.PROD or name not in self.compliance_lock:
                    raise Refused(
                        "COMPLIANCE cannot be undone and is not allowed here",
                        "GOVERNANCE or none; COMPLIANCE only in prod for " + ", ".join(self.compliance_lock),
                        f"classes.{name}.archive.{environment}.object_lock.mode",
                    )
        return self

    def _known_class(self, name: str, key: str) -> None:
        if name not in self.classes:
            raise Refused(f"unknown class {name}", ", ".join(self.classes), key)
