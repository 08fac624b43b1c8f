"""What every model of policy and settings has in common: frozen, nothing unknown, input kept out of errors."""

from enum import StrEnum
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Model(BaseModel):
    """A frozen value whose unknown keys are errors and whose errors never repeat the input."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Environment(StrEnum):
    """The columns of the policy. A stack belongs to exactly one."""

    SANDBOX = "sandbox"
    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"


class PerEnvironment(Model, Generic[T]):
    """One value for each environment; none can be forgotten."""

    sandbox: T
    dev: T
    staging: T
    prod: T

    def at(self, environment: Environment) -> T:
        """Return the value that holds in `environment`."""
        value: T = getattr(self, environment.value)
        return value


Days = Annotated[int, Field(ge=1, le=36500, description="Days.")]
"""A whole number of days, at most a hundred years."""

Sentence = Annotated[str, Field(min_length=10, description="Written for people.")]
"""Prose that a reviewer reads; too short to say anything is refused."""
