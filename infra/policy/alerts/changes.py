"""Conditions on how a counter moved within a window. Times are seconds."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.model import Model
from infra.policy.alerts.checks import check_shape, check_share, check_window
from infra.policy.alerts.metrics import Shape
from infra.policy.alerts.series import Label, Seconds, Series, check_labels
from infra.problems import Refused


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
        check_shape(self.of.metric, Shape.COUNTER, "of.metric")
        check_labels(self.of.metric, self.by, "by")
        check_window(self.window_seconds)
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
        check_shape(self.part.metric, Shape.COUNTER, "part.metric")
        check_shape(self.whole.metric, Shape.COUNTER, "whole.metric")
        check_share(self.above, "above")
        check_window(self.window_seconds)
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
        check_shape(self.of.metric, Shape.COUNTER, "of.metric")
        if (self.above_times is None) == (self.below_times is None):
            raise Refused("names neither or both of its limits", "above_times or below_times")
        if self.above_times is not None and self.above_times <= 1:
            raise Refused("fires whenever the rate is as usual", "above 1", "above_times")
        if self.below_times is not None and self.below_times >= 1:
            raise Refused("fires whenever the rate is as usual", "below 1", "below_times")
        if self.usual.ago_seconds < self.window_seconds:
            raise Refused("the usual time is part of the window itself", f"at least {self.window_seconds}", "usual")
        check_window(self.window_seconds)
        check_window(self.usual.window_seconds + self.usual.ago_seconds, "usual")
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
        check_shape(self.of.metric, Shape.COUNTER, "of.metric")
        check_labels(self.of.metric, self.by, "by")
        if self.usual_window_seconds <= self.window_seconds:
            raise Refused(
                "can never fire: nothing grew before the window", "longer than window_seconds", "usual_window_seconds"
            )
        check_window(self.window_seconds)
        check_window(self.usual_window_seconds, "usual_window_seconds")
        return self


class Restarts(Model):
    """A process began again within the window, in the same task, more often than the limit."""

    function: Literal["restarts"]
    of: Series
    window_seconds: Seconds
    above: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _can_fire(self) -> Self:
        check_shape(self.of.metric, Shape.COUNTER, "of.metric")
        check_window(self.window_seconds)
        return self
