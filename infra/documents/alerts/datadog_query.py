"""An alert's condition as the query of a Datadog monitor: one line, in the language of metric and log monitors.

Counters arrive as deltas (infra/documents/collector/own_metrics.py), so `as_count` adds them up and a first event is
seen. An organisation holds every environment, so each query asks for its own: `deployment.environment.name` of the
resource is the tag `env`, and labels of data points are tags of the same name.
"""

from collections.abc import Iterable

from infra.policy.alerts import Alert, Target
from infra.policy.alerts.conditions import Compared, Fill, Increase, Share, Stalled, Value
from infra.policy.alerts.elsewhere import LogCondition
from infra.policy.alerts.series import Matcher, Series

RESERVED = frozenset({"host", "service", "source", "status", "trace_id"})
"""Attributes of a record that Datadog names without `@`."""
TWO_SCRAPES_SECONDS = 120
"""A monitor's window that is shorter can hold no point at all."""


def query(alert: Alert, environment: str) -> str:
    """Return the query of the monitor of `alert` in `environment`; its last number is the critical threshold.

    `for_seconds` is the window in which a gauge has to be beyond its limit throughout. A monitor has no `and`: the
    floor of `compared` is left out, and an exporter that has never sent anything is in no group of `stalled` (whose
    place at Datadog `fill` takes then).
    Raises ValueError for an alert that is not for Datadog.
    """
    condition = alert.condition
    held = _window(max(alert.for_seconds, TWO_SCRAPES_SECONDS))
    match condition:
        case Value():
            return f"min({held}):{_gauge(condition.of, condition.by, environment)} > {condition.above:g}"
        case Fill():
            taken = _gauge(condition.of, condition.by, environment)
            room = _gauge(Series(metric=condition.capacity, where=condition.of.where), condition.by, environment)
            return f"min({held}):{taken} / {room} > {condition.above:g}"
        case Increase():
            grown = _count(condition.of, condition.by, environment)
            return f"sum({_window(condition.window_seconds)}):{grown} > {condition.above:g}"
        case Share():
            part, whole = _count(condition.part, (), environment), _count(condition.whole, (), environment)
            return f"sum({_window(condition.window_seconds)}):{part} / {whole} > {condition.above:g}"
        case Compared():
            return _compared(condition, environment)
        case Stalled():
            waiting = _gauge(condition.waiting, condition.by, environment)
            left = _count(Series(metric=condition.left), condition.by, environment)
            idle = f"(1 - clamp_max(default_zero({left}), 1))"
            return f"min({_window(condition.window_seconds)}):{waiting} * {idle} > 0"
        case LogCondition():
            return _logs(condition, environment)
        case _:
            raise ValueError(f"a monitor cannot say {condition.function}")


def monitor_type(alert: Alert) -> str:
    """Return the type of the monitor that `query` is for."""
    return "log alert" if isinstance(alert.condition, LogCondition) else "query alert"


def threshold(alert: Alert) -> float:
    """Return the critical threshold, which has to be the number that the query ends with."""
    return float(query(alert, "any").rsplit(" ", 1)[1])


def for_datadog(alerts: Iterable[tuple[str, Alert]]) -> dict[str, Alert]:
    """Return the alerts that have Datadog among their targets, by id."""
    return {name: alert for name, alert in alerts if Target.DATADOG in alert.targets}


def _compared(condition: Compared, environment: str) -> str:
    """Return a change monitor: the same time yesterday is what it can compare with."""
    count = _count(condition.of, (), environment)
    change = f"pct_change(sum({_window(condition.window_seconds)}),last_1d):{count}"
    if condition.above_times is not None:
        return f"{change} > {round((condition.above_times - 1) * 100, 3):g}"
    return f"{change} < {round(((condition.below_times or 0) - 1) * 100, 3):g}"


def _logs(condition: LogCondition, environment: str) -> str:
    wanted = " ".join([f"env:{environment}", *(f"{_facet(item.attribute)}:{item.value}" for item in condition.where)])
    by = "".join(f'.by("{",".join(_facet(name) for name in condition.by)}")' for _ in condition.by[:1])
    window = _window(condition.window_seconds).removeprefix("last_")
    return f'logs("{wanted}").index("*").rollup("count"){by}.last("{window}") > {condition.above:g}'


def _facet(name: str) -> str:
    return name if name in RESERVED else f"@{name}"


def _gauge(series: Series, by: Iterable[str], environment: str) -> str:
    return f"max:{series.metric}{{{_scope(series.where, environment)}}}{_by(by)}"


def _count(series: Series, by: Iterable[str], environment: str) -> str:
    return f"sum:{series.metric}{{{_scope(series.where, environment)}}}{_by(by)}.as_count()"


def _by(labels: Iterable[str]) -> str:
    named = ",".join(labels)
    return f" by {{{named}}}" if named else ""


def _scope(where: Iterable[Matcher], environment: str) -> str:
    parts = [f"env:{environment}"]
    for item in where:
        parts += [f"{item.label}:{item.like}"] if item.like is not None else []
        parts += [f"!{item.label}:{value}" for value in item.not_like]
    return ",".join(parts)


def _window(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return f"last_{minutes // 60}h" if minutes % 60 == 0 else f"last_{minutes}m"
