"""A configuration made small enough that an outage of seconds does what one of hours does in production."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

KIB, MIB = 1024, 1024**2


@dataclass(frozen=True)
class Scale:
    """What is replaced in the rendered configuration; everything else runs as it is rendered."""

    queue_bytes: int = 64 * MIB
    spill_bytes: int = 64 * MIB
    batch_bytes: int = 32 * KIB
    flush: str = "200ms"
    longest_wait: str = "2s"
    """Longest pause between two attempts to reach a sink."""
    store_bytes: int | None = None
    """Limit of each queue's file; None leaves what is rendered."""


def scaled(config: dict[str, Any], scale: Scale) -> dict[str, Any]:
    """Return `config` with queues, batches and pauses of this scale."""
    small = copy.deepcopy(config)
    for name, exporter in small["exporters"].items():
        queue = exporter["sending_queue"]
        # Without a store: behind a hop, or for the collector's own metrics, which wait in memory.
        if "storage" not in queue:
            continue
        queue["queue_size"] = scale.spill_bytes if "/spill-" in name else scale.queue_bytes
        if "batch" in queue:
            queue["batch"] |= {
                "flush_timeout": scale.flush,
                "min_size": min(scale.batch_bytes, scale.queue_bytes) // 2,
                "max_size": scale.batch_bytes,
            }
        exporter["retry_on_failure"] |= {"initial_interval": "200ms", "max_interval": scale.longest_wait}
    for name, extension in small["extensions"].items():
        if scale.store_bytes is not None and name.startswith("file_storage/"):
            extension["max_size"] = scale.store_bytes
            extension["compaction"] |= {"rebound_needed_threshold_mib": 1, "rebound_trigger_threshold_mib": 1}
    return small
