"""Queues on disk: what an exporter keeps until its sink has it, and where."""

from collections.abc import Mapping
from typing import Any

from infra.settings import Collector
from infra.sinks import STORE_FACTOR


def store(name: str) -> str:
    """Return the id of the extension that keeps the queues of a sink, or its spill."""
    return f"file_storage/{name}"


def queue_store(base: Mapping[str, Any], collector: Collector, name: str, payload_bytes: int) -> dict[str, Any]:
    """Return the extension that keeps the queues under `name`; each exporter has a file of its own in its directory.

    No file outgrows a queue's payload times the store's own overhead.
    """
    directory = f"{collector.data_directory}/queues/{name}"
    return {
        "directory": directory,
        **base,
        "compaction": {"directory": directory, **base["compaction"]},
        "fsync": collector.queue.fsync,
        "max_size": payload_bytes * STORE_FACTOR,
    }


def queue(base: Mapping[str, Any], own: Mapping[str, Any], storage: str, payload_bytes: int) -> dict[str, Any]:
    """Return the sending_queue of an exporter that keeps up to `payload_bytes` in `storage`."""
    return {**base, "storage": storage, "queue_size": payload_bytes, **own}
