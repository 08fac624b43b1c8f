"""What Datadog's API refuses, or alters, of the types that the sandbox knows. Sources: the API's reference (its models in
datadog-api-client), terraform-provider-datadog's validators and issues, as named beside each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any, Final

from sandbox.providers.rules import Findings
from sandbox.providers.wire import Props

ENUMERATIONS: Final = {
    "aggregationType": ("count", "distribution"),
    "compressionMethod": ("GZIP", "ZSTD"),
    "encryptionType": ("NO_OVERRIDE", "SSE_S3", "SSE_KMS"),
    "productLists": ("logs", "rum", "events", "apm"),
    "sourceType": ("attribute", "tag"),
    "storageClass": ("STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"),
    "targetFormat": ("auto", "string", "integer", "double"),
    "targetType": ("attribute", "tag"),
    "textReplacement.type": (
        "none",
        "hash",
        "replacement_string",
        "partial_replacement_from_beginning",
        "partial_replacement_from_end",
    ),
}
"""Property (or its parent's name and it) to its words, as the models of datadog-api-client 2.62 list them."""
QUERIES: Final = frozenset({"query", "restrictionQuery"})
TRIMMED: Final = frozenset({"name", "message", "title", "description"})
"""What the API stores without spaces around it (terraform-provider-datadog#1289, #1291)."""
INDEX_NAME: Final = re.compile(r"[a-z][a-z0-9-]*")


def queries_are_one_line(props: Props) -> Findings:
    """A line end inside a query is answered 400 (terraform-provider-datadog#1606, #2501)."""
    return [
        (path, "a query must be on one line: Datadog answers 400 to a line end in it")
        for path, key, value in _leaves(props, "", "")
        if key in QUERIES and isinstance(value, str) and "\n" in value
    ]


def words_are_known(props: Props) -> Findings:
    """A word that an enumeration does not have."""
    return [
        (path, f"{value!r} is not allowed; allowed: {', '.join(allowed)}")
        for path, key, value in _leaves(props, "", "")
        if (allowed := ENUMERATIONS.get(key) or ENUMERATIONS.get(_last_two(path))) and value not in allowed
    ]


def index_name(props: Props) -> Findings:
    """Lower-case letters, digits and hyphens, a letter first (Datadog docs, "Indexes")."""
    name = props.get("name")
    if not isinstance(name, str) or INDEX_NAME.fullmatch(name):
        return []
    return [("name", "an index's name is a letter, then lower-case letters, digits and hyphens")]


def metric_compute(props: Props) -> Findings:
    """A distribution measures an attribute, a count none (Logs Metrics API, LogsMetricCompute)."""
    compute = props.get("compute") or {}
    if compute.get("aggregationType") == "distribution" and not compute.get("path"):
        return [("compute.path", "is required with aggregationType distribution")]
    if compute.get("aggregationType") == "count" and compute.get("path"):
        return [("compute.path", "means nothing with aggregationType count")]
    return []


def scanner_pattern(props: Props) -> Findings:
    """An expression or one of the library's patterns, and an expression that matches something (Datadog docs)."""
    given = [name for name in ("pattern", "standardPatternId") if props.get(name)]
    if len(given) != 1:
        return [("pattern", "exactly one of pattern and standardPatternId is required")]
    pattern = str(props.get("pattern", ""))
    if re.search(r"\(\?[=!<]|\(\?P[=<]|\\[1-9]", pattern):
        return [("pattern", "look-around, back-references and named groups are not in the scanner's syntax")]
    try:
        empty = pattern and re.search(pattern, "") is not None
    except re.error as error:
        return [("pattern", f"is not a regular expression: {error.msg}")]
    return [("pattern", "matches the empty text")] if empty else []


def grok_samples(props: Props) -> Findings:
    """At most five samples a parser, and no more than ten rules (Datadog docs, "Grok parser")."""
    found: Findings = []
    for path, key, value in _blocks(props, "", ""):
        if key == "samples" and isinstance(value, list) and len(value) > 5:
            found.append((path, f"{len(value)} samples: at most 5"))
        if key == "matchRules" and isinstance(value, str) and len(value.splitlines()) > 10:
            found.append((path, f"{len(value.splitlines())} rules: at most 10"))
    return found


def trimmed(props: Props) -> Props:
    """Return the inputs as the API gives them back: names and messages without spaces around them."""
    return {key: _trimmed(key, value) for key, value in props.items()}


def with_external_id(props: Props) -> Props:
    """Return an AWS account as the API gives it back: with the external id that it made up for its role."""
    role = (props.get("authConfig") or {}).get("awsAuthConfigRole")
    if not isinstance(role, dict):
        return props
    made_up = hashlib.sha256(f"{props.get('awsAccountId')}/{role.get('roleName')}".encode()).hexdigest()[:32]
    return {**props, "authConfig": {"awsAuthConfigRole": {"externalId": made_up, **role}}}


def _trimmed(key: str, value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() if key in TRIMMED else value
    if isinstance(value, dict):
        return {inner: _trimmed(inner, item) for inner, item in value.items()}
    if isinstance(value, list):
        return [_trimmed(key, item) for item in value]
    return value


def _last_two(path: str) -> str:
    return ".".join(path.split(".")[-2:])


def _leaves(value: Any, path: str, key: str) -> Iterator[tuple[str, str, Any]]:
    """Yield path, name and value of everything below `value` that is neither object nor list."""
    if isinstance(value, dict):
        for inner, item in value.items():
            yield from _leaves(item, f"{path}.{inner}".removeprefix("."), inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]", key)
    else:
        yield path, key, value


def _blocks(value: Any, path: str, key: str) -> Iterator[tuple[str, str, Any]]:
    """Yield path, name and value of everything below `value`, lists whole."""
    yield path, key, value
    if isinstance(value, dict):
        for inner, item in value.items():
            yield from _blocks(item, f"{path}.{inner}".removeprefix("."), inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _blocks(item, f"{path}[{index}]", "")


EVERYWHERE: Final = (queries_are_one_line, words_are_known)
"""Rules for every type of Datadog's."""
