"""Whether alerts leave the archive's batches the time that policy gives them. Pure."""

from infra.model import Environment
from infra.policy.alerts import Alerts
from infra.policy.alerts.flows import Stalled
from infra.policy.alerts.series import Matcher
from infra.policy.archive_objects import ArchiveObjects
from infra.problems import Problem

WAITS = "otlp_http/hop-archive-"
"""How the ids of the exporters begin in whose queues records wait for the archive (infra/documents/collector/way.py)."""
READ_SECONDS = 60
"""How long after an object is written the collector's counters show it, at most: one reading of its metrics."""


def problems_with(objects: ArchiveObjects, alerts: Alerts) -> list[Problem]:
    """Return each alert that would call a batch stalled that only waits to be closed."""
    longest = max(objects.wait_seconds.at(environment) for environment in Environment)
    # Two readings: the last object shows a reading early, the next one a reading late.
    needed = longest + 2 * READ_SECONDS
    return [
        Problem(
            "policy/alerts.yaml",
            f"alerts.{name}.condition.window_seconds",
            f"an object of the archive waits for up to {longest} s (archive_objects.wait_seconds in data_classes.yaml) "
            "and would be called late",
            f"at least {needed}, or {WAITS}* among not_like",
        )
        for name, alert in alerts.alerts.items()
        if isinstance(alert.condition, Stalled)
        and alert.condition.window_seconds < needed
        and all(_can_be(matcher) for matcher in alert.condition.waiting.where)
    ]


def _can_be(matcher: Matcher) -> bool:
    """Return whether the queues before the archive are among those that `matcher` means."""
    if matcher.label != "exporter":
        return True
    if matcher.like is not None:
        return _touches(matcher.like)
    return not any(_covers(value) for value in matcher.not_like)


def _covers(pattern: str) -> bool:
    """Return whether `pattern` means every queue before the archive."""
    return pattern.endswith("*") and WAITS.startswith(pattern.removesuffix("*"))


def _touches(pattern: str) -> bool:
    """Return whether `pattern` can mean a queue before the archive."""
    return _covers(pattern) or pattern.removesuffix("*").startswith(WAITS) or pattern.startswith("*")
