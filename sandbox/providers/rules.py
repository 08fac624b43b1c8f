"""Rules about values and their combinations that no machine-readable model states, each with its source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from sandbox.providers.table import Rule
from sandbox.providers.wire import Props

Findings = list[tuple[str, str]]

_POLICIES: Final = ("policy", "policyDocument", "assumeRolePolicy", "accessPolicy")
DOCUMENTS: Final = (*_POLICIES, "containerDefinitions", "dashboardBody", "dashboard", "monitor")


def _covering(rule: Rule, *names: str) -> Rule:
    rule.covers = names  # type: ignore[attr-defined]  # read by constraints.unchecked
    return rule


def between(name: str, low: int, high: int, *also: int) -> Rule:
    """A whole number in a range; `also` lists single values outside it."""

    def check(props: Props) -> Findings:
        value = props.get(name)
        if value is None or value in also or low <= value <= high:
            return []
        extra = f" or {', '.join(map(str, also))}" if also else ""
        return [(name, f"{value} is out of range: {low} to {high}{extra}")]

    return _covering(check, name)


def one_of(name: str, *allowed: Any) -> Rule:
    """A closed vocabulary."""

    def check(props: Props) -> Findings:
        value = props.get(name)
        if value is None or value in allowed:
            return []
        return [(name, f"{value!r} is not allowed; allowed: {', '.join(map(str, allowed))}")]

    return _covering(check, name)


def at_most_one(*names: str) -> Rule:
    """Properties that conflict with each other."""

    def check(props: Props) -> Findings:
        given = [name for name in names if name in props]
        return [(given[1], f"conflicts with {given[0]}")] if len(given) > 1 else []

    return _covering(check, *names)


def together(*names: str) -> Rule:
    """Properties that only work together."""

    def check(props: Props) -> Findings:
        missing = [name for name in names if name not in props]
        if not missing or len(missing) == len(names):
            return []
        return [(missing[0], f"is required with {', '.join(name for name in names if name in props)}")]

    return _covering(check, *names)


def requires(name: str, needed: str, value: Any) -> Rule:
    """A property that means nothing unless another has a value."""

    def check(props: Props) -> Findings:
        if name not in props or props.get(needed) == value:
            return []
        return [(name, f"needs {needed} to be {value}")]

    return _covering(check, name)


def starts_with(name: str, prefix: str) -> Rule:
    """A name that has to carry its kind."""

    def check(props: Props) -> Findings:
        value = props.get(name)
        return [] if value is None or value.startswith(prefix) else [(name, f"must begin with {prefix!r}")]

    return _covering(check, name)


def replaced_by(name: str, instead: str) -> Rule:
    """A block the sandbox does not realise, because a resource of its own does the same."""

    def check(props: Props) -> Findings:
        return [(name, f"is not realised by the sandbox: use {instead}")] if props.get(name) else []

    return _covering(check, name)


def alarm_kind(props: Props) -> Findings:
    """An alarm watches a metric, a set of metric queries, or a PromQL query: one of them (PutMetricAlarm)."""
    kinds = [name for name in ("metricName", "metricQueries", "evaluationCriteria") if name in props]
    if len(kinds) > 1:
        return [(kinds[1], f"conflicts with {kinds[0]}")]
    if kinds and kinds[0] != "evaluationCriteria":
        needed = ("comparisonOperator", "evaluationPeriods")
        return [(name, f"is required with {kinds[0]}") for name in needed if name not in props]
    return []


def name_or_prefix(props: Props) -> Findings:
    """internal/create/naming.go: a name and a prefix exclude each other."""
    return [("namePrefix", "conflicts with name")] if "name" in props and "namePrefix" in props else []


def documents_are_json(props: Props) -> Findings:
    """A JSON document has to parse, and a policy must not contain null: an output that was never filled in."""
    found: Findings = []
    for name in DOCUMENTS:
        text = props.get(name)
        if not isinstance(text, str) or not text:
            continue
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            found.append((name, f"is not valid JSON: {error.msg} at character {error.pos}"))
            continue
        if name in _POLICIES:
            found.extend((name, reason) for reason in _policy_faults(document))
    return found


def _policy_faults(document: Any) -> Iterator[str]:
    for path in _nulls(document, ""):
        yield f"contains null at {path}: an output that is never known was put into it"
    if not isinstance(document, dict):
        yield "is not a JSON object"
        return
    statements = document.get("Statement")
    if statements is None:
        return  # not every `policyDocument` is IAM's: field index policies are a plain object
    for index, statement in enumerate(statements if isinstance(statements, list) else [statements]):
        if not isinstance(statement, dict):
            yield f"Statement[{index}] is not an object"
        elif "Operation" in statement:
            continue  # a data protection policy's statement
        elif statement.get("Effect") not in ("Allow", "Deny"):
            yield f"Statement[{index}].Effect must be Allow or Deny"
        elif not {"Action", "NotAction"} & statement.keys():
            yield f"Statement[{index}] has no Action"


def _nulls(value: Any, path: str) -> Iterator[str]:
    if value is None:
        yield path or "the top"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _nulls(item, f"{path}.{key}".removeprefix("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nulls(item, f"{path}[{index}]")


COMMON: Final[tuple[Rule, ...]] = (name_or_prefix, documents_are_json)
"""Rules for every type."""
