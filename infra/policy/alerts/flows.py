"""Conditions on what goes in and what comes out: something waits and nothing leaves, a sum that does not add up."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.model import Model
from infra.policy.alerts.checks import check_shape, check_window
from infra.policy.alerts.metrics import COLLECTOR_METRICS, Presence, Shape
from infra.policy.alerts.series import Label, Seconds, Series, check_labels, collector_metric
from infra.problems import Refused


class Stalled(Model):
    """Something waited during the whole window and nothing left, task by task."""

    function: Literal["stalled"]
    waiting: Series
    left: str
    """The counter of what leaves; it bears the labels `by` too."""
    by: tuple[Label, ...] = Field(min_length=1)
    window_seconds: Seconds

    @model_validator(mode="after")
    def _can_fire(self) -> Self:
        check_shape(self.waiting.metric, Shape.GAUGE, "waiting.metric")
        collector_metric(self.left, "left")
        check_shape(self.left, Shape.COUNTER, "left")
        for metric in (self.waiting.metric, self.left):
            check_labels(metric, self.by, "by")
        check_window(self.window_seconds)
        return self


class Waiting(Model):
    """How many records can be waiting: no more than the bytes that wait, in records of the shortest kind."""

    of: Series
    """The gauge of bytes."""
    bytes_each: Annotated[int, Field(ge=1)]
    """Fewer than any record takes."""

    @model_validator(mode="after")
    def _bytes(self) -> Self:
        check_shape(self.of.metric, Shape.GAUGE, "of.metric")
        return self


class Sum(Model):
    """Counters of one process that come out even, but for what waits, when nothing got lost."""

    what: str
    plus: tuple[Series, ...] = Field(min_length=1)
    minus: tuple[Series, ...] = Field(min_length=1)
    waiting: Waiting | None = None
    """What may still be under way; absent where nothing can be."""

    @model_validator(mode="after")
    def _counted(self) -> Self:
        for item in (*self.plus, *self.minus):
            check_shape(item.metric, Shape.COUNTER, "metric")
        if COLLECTOR_METRICS[self.plus[0].metric].presence is Presence.EVENT:
            raise Refused("is not there before something goes wrong", "a counter of traffic first", "plus")
        return self


class Balance(Model):
    """Of a sum of counters, task by task, more is left than the limit."""

    function: Literal["balance"]
    sums: tuple[Sum, ...] = Field(min_length=1)
    above: Annotated[float, Field(ge=0)]
