"""Equal records as one, in classes whose policy says that their records may be lost.

The processor answers for a record as soon as it has counted it, before anything is on disk: what it holds is lost when
the collector dies, and what its next consumer refuses is lost as well (logdedup v0.144, processor.go).
"""

from typing import Any

from infra.documents.collector.ottl import UID, attribute, group
from infra.policy.data_classes import DataClass

COUNT = "tinybeans.folded.count"
"""Attribute of a record that stands for others: how many they were, itself among them."""
_ALWAYS_DIFFERENT = (UID, "sampling.priority", "sampling.randomness", "sampling.threshold")


def processors(name: str, data_class: DataClass) -> dict[str, Any]:
    """Return the processors, in order, that fold equal records of the class `name`; none where policy has no folding."""
    folding = data_class.folding
    if folding is None:
        return {}
    different = [*_ALWAYS_DIFFERENT, *folding.ignoring]
    return {
        f"logdedup/{name}": {
            "interval": f"{folding.every_seconds}s",
            "log_count_attribute": COUNT,
            "exclude_fields": ["attributes." + field.replace(".", "\\.") for field in different],
            "conditions": [f"severity_number > 0 and severity_number < {folding.below.number}"],
        },
        # One that stands for others is a record of its own.
        f"transform/folded-{name}": {
            "error_mode": "silent",
            "log_statements": [group("log", [f"set({attribute(UID)}, UUIDv7()) where {attribute(UID)} == nil"])],
        },
    }
