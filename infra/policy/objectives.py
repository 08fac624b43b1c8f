"""policy/objectives.yaml as models: what the pipeline promises, and how well it has to keep it."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.model import Environment, Model, PerEnvironment, Sentence
from infra.problems import Refused

Share = Annotated[float, Field(gt=0, lt=100, description="Percent; 100 leaves nothing that may go wrong.")]


class Measure(StrEnum):
    """What is measured."""

    FRESHNESS = "freshness"
    """Of each sink: the share of slices in which it took records, of those in which some came in."""
    LOSS = "loss"
    """The share of records that sinks took, of those that they took or refused for good."""
    REDACTION = "redaction"
    """The share of records that were proven clean, of all."""


class Objective(Model):
    """One promise."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z-]{2,40}$")]
    measures: Measure
    target_percent: PerEnvironment[Share]
    """Below this the promise is broken."""
    warning_percent: PerEnvironment[Share]
    """Below this it is about to be."""
    reason: Sentence
    """Why these numbers."""
    sources: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _warned_first(self) -> Self:
        for environment in Environment:
            target = self.target_percent.at(environment)
            if self.warning_percent.at(environment) <= target:
                raise Refused("warns when it is too late", f"above {target:g}", f"warning_percent.{environment}")
        return self


class Objectives(Model):
    """The whole of policy/objectives.yaml."""

    version: Annotated[int, Field(ge=1)]
    timeframe: Literal["7d", "30d", "90d"]
    """What Datadog measures objectives over (Service Level Objectives API)."""
    slice_seconds: Literal[60, 300]
    """Length (s) of a slice (Service Level Objectives API, query_interval_seconds)."""
    objectives: tuple[Objective, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for key in ("name", "measures"):
            values = [getattr(item, key) for item in self.objectives]
            for at, value in enumerate(values):
                if value in values[:at]:
                    raise Refused(f"a second {value}", "each once", f"objectives.{at}.{key}")
        return self
