"""What the number of collectors follows, as data."""

from dataclasses import dataclass

from infra.settings import Scaling

SCALE_OUT_SECONDS = 60
SCALE_IN_SECONDS = 900
"""Between two removals, so that the queues of what is left are seen to drain."""


@dataclass(frozen=True)
class TargetTracking:
    """One metric and the value (percent) that the service's average is steered to."""

    name: str
    metric: str
    percent: int
    disable_scale_in: bool
    scale_out_seconds: int = SCALE_OUT_SECONDS
    scale_in_seconds: int = SCALE_IN_SECONDS


def target_tracking(scaling: Scaling) -> tuple[TargetTracking, ...]:
    """Return the tracking of CPU and memory; whichever asks for more collectors wins."""
    stays = not scaling.scale_in
    return (
        TargetTracking("cpu", "ECSServiceAverageCPUUtilization", scaling.cpu_percent, stays),
        TargetTracking("memory", "ECSServiceAverageMemoryUtilization", scaling.memory_percent, stays),
    )
