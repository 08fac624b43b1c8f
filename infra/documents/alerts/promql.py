"""An alert's condition as a PromQL expression that returns one series for each thing that is the matter.

Labels of a task (`instance` for Prometheus, `@resource.…` at CloudWatch) are never named: what has to be compared task
by task keeps every label but those of the data points, so the same expression holds wherever it is evaluated.
"""

from collections.abc import Iterable

from infra.policy.alerts.alert import AnyCondition
from infra.policy.alerts.conditions import (
    Absent,
    Balance,
    Compared,
    Fill,
    Increase,
    Predicted,
    Restarts,
    Share,
    Silent,
    Stalled,
    Value,
    Vanished,
)
from infra.policy.alerts.flows import Sum
from infra.policy.alerts.metrics import COLLECTOR_METRICS
from infra.policy.alerts.series import Matcher, Series


def expression(condition: AnyCondition) -> str:
    """Return the expression of `condition`; it returns nothing while all is well.

    Raises ValueError for a condition on anything but the collector's own metrics.
    """
    match condition:
        case Value():
            return f"{_by('max', condition.by)} ({selector(condition.of)}) > {_number(condition.above)}"
        case Fill():
            filled = f"{selector(condition.of)} / {condition.capacity}"
            return f"{_by('max', condition.by)} ({filled}) > {_number(condition.above)}"
        case Increase():
            grown = increase(condition.of, condition.window_seconds)
            return f"{_by('sum', condition.by)} ({grown}) > {_number(condition.above)}"
        case Share():
            part, whole = (increase(item, condition.window_seconds) for item in (condition.part, condition.whole))
            return f"sum ({part}) / sum ({whole}) > {_number(condition.above)}"
        case Compared():
            return _compared(condition)
        case Silent():
            before = increase(condition.of, condition.usual_window_seconds)
            since = increase(condition.of, condition.window_seconds)
            total = _by("sum", condition.by)
            return f"({total} ({before}) > 0) unless ({total} ({since}) > 0)"
        case Predicted():
            return _predicted(condition)
        case Stalled():
            return _stalled(condition)
        case Restarts():
            return f"resets({_range(condition.of, condition.window_seconds)}) > {condition.above}"
        case Balance():
            return _balance(condition)
        case Absent():
            return f"absent({condition.metric})"
        case Vanished():
            return f"count({condition.metric} offset {duration(condition.window_seconds)}) unless count({condition.metric})"
        case _:
            raise ValueError(f"{condition.function} asks for no metric of the collector's own")


def selector(series: Series) -> str:
    """Return the instant selector of `series`."""
    matchers = ",".join(_matcher(item) for item in series.where)
    return f"{series.metric}{{{matchers}}}" if matchers else series.metric


def increase(series: Series, seconds: int) -> str:
    """Return by how much each of `series` grew, which for one that was not there before is all that it is.

    `increase` alone sees nothing of a first event, for a counter appears with it (docs/accounting.md, 9).
    """
    name = selector(series)
    return f"({name} unless {name} offset {duration(seconds)}) or increase({_range(series, seconds)})"


def duration(seconds: int) -> str:
    """Return `seconds` as PromQL writes a time, in the largest unit that it is a whole number of."""
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _range(series: Series, seconds: int) -> str:
    return f"{selector(series)}[{duration(seconds)}]"


def _compared(condition: Compared) -> str:
    now = f"sum (rate({_range(condition.of, condition.window_seconds)}))"
    usual = condition.usual
    then = f"sum (rate({_range(condition.of, usual.window_seconds)} offset {duration(usual.ago_seconds)}))"
    floor = _number(condition.floor_per_second)
    if condition.above_times is not None:
        return f"({now} > {_number(condition.above_times)} * {then}) and {now} > {floor}"
    times = _number(condition.below_times or 0)
    # Where nothing at all comes there is no series either, and nothing is below nothing.
    return f"(({now} or 0 * {then}) < {times} * {then}) and {then} > {floor}"


def _predicted(condition: Predicted) -> str:
    most = _by("max", condition.by)
    later = f"predict_linear({_range(condition.of, condition.window_seconds)}, {condition.horizon_seconds})"
    then = f"{most} ({later} / {condition.capacity}) > {_number(condition.above)}"
    now = f"{most} ({selector(condition.of)} / {condition.capacity}) > {_number(condition.floor)}"
    return f"({then}) and ({now})"


def _stalled(condition: Stalled) -> str:
    waiting, seconds = condition.waiting, condition.window_seconds
    waited = f"min_over_time({_range(waiting, seconds)}) > 0 and {selector(waiting)} offset {duration(seconds)} > 0"
    left = increase(Series(metric=condition.left), seconds)
    own = _others(condition.left, condition.by)
    ignored = f"ignoring ({', '.join(_others(waiting.metric, condition.by))}) "
    moved = f"sum without ({', '.join(own)}) ({left}) > 0"
    return f"{_by('max', condition.by)} (({waited}) unless {ignored}({moved}))"


def _balance(condition: Balance) -> str:
    return " or ".join(f"({_sum(item)} > {_number(condition.above)})" for item in condition.sums)


def _sum(item: Sum) -> str:
    """Return what is left of a sum. A counter that has not appeared is 0, of the process that the first one is of."""
    first, *more = item.plus
    start = _total(first)
    added = "".join(f" + ({_total(series)} or 0 * {start})" for series in more)
    taken = "".join(f" - ({_total(series)} or 0 * {start})" for series in item.minus)
    waiting = item.waiting
    under_way = f" - {_total(waiting.of)} / {waiting.bytes_each}" if waiting else ""
    return f"{start}{added}{taken}{under_way}"


def _total(series: Series) -> str:
    return f"sum without ({', '.join(_others(series.metric, ()))}) ({selector(series)})"


def _others(metric: str, by: Iterable[str]) -> list[str]:
    return [label for label in COLLECTOR_METRICS[metric].labels if label not in by]


def _by(aggregation: str, labels: Iterable[str]) -> str:
    named = ", ".join(labels)
    return f"{aggregation} by ({named})" if named else aggregation


def _matcher(matcher: Matcher) -> str:
    if matcher.like is not None:
        return _compare(matcher.label, ["=", "=~"], [matcher.like])
    return _compare(matcher.label, ["!=", "!~"], matcher.not_like)


def _compare(label: str, operators: list[str], globs: Iterable[str]) -> str:
    texts = list(globs)
    plain, pattern = operators
    if len(texts) == 1 and "*" not in texts[0]:
        return f'{label}{plain}"{texts[0]}"'
    return f'{label}{pattern}"{"|".join(text.replace(".", "[.]").replace("*", ".*") for text in texts)}"'


def _number(value: float) -> str:
    return f"{value:g}"
