"""One class's archive as the commands on keeping see it: its bucket, its policy, and who acts."""

import datetime
from dataclasses import dataclass
from typing import Any

from infra.context import Context
from infra.documents.export_assignment import assignment
from infra.documents.keeper_policy import BATCH, SIGNING_KEY, role_arn
from infra.export.answers import explained
from infra.export.problems import RefusedError
from infra.export.targets import Assignment, Target
from infra.policy.archive import ArchiveRetention
from infra.problems import InputError, Problem


@dataclass(frozen=True)
class Services:
    """The clients that a command works with."""

    s3: Any
    logs: Any
    sts: Any
    kms: Any
    control: Any
    """S3 Control, which takes jobs of S3 Batch Operations."""


@dataclass(frozen=True)
class Place:
    """One class's archive in one stack."""

    services: Services
    assignment: Assignment
    target: Target
    retention: ArchiveRetention
    most_days: int
    """To how many days from now a lock may be extended (policy/data_classes.yaml, lock_extension_days)."""
    signing_key: str
    """Alias of the key that signs the register."""
    batch: "Batch"

    @property
    def bucket(self) -> str:
        """Return the class's bucket."""
        return str(self.target.bucket)


@dataclass(frozen=True)
class Batch:
    """Where and as whom S3 Batch Operations works for this stack."""

    account_id: str
    role_arn: str
    bucket: str
    """Where lists and reports of jobs lie: the access logs' bucket."""
    bucket_arn: str


@dataclass(frozen=True)
class Asked:
    """Who asks for something, and why; both stay in the register for good."""

    who: str
    why: str
    now: datetime.datetime


def place_of(context: Context, cls: str, services: Services) -> Place:
    """Return the archive of the class `cls`. Raises InputError when there is no such class."""
    classes = context.policy.data_classes.classes
    if cls not in classes:
        raise InputError([Problem("command line", "CLASS", "there is no such class", ", ".join(classes))])
    if not context.settings.access.archive_keepers:
        raise InputError(
            [
                Problem(
                    f"Pulumi.{context.environment}.yaml",
                    "access.archive_keepers",
                    "names nobody, so that nobody may hold, lock or certify here",
                    "who may take the keepers' role; then pulumi up",
                )
            ]
        )
    told, logs = assignment(context), context.bucket_name("access-logs")
    return Place(
        services,
        told,
        next(target for target in told.targets if target.cls == cls),
        classes[cls].archive.at(context.settings.environment),
        context.policy.data_classes.lock_extension_days.at(context.settings.environment),
        context.key_alias(SIGNING_KEY),
        Batch(context.account_id, role_arn(context, BATCH), logs, context.bucket_arn(logs)),
    )


def asked_by(who: str, why: str, now: datetime.datetime) -> Asked:
    """Return who asks and why. Raises InputError when either says nothing."""
    problems = [
        Problem("command line", key, "says nothing", allowed)
        for key, value, least, allowed in (
            ("WHO", who, 3, "the name of the person who answers for it"),
            ("WHY", why, 10, "the case or the order that asks for it, ten characters at least"),
        )
        if len(value.strip()) < least
    ]
    if problems:
        raise InputError(problems)
    return Asked(who.strip(), why.strip(), now)


def check_lockable(place: Place) -> None:
    """Raise RefusedError unless the bucket has Object Lock, without which S3 holds and locks nothing."""
    try:
        with explained(f"looking at the lock of {place.bucket}", "s3:GetBucketObjectLockConfiguration on it"):
            place.services.s3.get_object_lock_configuration(Bucket=place.bucket)
    except RefusedError as error:
        if "ObjectLockConfigurationNotFound" not in str(error):
            raise
        raise RefusedError(
            f"{place.bucket} has no Object Lock: nothing in it can be held. Deploy this version of the program first, "
            "which gives it one without a default lock; nothing was done"
        ) from error
