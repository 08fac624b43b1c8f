"""Conditions on what is not the collector's own: CloudWatch's metrics, CloudTrail's events, budgets, log records."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.model import Model, Sentence
from infra.policy.alerts.metrics import AWS_METRICS, OWN_LOG_FIELDS
from infra.policy.alerts.series import Seconds
from infra.problems import Refused


class Missing(StrEnum):
    """What data points that do not come mean."""

    BREACHING = "breaching"
    NOT_BREACHING = "not_breaching"
    IGNORE = "ignore"


PERIODS = (10, 20, 30, 60)
"""Periods (s) of a CloudWatch alarm below a multiple of 60 (PutMetricAlarm, Period)."""


class AwsCondition(Model):
    """A metric of CloudWatch, minus another where one is named, is above or below a limit."""

    function: Literal["aws"]
    namespace: str
    metric: str
    minus: str | None = None
    """A metric of the same namespace that is subtracted."""
    share_of: str | None = None
    """A metric of the same namespace that bounds it."""
    statistic: Literal["Average", "Maximum", "Minimum", "Sum", "SampleCount"]
    period_seconds: Seconds
    periods: Annotated[int, Field(ge=1)]
    """How many periods are looked at."""
    breaching_periods: Annotated[int, Field(ge=1)]
    """How many of them have to be beyond the limit."""
    above: float | None = None
    below: float | None = None
    missing: Missing

    @model_validator(mode="after")
    def _can_fire(self) -> Self:
        for name in (self.metric, self.minus, self.share_of):
            if name is not None and (self.namespace, name) not in AWS_METRICS:
                allowed = ", ".join(f"{namespace} {metric}" for namespace, metric in AWS_METRICS)
                raise Refused("a metric that nothing emits", allowed, "metric")
        if (self.above is None) == (self.below is None):
            raise Refused("names neither or both of its limits", "above or below")
        if self.minus and self.share_of:
            raise Refused("subtracts and divides", "minus or share_of", "minus")
        if self.minus is None and self.below is not None and self.below <= 0:
            raise Refused("can never fire: the metric counts from 0", "above 0", "below")
        if self.share_of and self.above is not None and not 0 <= self.above < 1:
            raise Refused("can never fire: a share of its own size is at most 1", "0 up to, not including, 1", "above")
        if self.breaching_periods > self.periods:
            raise Refused("can never fire: more than are looked at", f"at most {self.periods}", "breaching_periods")
        if self.period_seconds not in PERIODS and self.period_seconds % 60:
            raise Refused("no period of a CloudWatch alarm", "10, 20, 30 or a multiple of 60", "period_seconds")
        if self.period_seconds * self.periods > 7 * 86_400:
            raise Refused("looks back further than an alarm can", "7 days in all", "periods")
        return self


class OwnLogCondition(Model):
    """A field of the collector's own log, counted by a metric filter, adds up to more than a limit."""

    function: Literal["own_log"]
    field: str
    period_seconds: Annotated[int, Field(ge=60, multiple_of=60)]
    above: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.field not in OWN_LOG_FIELDS:
            raise Refused("a field that the collector's own log does not have", ", ".join(OWN_LOG_FIELDS), "field")
        return self


class Trail(StrEnum):
    """Which kind of CloudTrail events a rule waits for."""

    MANAGEMENT = "management"
    DATA = "data"


class ApiCalls(Model):
    """Calls of one service's API, as CloudTrail tells EventBridge of them."""

    service: Annotated[str, Field(pattern=r"^[a-z0-9]+$")]
    """First part of `<service>.amazonaws.com`."""
    calls: tuple[Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+$")], ...] = Field(min_length=1)
    without_parameter: str | None = None
    """Only calls whose request does not have this parameter."""
    with_parameter: dict[str, str] = Field(default_factory=dict)
    """Only calls whose request has these parameters with these values."""
    trail: Trail
    read_only: bool = False
    """Whether they are Get, List or Describe calls, which EventBridge leaves out unless the rule's state says so."""


class EventCondition(Model):
    """Somebody called an API that should have stayed uncalled."""

    function: Literal["api_call"]
    any_of: tuple[ApiCalls, ...] = Field(min_length=1)
    needs: Sentence
    """Which trail and which events have to be recorded for it."""


class BudgetCondition(Model):
    """A budget of policy/budgets.yaml is threatened; its limits and percentages stand there."""

    function: Literal["budget"]
    budgets: tuple[Literal["money", "volume"], ...] = Field(min_length=1)


class CompositeCondition(Model):
    """One alert stands for others: while it fires, theirs tell nobody."""

    function: Literal["composite"]
    any_of: tuple[str, ...] = Field(min_length=1)
    """Alerts of which one has to fire."""
    suppresses: tuple[str, ...] = Field(min_length=1)
    """Alerts whose actions are held back meanwhile."""
    wait_seconds: Annotated[int, Field(ge=0, le=3600)]
    """How long the others wait for this one to fire."""
    extension_seconds: Annotated[int, Field(ge=0, le=3600)]
    """How long they stay held back after it."""


class Facet(Model):
    """What an attribute of a record (docs/logging-contract.md) has to be."""

    attribute: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_.]*$")]
    value: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.*-]+$")]


class LogCondition(Model):
    """Records of some kind are more within the window than a limit."""

    function: Literal["logs"]
    where: tuple[Facet, ...] = Field(min_length=1)
    by: tuple[str, ...] = ()
    window_seconds: Annotated[int, Field(ge=60, le=172_800)]
    """At most 48 h, as a log monitor of Datadog."""
    above: Annotated[float, Field(ge=0)]
