"""Which records a stack may speak of at Datadog: several stacks can share one organisation."""

from infra.context import Context
from infra.policy.data_classes import DataClass
from infra.policy.destinations import Destination

CLASS_TAG = "log_class"
"""Tag that the collector puts on every record on its way to Datadog (documents/collector/shape.py)."""


def of_stack(context: Context) -> str:
    """Return the query of this stack's records."""
    return f"env:{context.environment} {CLASS_TAG}:*"


def of_class(context: Context, cls: str) -> str:
    """Return the query of one class's records."""
    return f"env:{context.environment} {CLASS_TAG}:{cls}"


def classes(context: Context) -> dict[str, DataClass]:
    """Return the classes whose records reach Datadog."""
    return {
        name: cls
        for name, cls in context.policy.data_classes.classes.items()
        if Destination.DATADOG in cls.destinations
    }
