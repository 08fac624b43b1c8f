"""Which facets a query may use: the log's own fields, the stack's tags, and what the pipelines make of the contract."""

import re
from collections.abc import Iterator
from typing import Any

from infra.context import Context
from infra.documents.datadog.contract import AS_THEY_ARE, COLLECTORS_OWN, OF_THE_LOG, STANDARD
from infra.documents.datadog.pipelines import pipelines
from infra.documents.datadog.scope import CLASS_TAG

TAGS = frozenset({*OF_THE_LOG.values(), CLASS_TAG, "index", "source", "version", "datadog_index"})
"""Facets without `@`: fields of each log, and tags that all of them have."""
BELOW = ("http.useragent_details.browser.family", "http.useragent_details.os.family",
         "http.useragent_details.device.family", "http.useragent_details.device.category")  # fmt: skip
"""What Datadog's parser of user agents sets below its target."""
_FACET = re.compile(r"(?:^|[\s(\-!{,])(@?[A-Za-z_][A-Za-z0-9_.\-/]*):")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_EXTRACTED = re.compile(r"%\{[a-z]+(?:\(\"[^\"]*\"\))?:([A-Za-z0-9_.]+)\}")


def known(context: Context) -> frozenset[str]:
    """Return every facet that this stack's records may have, attributes with their `@`.

    Attributes that policy knows by name (familiar_names, keys of rules) are there too: applications write them.
    """
    made = {name for pipeline in pipelines(context).values() for name in outputs(pipeline)}
    redaction = context.policy.redaction
    written = {*redaction.familiar_names, *(key for rule in redaction.rules for key in rule.keys if key[0] != "*")}
    contract = {*AS_THEY_ARE, *COLLECTORS_OWN, *(item.contract for item in STANDARD)}
    return TAGS | {f"@{name}" for name in {*made, *written, *contract, *BELOW}}


def outputs(pipeline: dict[str, Any]) -> Iterator[str]:
    """Yield the attributes that a pipeline's processors set, in nested pipelines too."""
    for item in pipeline["processors"]:
        if item["type"] == "pipeline":
            yield from outputs(item)
        if "target" in item:
            yield item["target"]
        if item["type"] == "grok-parser":
            yield from _EXTRACTED.findall(item["grok"]["match_rules"])


def used(query: str) -> frozenset[str]:
    """Return the facets that a log query names."""
    return frozenset(_FACET.findall(_QUOTED.sub('""', query)))


def faults(query: str, facets: frozenset[str]) -> list[str]:
    """Return what is wrong with a log query: facets that no record has, more than one line, spaces around it."""
    found = [f"the facet {name} is set by no pipeline" for name in sorted(used(query) - facets)]
    if "\n" in query or query != query.strip():
        found.append("the query is not one line")
    return found


def queries(document: Any) -> Iterator[str]:
    """Yield every log query in one of Datadog's documents."""
    if isinstance(document, dict):
        for key, value in document.items():
            if key in ("query", "restriction_query") and isinstance(value, str):
                yield value
            else:
                yield from queries(value)
    elif isinstance(document, list | tuple):
        for item in document:
            yield from queries(item)
