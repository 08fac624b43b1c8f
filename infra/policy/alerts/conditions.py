"""What an alert on the collector's own metrics asks: structured, so that three languages can be written from it.

Every condition refuses what could never fire, and what would fire for ever. Times are seconds.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.model import Model
from infra.policy.alerts.metrics import COLLECTOR_METRICS, Presence, Shape
from infra.policy.alerts.series import Label, Seconds, Series, check_labels, collector_metric
from infra.problems import Refused

ONE_DAY = 86_400
"""CloudWatch's PromQL looks back no further (CloudWatch User Guide, PromQL limits), so no window here does."""


class Value(Model):
    """A gauge is above a limit: the highest of the series with the same labels `by`."""

    function: Literal["value"]
    of: Series
    by: tuple[Label, ...] = ()
    above: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _can_fire(self) -> Self:
        _shape(self.of.metric, Shape.GAUGE, "of.metric")
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
            _shape(metric, Shape.GAUGE, key)
            check_labels(metric, self.by, "by")
        _share(self.above, "above")
        return self


class Increase(Model):
    """A counter grew by more than a limit within the window, first events and restarts included."""

    function: Literal["increase"]
    of: Series
    by: tuple[Label, ...] = ()
    window_seconds: Seconds
    above: Annotated[float, Field(ge=0)]
    """Records; 0 means any."""

    @model_validator(mode="after")
    def _can_fire(self) -> Self:
        _shape(self.of.metric, Shape.COUNTER, "of.metric")
        check_labels(self.of.metric, self.by, "by")
        _window(self.window_seconds)
        return self


class Share(Model):
    """Within the window one counter grew by more than a share of what another grew by, over all tasks."""

    function: Literal["share"]
    part: Series
    whole: Series
    window_seconds: Seconds
    above: Annotated[float, Field(ge=0)]
    """The share, 0 to 1."""

    @model_validator(mode="after")
    def _can_fire(self) -> Self:
        _shape(self.part.metric, Shape.COUNTER, "part.metric")
        _shape(self.whole.metric, Shape.COUNTER, "whole.metric")
        _share(self.above, "above")
        _window(self.window_seconds)
        return self


class Usual(Model):
    """The time that a rate is compared with."""

    window_seconds: Seconds
    ago_seconds: Seconds
    """How long before now it ended."""


class Compared(Model):
    """A counter's rate, over all tasks, is some times what it was at a usual time."""

    function: Literal["compared"]
    of: Series
    window_seconds: Seconds
    usual: Usual
    above_times: Annotated[float, Field(gt=0)] | None = None
    below_times: Annotated[float, Field(gt=0)] | None = None
    floor_per_second: Annotated[float, Field(gt=0)]
    """The higher of the two rates has to be above this: a few records more or fewer are no news."""

    @model_validator(mode="after")
    def _can_fire(self) -> Self:
        _shape(self.of.metric, Shape.COUNTER, "of.metric")
        if (self.above_times is None) == (self.below_times is None):
            raise Refused("names neither or both of its limits", "above_times or below_times")
        if self.above_times is not None and self.above_times <= 1:
            raise Refused("fires whenever the rate is as usual", "above 1", "above_times")
        if self.below_times is not None and self.below_times >= 1:
            raise Refused("fires whenever the rate is as usual", "below 1", "below_times")
        if self.usual.ago_seconds < self.window_seconds:
            raise Refused("the usual time is part of the window itself", f"at least {self.window_seconds}", "usual")
        _window(self.window_seconds)
        _window(self.usual.window_seconds + self.usual.ago_seconds, "usual")
        return self


class Silent(Model):
    """A counter that grew within the longer window has not within the shorter one."""

    function: Literal["silent"]
    of: Series
    by: tuple[Label, ...] = ()
    window_seconds: Seconds
    usual_window_seconds: Seconds

    @model_validator(mode="after")
    def _can_fire(self) -> Self:
        _shape(self.of.metric, Shape.COUNTER, "of.metric")
        check_labels(self.of.metric, self.by, "by")
        if self.usual_window_seconds <= self.window_seconds:
            raise Refused(
                "can never fire: nothing grew before the window", "longer than window_seconds", "usual_window_seconds"
            )
        _window(self.window_seconds)
        _window(self.usual_window_seconds, "usual_window_seconds")
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
            _shape(metric, Shape.GAUGE, key)
            check_labels(metric, self.by, "by")
        _share(self.floor, "floor")
        if self.floor >= self.above:
            raise Refused("what is predicted is there already", f"below {self.above:g}", "floor")
        _window(self.window_seconds)
        return self


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
        _shape(self.waiting.metric, Shape.GAUGE, "waiting.metric")
        collector_metric(self.left, "left")
        _shape(self.left, Shape.COUNTER, "left")
        for metric in (self.waiting.metric, self.left):
            check_labels(metric, self.by, "by")
        _window(self.window_seconds)
        return self


class Restarts(Model):
    """A process began again within the window, in the same task, more often than the limit."""

    function: Literal["restarts"]
    of: Series
    window_seconds: Seconds
    above: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _can_fire(self) -> Self:
        _shape(self.of.metric, Shape.COUNTER, "of.metric")
        _window(self.window_seconds)
        return self


class Sum(Model):
    """Counters of one process that come out even when nothing got lost."""

    what: str
    plus: tuple[Series, ...] = Field(min_length=1)
    minus: tuple[Series, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _counted(self) -> Self:
        for item in (*self.plus, *self.minus):
            _shape(item.metric, Shape.COUNTER, "metric")
        if COLLECTOR_METRICS[self.plus[0].metric].presence is Presence.EVENT:
            raise Refused("is not there before something goes wrong", "a counter of traffic first", "plus")
        return self


class Balance(Model):
    """A sum of counters, task by task, leaves more than the limit while nothing waits."""

    function: Literal["balance"]
    sums: tuple[Sum, ...] = Field(min_length=1)
    waiting: Series
    """The gauge that is 0 when nothing waits."""
    above: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _at_rest(self) -> Self:
        _shape(self.waiting.metric, Shape.GAUGE, "waiting.metric")
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
        _window(self.window_seconds)
        return self


Condition = (
    Value | Fill | Increase | Share | Compared | Silent | Predicted | Stalled | Restarts | Balance | Absent | Vanished
)
"""What a collector alert can ask."""


def _shape(metric: str, shape: Shape, key: str) -> None:
    if collector_metric(metric, key).shape is not shape:
        allowed = ", ".join(name for name, item in COLLECTOR_METRICS.items() if item.shape is shape)
        raise Refused(f"{metric} is no {shape}", allowed, key)


def _share(value: float, key: str) -> None:
    if value >= 1:
        raise Refused("can never fire: a share of its own capacity is at most 1", "0 up to, not including, 1", key)


def _window(seconds: int, key: str = "window_seconds") -> None:
    if seconds > ONE_DAY:
        raise Refused("looks back further than CloudWatch's PromQL can", f"at most {ONE_DAY}", key)


def window_of(condition: Condition) -> int | None:
    """Return the window (s) in which a condition needs at least two scrapes; None where it has none."""
    return getattr(condition, "window_seconds", None)
