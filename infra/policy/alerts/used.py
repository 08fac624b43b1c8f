"""Which of the collector's metrics a condition asks for."""

from collections.abc import Iterator
from typing import Any

from infra.model import Model
from infra.policy.alerts.metrics import COLLECTOR_METRICS


def metrics_of(condition: Model) -> set[str]:
    """Return the names of the collector's metrics anywhere in `condition`."""
    return {item for item in _texts(condition.model_dump()) if item in COLLECTOR_METRICS}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
