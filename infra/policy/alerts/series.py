"""Which series of a metric an alert means: matchers on labels, with `*` for anything, never a query language."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from infra.model import Model
from infra.policy.alerts.metrics import COLLECTOR_METRICS, CollectorMetric
from infra.problems import Refused

Glob = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./:*-]+$")]
"""A label's value; `*` first or last stands for anything (what Prometheus, CloudWatch and Datadog can all say)."""
Label = Annotated[str, Field(pattern=r"^[a-z_]+$")]
Seconds = Annotated[int, Field(ge=1, description="Seconds.")]
Ratio = Annotated[float, Field(gt=0)]


class Matcher(Model):
    """What a label has to be, or not to be."""

    label: Label
    like: Glob | None = None
    not_like: tuple[Glob, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if (self.like is None) == (not self.not_like):
            raise Refused("says neither or both of what the label is and is not", "like or not_like")
        for value in (self.like, *self.not_like):
            if value and "*" in value[1:-1]:
                raise Refused("a * in the middle, which Datadog cannot match", "* first or last")
        return self


class Series(Model):
    """Series of one of the collector's metrics."""

    metric: str
    where: tuple[Matcher, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Self:
        known = collector_metric(self.metric, "metric")
        for matcher in self.where:
            _label(known, matcher.label, "where")
        return self


def collector_metric(name: str, key: str) -> CollectorMetric:
    """Return the collector's metric of that name, or refuse it under `key`."""
    if name not in COLLECTOR_METRICS:
        raise Refused("a metric that the collector does not have", ", ".join(sorted(COLLECTOR_METRICS)), key)
    return COLLECTOR_METRICS[name]


def check_labels(metric: str, labels: tuple[str, ...], key: str) -> None:
    """Refuse a label that the metric does not bear."""
    for label in labels:
        _label(collector_metric(metric, key), label, key)


def _label(metric: CollectorMetric, label: str, key: str) -> None:
    if label not in metric.labels:
        allowed = ", ".join(metric.labels) or "none: it has no labels"
        raise Refused(f"{metric.name} has no label {label}", allowed, key)
