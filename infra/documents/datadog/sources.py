"""Where records come from, as data: how each source is recognised, and what is particular to it.

The sources part all records between them: Django's is what no other source claims, so a library's logger without a
name of ours still has a pipeline, and no record has two.
"""

from dataclasses import dataclass

from infra.documents.datadog import grok
from infra.documents.datadog.processors import Processor, compute, remap, user_agent

NANOSECONDS = 1_000_000_000


@dataclass(frozen=True)
class Source:
    """One kind of sender."""

    name: str
    claims: str
    """Query of its records; empty: those that no other source claims."""
    steps: tuple[Processor, ...]
    """What is done for it and for no other."""


SOURCES = (
    Source(
        "browser",
        "@tinybeans.door:browser",
        (user_agent("http.useragent", "http.useragent_details"), grok.SCRIPT_ERROR.processor()),
    ),
    Source(
        "celery",
        "(@logger.name:(celery* OR kombu* OR amqp* OR billiard*) OR @task_id:*)",
        (
            grok.TASK.processor(),
            compute("Time of the task", "duration", f"celery.seconds * {NANOSECONDS}"),
            grok.TRACEBACK.processor(),
        ),
    ),
    Source(
        "node",
        "@telemetry.sdk.language:nodejs",
        (user_agent("http.useragent", "http.useragent_details"), grok.SCRIPT_ERROR.processor()),
    ),
    # The collector's own log stays in CloudWatch; where somebody forwards it, it is read like the rest.
    Source(
        "collector",
        "service:(otelcol* OR tinybeans-collector*)",
        (remap("caller", "logger.method_name"), remap("otelcol.component.id", "logger.name")),
    ),
    Source(
        "django",
        "",
        (
            user_agent("http.useragent", "http.useragent_details"),
            grok.SQL.processor(),
            compute("Time of the statement", "duration", f"db.seconds * {NANOSECONDS}"),
            grok.TRACEBACK.processor(),
        ),
    ),
)


def query(source: Source) -> str:
    """Return the query of the records that are `source`'s."""
    return source.claims or " ".join(f"-{other.claims}" for other in SOURCES if other.claims)
