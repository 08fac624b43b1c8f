"""policy/exceptions.yaml as models: findings that were accepted, by whom, why and until when."""

import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import Field

from infra.model import Environment, Model, Sentence


class Checker(StrEnum):
    """Who reports the finding; `design` is a deviation from this repository's own rules."""

    CHECKOV = "checkov"
    CFN_LINT = "cfn-lint"
    PARLIAMENT = "parliament"
    DESIGN = "design"


class AcceptedFinding(Model):
    """One finding that is lived with, for a time."""

    checker: Checker
    finding: Annotated[str, Field(min_length=3)]
    """The checker's own identifier."""
    resources: tuple[str, ...] = Field(min_length=1)
    """Resources it is accepted for, as `type/name` with shell wildcards."""
    environments: tuple[Environment, ...] = Field(min_length=1)
    """Environments it is accepted in."""
    reason: Sentence
    compensation: Sentence
    """What keeps the risk small instead."""
    owner: str
    expires: datetime.date
    """The day from which the exception no longer holds."""

    def covers(self, checker: str, finding: str, resource: str, environment: str) -> bool:
        """Return whether this exception accepts `finding` of `checker` on `resource` (`type/name`) in `environment`."""
        same = self.checker == checker and self.finding == finding and environment in self.environments
        return same and any(fnmatchcase(resource, pattern) for pattern in self.resources)


class Exceptions(Model):
    """The whole of policy/exceptions.yaml."""

    version: Annotated[int, Field(ge=1)]
    exceptions: tuple[AcceptedFinding, ...]

    def expired(self, today: datetime.date) -> list[tuple[int, AcceptedFinding]]:
        """Return the exceptions that no longer hold on `today`, with their position in the file."""
        return [(at, item) for at, item in enumerate(self.exceptions) if item.expires <= today]
