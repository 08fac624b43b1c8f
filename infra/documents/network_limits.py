"""Times (seconds) that the load balancer, the tasks behind it and the collector's receivers must agree on."""

NLB_IDLE_SECONDS = 350
"""A TLS listener closes a connection that was silent this long, and that cannot be changed (Elastic Load Balancing,
"Update the TCP idle timeout for your Network Load Balancer listener"). Receivers send keepalives well below it."""

STOP_TIMEOUT_SECONDS = 120
"""From SIGTERM to SIGKILL: the most that Fargate allows (Amazon ECS, task definition parameters, `stopTimeout`)."""

CLIENTS_LEAVE_SECONDS = 90
"""In which the clients of a task that is to stop have gone elsewhere; a receiver's greatest connection age belongs
below it."""

HEALTH_INTERVAL_SECONDS = 10
HEALTH_TIMEOUT_SECONDS = 5
START_GRACE_SECONDS = 60
"""How long after its start a task's failed health checks are not held against it."""


def deregistration_seconds(archive_wait_seconds: int) -> int:
    """Return how long a task that is to stop still serves the connections it has, at most 3600.

    ECS sends SIGTERM only afterwards (task lifecycle, DEACTIVATING), so this is when its queues drain. What waits for
    the archive has to be closed and uploaded by then: receivers end first, the collector's own way back among them.
    """
    return CLIENTS_LEAVE_SECONDS + archive_wait_seconds
