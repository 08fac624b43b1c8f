"""Log pipelines: one for each source, in it one for each class."""

from collections.abc import Iterator
from typing import Any

from infra.context import Context
from infra.documents.datadog import grok
from infra.documents.datadog.contract import SOURCES_OF, STANDARD
from infra.documents.datadog.processors import Processor, categorise, compute, nested, remap, remap_reserved
from infra.documents.datadog.scope import CLASS_TAG, classes, of_stack
from infra.documents.datadog.sources import SOURCES, Source, query

WEIGHT = "sampling.weight"
"""Attribute: how many records this one stands for; 1 where nothing was sampled."""
OUTCOME = categorise(
    "Outcome",
    "evt.outcome",
    {
        "success": "@outcome:(success OR succeeded OR ok)",
        "denied": "@outcome:(denied OR blocked OR refused)",
        "failure": "@outcome:(failure OR failed OR error)",
    },
)
STATUS_CATEGORY = categorise(
    "Outcome of the request",
    "http.status_category",
    {
        "OK": "@http.status_code:[200 TO 299]",
        "notice": "@http.status_code:[300 TO 399]",
        "warning": "@http.status_code:[400 TO 499]",
        "error": "@http.status_code:[500 TO 599]",
    },
)
FAULT = categorise("Whether it is a fault", "evt.category", {"fault": "@error.kind:*"})
OF_CLASS: dict[str, tuple[Processor, ...]] = {
    "audit": (OUTCOME,),
    "security": (OUTCOME, STATUS_CATEGORY),
    "application": (OUTCOME, FAULT),
    "access": (STATUS_CATEGORY,),
    "client": (STATUS_CATEGORY, FAULT),
}
"""Class to what is done for it; another class has its outcome told, as every record may have one."""


def pipelines(context: Context) -> dict[str, dict[str, Any]]:
    """Return each source with its pipeline, as the Logs Pipelines API takes it."""
    return {source.name: _pipeline(context, source) for source in SOURCES}


def _pipeline(context: Context, source: Source) -> dict[str, Any]:
    return {
        "name": context.name(source.name),
        "is_enabled": True,
        "filter": {"query": f"{of_stack(context)} {query(source)}"},
        "processors": list(_processors(context, source)),
    }


def _processors(context: Context, source: Source) -> Iterator[Processor]:
    for kind, sources in SOURCES_OF.items():
        yield remap_reserved(kind, sources)
    rules = [rule.name for rule in context.policy.redaction.rules]
    # In pipelines of their own: Datadog's docs advise against more than twenty processors in one.
    yield nested("Attributes of the contract", "*", [*attributes(), grok.masks(rules).processor()])
    yield nested(f"What is particular to {source.name}", "*", source.steps)
    for name in classes(context):
        yield nested(f"Class {name}", f"{CLASS_TAG}:{name}", OF_CLASS.get(name, (OUTCOME,)))


def attributes() -> list[Processor]:
    """Return what gives every record Datadog's standard attributes, its time in nanoseconds and its weight."""
    return [
        *(remap(item.contract, item.datadog, item.number) for item in STANDARD),
        compute("Time in nanoseconds", "duration", "duration_in_ms * 1000000"),
        # What is missing counts as 0 in the second step, so that a record which was not sampled weighs 1.
        compute("Records it stands for beside itself", "sampling.beside", "sampling.represents - 1"),
        compute("Records it stands for", WEIGHT, "sampling.beside + 1", missing_is_zero=True),
    ]
