"""Conditions on where a gauge stands, or whether a metric is there at all. Times are seconds."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.model import Model
from infra.policy.alerts.checks import check_shape, check_share, check_window
from infra.policy.alerts.metrics import COLLECTOR_METRICS, Presence, Shape
from infra.policy.alerts.series import Label, Seconds, Series, check_labels, collector_metric
from infra.problems import Refused


class Value(Model):
    """A gauge is above a limit: the highest of the series with the same labels `by`."""

    function: Literal["value"]
    of: Series
    by: tuple[Label, ...] = ()
    above: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _can_fire(self) -> Self:
        check_shape(self.of.metric, Shape.GAUGE, "of.metric")
        check_labels(self.of.metric, self.by, "by")
        return self


class Fill(Model):
    """A gauge is above a share of another that bounds it, task by task."""

    function: Literal["fill"]
    of: Series
    capacity: str
    by: tuple[Label, ...] = ()
    above: Annotated[float, Field(ge=0)]
    """The share, 0 to 1."""

    @model_validator(mode="after")
    def _can_fire(self) -> Self:
        for key, metric in (("of.metric", self.of.metric), ("capacity", self.capacity)):
            collector_metric(metric, key)
            check_shape(metric, Shape.GAUGE, key)
            check_labels(metric, self.by, "by")
        check_share(self.above, "above")
        return self


class Predicted(Model):
    """A gauge, going on as it did in the window, is above a share of its capacity after the horizon."""

    function: Literal["predicted"]
    of: Series
    capacity: str
    by: tuple[Label, ...] = ()
    window_seconds: Seconds
    horizon_seconds: Seconds
    above: Annotated[float, Field(gt=0)]
    """The share that is reached; 1 is full."""
    floor: Annotated[float, Field(ge=0)]
    """The share that is taken already: a prediction from less is noise."""

    @model_validator(mode="after")
    def _can_fire(self) -> Self:
        for key, metric in (("of.metric", self.of.metric), ("capacity", self.capacity)):
            collector_metric(metric, key)
            check_shape(metric, Shape.GAUGE, key)
            check_labels(metric, self.by, "by")
        check_share(self.floor, "floor")
        if self.floor >= self.above:
            raise Refused("what is predicted is there already", f"below {self.above:g}", "floor")
        check_window(self.window_seconds)
        return self


class Absent(Model):
    """A metric that always stands on the page is nowhere."""

    function: Literal["absent"]
    metric: str

    @model_validator(mode="after")
    def _can_be_missed(self) -> Self:
        if collector_metric(self.metric, "metric").presence is not Presence.ALWAYS:
            always = [name for name, item in COLLECTOR_METRICS.items() if item.presence is Presence.ALWAYS]
            raise Refused("is absent in a healthy collector too (docs/accounting.md, 9)", ", ".join(always), "metric")
        return self


class Vanished(Model):
    """A metric that was there is nowhere any more."""

    function: Literal["vanished"]
    metric: str
    window_seconds: Seconds

    @model_validator(mode="after")
    def _was_there(self) -> Self:
        collector_metric(self.metric, "metric")
        check_window(self.window_seconds)
        return self
