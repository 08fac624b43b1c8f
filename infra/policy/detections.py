"""policy/detections.yaml as models: what counts as an attack, in records of the classes and fields of the contract.

Windows are those that Datadog's detection rules take; everything else here knows nothing of a product.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.model import Model, Sentence
from infra.policy.data_classes import ClassName
from infra.problems import Refused

FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{1,60}$")]
EventName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]{2,80}$")]
CountName = Annotated[str, Field(pattern=r"^[a-z]{2,20}$")]
Wanted = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./*-]{1,120}$")]
"""A field's value; `*` stands for anything, `200..299` for the numbers from one to the other."""
Window = Literal[60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400]
"""Seconds (Security Monitoring API, evaluationWindow, keepAlive and maxSignalDuration)."""


class Severity(StrEnum):
    """How bad it is if it is true, the worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Count(Model):
    """Which records are counted, and whether all of them or the different values of one field."""

    of: ClassName
    events: tuple[EventName, ...] = Field(min_length=1)
    """A name covers the names below it."""
    where: dict[FieldName, tuple[Wanted, ...]] = Field(default_factory=dict)
    """Field to values of which one has to fit."""
    distinct: FieldName | None = None
    """Count the different values of this field instead of the records."""


class Case(Model):
    """How many of each count make it worth telling, and how soon."""

    severity: Severity
    urgency: Literal["page", "ticket", "info"]
    at_least: dict[CountName, Annotated[int, Field(ge=1)]] = Field(min_length=1)
    """Every one of them has to be reached."""

    def covers(self, later: "Case") -> bool:
        """Return whether this case holds wherever `later` does."""
        return all(later.at_least.get(name, 0) >= number for name, number in self.at_least.items())


class Detection(Model):
    """One kind of attack."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z-]{2,40}$")]
    summary: Sentence
    means: Sentence
    """What is probably going on, for whoever is told."""
    by: tuple[FieldName, ...]
    """Fields whose values part the counts; none: everything together."""
    window_seconds: Window
    """Records within this time are counted together."""
    keep_alive_seconds: Window
    """How long after the last match the signal stays open, and nobody is told again."""
    longest_seconds: Window
    """After this a signal is closed and, if it goes on, told anew."""
    counts: dict[CountName, Count] = Field(min_length=1)
    cases: tuple[Case, ...] = Field(min_length=1)
    """The first that holds is told."""
    notify: Annotated[str, Field(pattern=r"^[a-z][a-z-]{1,40}$")]
    """The team that is told."""
    reason: Sentence
    """Why these numbers."""
    sources: tuple[str, ...] = Field(min_length=1)

    @property
    def runbook(self) -> str:
        """Return the path, below the repository, of what to do."""
        return f"docs/runbooks/{self.name}.md"

    @model_validator(mode="after")
    def _signals_last(self) -> Self:
        if self.longest_seconds < self.keep_alive_seconds:
            # "Max signal duration must be greater than or equal to keep alive": the API's own answer.
            raise Refused("a signal would end before it may", f"at least {self.keep_alive_seconds}", "longest_seconds")
        return self

    @model_validator(mode="after")
    def _every_case_can_hold(self) -> Self:
        for at, case in enumerate(self.cases):
            for name in case.at_least:
                if name not in self.counts:
                    raise Refused(f"unknown count {name}", ", ".join(self.counts), f"cases.{at}.at_least")
            for before, earlier in enumerate(self.cases[:at]):
                if earlier.covers(case):
                    raise Refused(
                        f"can never be told: case {before} holds wherever this one does",
                        "cases from the most demanding to the least",
                        f"cases.{at}",
                    )
        unused = set(self.counts) - {name for case in self.cases for name in case.at_least}
        if unused:
            raise Refused("no case asks for it", "a case for each count", f"counts.{min(unused)}")
        return self

    @model_validator(mode="after")
    def _parts_are_not_counted(self) -> Self:
        for name, count in self.counts.items():
            if count.distinct in self.by:
                raise Refused("is 1 for every value that it is counted by", "another field", f"counts.{name}.distinct")
        return self


class Detections(Model):
    """The whole of policy/detections.yaml."""

    version: Annotated[int, Field(ge=1)]
    detections: tuple[Detection, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [item.name for item in self.detections]
        for at, name in enumerate(names):
            if name in names[:at]:
                raise Refused(f"a second {name}", "each name once", f"detections.{at}.name")
        return self
