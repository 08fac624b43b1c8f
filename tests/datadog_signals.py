"""Datadog's side of a detection rule, in small: which records a query finds, and which case a rule tells.

Only the search syntax that documents/datadog/terms.py writes: terms side by side, one value or `(a OR b)`, `*` and
`[1 TO 9]`. Anything else is an error. Records are what the pipelines make of the contract (documents/datadog/contract.py).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from infra.documents.datadog.terms import facet
from infra.policy.data_classes import DataClasses
from tests.doors import contract

Found = dict[str, str]
_TERM = re.compile(r"(@?[a-z_.]+):(\([^()]*\)|\[[0-9]+ TO [0-9]+\]|[^\s()\[\]]+)")
_KEYS = {row["key"]: row["becomes"] for row in contract()}


def arrived(line: Mapping[str, Any], data_classes: DataClasses) -> Found:
    """Return a line of the sandbox's service as facets and values; its class is the application's word or policy's."""
    flat = {**line.get("context", {}), **{key: value for key, value in line.items() if key != "context"}}
    record = {facet(_KEYS.get(key, key)): str(value) for key, value in flat.items() if not isinstance(value, dict)}
    return {**record, "log_class": str(flat.get("tinybeans.log.class") or _class(flat, data_classes))}


def _class(line: Mapping[str, Any], data_classes: DataClasses) -> str:
    for name, cls in data_classes.classes.items():
        if _below(line.get("logger", ""), cls.match.loggers) or _below(line.get("event", ""), cls.match.events):
            return name
    return data_classes.fallback_class


def _below(name: str, names: Iterable[str]) -> bool:
    return any(name == item or name.startswith(f"{item}.") for item in names)


def fits(query: str, record: Mapping[str, str]) -> bool:
    """Return whether a query finds a record."""
    assert not _TERM.sub("", query).strip(), f"cannot read {query}"
    return all(_one(value, record.get(name)) for name, value in _TERM.findall(query))


def _one(wanted: str, value: str | None) -> bool:
    if value is None:
        return False
    if wanted.startswith("["):
        low, high = wanted[1:-1].split(" TO ")
        return value.isdecimal() and int(low) <= int(value) <= int(high)
    return any(fnmatchcase(value, item) for item in wanted.strip("()").split(" OR "))


def signals(rule: Mapping[str, Any], records: Iterable[Mapping[str, str]]) -> dict[tuple[str, ...], str]:
    """Return each group of records with the severity of the first case that holds for it; all came at one time."""
    numbers: dict[tuple[str, ...], dict[str, int]] = defaultdict(dict)
    kept = list(records)
    for query in rule["queries"]:
        groups: dict[tuple[str, ...], list[Mapping[str, str]]] = defaultdict(list)
        for record in kept:
            if fits(query["query"], record) and all(name in record for name in query["groupByFields"]):
                groups[tuple(record[name] for name in query["groupByFields"])].append(record)
        for group, found in groups.items():
            numbers[group][query["name"]] = _counted(query, found)
    told = {group: _case(rule["cases"], counts) for group, counts in numbers.items()}
    return {group: severity for group, severity in told.items() if severity}


def _counted(query: Mapping[str, Any], found: list[Mapping[str, str]]) -> int:
    if query["aggregation"] == "count":
        return len(found)
    (field,) = query["distinctFields"]
    return len({record[field] for record in found if field in record})


def _case(cases: Iterable[Mapping[str, Any]], counts: Mapping[str, int]) -> str:
    for case in cases:
        wanted = [part.split(" >= ") for part in case["condition"].split(" && ")]
        if all(counts.get(name, 0) >= int(number) for name, number in wanted):
            return str(case["status"])
    return ""
