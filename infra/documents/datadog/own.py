"""Queries of what the collector says of itself: its metrics as Datadog has them.

They arrive by OTLP under the names of the collector's pages. Labels are tags; of the resource Datadog keeps
`service.name`, `deployment.environment.name` and `host.name`, as `service`, `env` and `host` (Datadog docs, "OpenTelemetry
Semantic Conventions and Datadog Conventions"). Counters arrive as deltas and are counts: their sum over a time is what
happened in it, first events included.
"""

from collections.abc import Iterator

from infra.context import Context
from infra.sinks import ARCHIVE, QUARANTINE, Way, ways


def tags(context: Context) -> tuple[str, str]:
    """Return the tags that every metric of this stack's collectors has (documents/collector/own_metrics.py)."""
    return f"env:{context.environment}", f"service:{context.name('collector')}"


def where(context: Context, *terms: str) -> str:
    """Return the filter of this stack's series that fit all `terms`; words, for symbols cannot be mixed with IN."""
    return " AND ".join([*tags(context), *terms])


def counted(context: Context, metric: str, *terms: str) -> str:
    """Return the query of how often a counter counted, over all collectors."""
    return f"sum:{metric}{{{where(context, *terms)}}}.as_count()"


def exporters(context: Context, sink: str) -> tuple[str, ...]:
    """Return the ids of the exporters that speak to a sink itself; neither hops nor spills (documents/collector/way.py)."""
    kind = "awss3" if sink == ARCHIVE else "otlp_http"
    return tuple(dict.fromkeys(f"{kind}/{way.name}" for _, way in _ways(context) if way.sink == sink))


def last_processors(context: Context, sink: str) -> tuple[str, ...]:
    """Return the ids of the last processors of the classes whose records go to a sink: what comes in there is kept."""
    return tuple(dict.fromkeys(kept(cls) for cls, way in _ways(context) if way.sink == sink and cls != QUARANTINE))


def kept(cls: str) -> str:
    """Return the id of the last processor of a class's own pipeline (documents/collector/assemble.py)."""
    return f"attributes/{cls}"


def _ways(context: Context) -> Iterator[tuple[str, Way]]:
    for cls, found in ways(context.settings, context.policy.data_classes).items():
        for way in found:
            yield cls, way
