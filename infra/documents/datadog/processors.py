"""Datadog's log processors as its API takes them (Logs Pipelines API, v1)."""

from collections.abc import Mapping, Sequence
from typing import Any

Processor = dict[str, Any]


def remap_reserved(kind: str, sources: Sequence[str]) -> Processor:
    """Return the remapper of one of a log's own fields: date, status, service, message, trace-id or span-id."""
    return {"type": f"{kind}-remapper", "name": f"{kind.capitalize()} of the record", "is_enabled": True,
            "sources": list(sources)}  # fmt: skip


def remap(source: str, target: str, target_format: str | None = None) -> Processor:
    """Return the remapper that copies one attribute to another; the source stays searchable under its own name.

    `target_format` (string, integer, double) makes a number of what OTLP handed on as text.
    """
    typed = {"target_format": target_format} if target_format else {}
    return {
        "type": "attribute-remapper",
        "name": f"{source} is {target}",
        "is_enabled": True,
        "sources": [source],
        "source_type": "attribute",
        "target": target,
        "target_type": "attribute",
        "preserve_source": True,
        "override_on_conflict": False,
        **typed,
    }


def categorise(name: str, target: str, categories: Mapping[str, str]) -> Processor:
    """Return the processor that sets `target` to the first name in `categories` whose query matches."""
    return {
        "type": "category-processor",
        "name": name,
        "is_enabled": True,
        "target": target,
        "categories": [{"name": value, "filter": {"query": query}} for value, query in categories.items()],
    }


def compute(name: str, target: str, expression: str, *, missing_is_zero: bool = False) -> Processor:
    """Return the processor that computes a number from attributes; without one of them it does nothing."""
    return {
        "type": "arithmetic-processor",
        "name": name,
        "is_enabled": True,
        "expression": expression,
        "target": target,
        "is_replace_missing": missing_is_zero,
    }


def user_agent(source: str, target: str) -> Processor:
    """Return the parser of a browser's name for itself."""
    return {
        "type": "user-agent-parser",
        "name": "Browser and device",
        "is_enabled": True,
        "sources": [source],
        "target": target,
        "is_encoded": False,
    }


def nested(name: str, query: str, processors: Sequence[Processor]) -> Processor:
    """Return a pipeline within a pipeline, for the records that `query` finds; it can hold no further one."""
    return {
        "type": "pipeline",
        "name": name,
        "is_enabled": True,
        "filter": {"query": query},
        "processors": list(processors),
    }
