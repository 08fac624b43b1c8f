"""What conditions have in common to refuse: metrics of another kind, shares and windows that can never fire."""

from infra.policy.alerts.metrics import COLLECTOR_METRICS, Shape
from infra.policy.alerts.series import collector_metric
from infra.problems import Refused

ONE_DAY = 86_400
"""CloudWatch's PromQL looks back no further (CloudWatch User Guide, PromQL limits), so no window here does."""


def check_shape(metric: str, shape: Shape, key: str) -> None:
    """Refuse a metric that does not move like that."""
    if collector_metric(metric, key).shape is not shape:
        allowed = ", ".join(name for name, item in COLLECTOR_METRICS.items() if item.shape is shape)
        raise Refused(f"{metric} is no {shape}", allowed, key)


def check_share(value: float, key: str) -> None:
    """Refuse a share that nothing can be above."""
    if value >= 1:
        raise Refused("can never fire: a share of its own capacity is at most 1", "0 up to, not including, 1", key)


def check_window(seconds: int, key: str = "window_seconds") -> None:
    """Refuse a time that CloudWatch cannot look back."""
    if seconds > ONE_DAY:
        raise Refused("looks back further than CloudWatch's PromQL can", f"at most {ONE_DAY}", key)
