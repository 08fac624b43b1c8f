"""The batches that become objects of the archive, as policy wants them.

A batch waits in the persistent queue of the hop: each request stays on disk until its batch was uploaded, and a
collector that is killed meanwhile sends it after its restart (exporterhelper v0.158, persistent_queue.go: what was
dispatched and not done is queued again). tests/test_archive_objects_real.py kills one.
"""

from typing import Any

from infra.context import Context


def batch(context: Context) -> dict[str, Any]:
    """Return the batching of the queue before the archive."""
    wanted = context.policy.data_classes.archive_objects
    return {
        "flush_timeout": f"{wanted.wait_seconds.at(context.settings.environment)}s",
        "min_size": wanted.close_at_bytes,
        "max_size": wanted.largest_bytes,
        "sizer": "bytes",
    }
