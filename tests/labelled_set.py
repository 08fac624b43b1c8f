"""The labelled lines of tests/labelled/, and what the policy's rules make of them in plain Python.

A model of the collector's redaction, for quick feedback: names of keys first, then names inside text, then patterns
where a clue stands. What the collector itself makes of the same lines is measured elsewhere.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from infra.policy.redaction import Action, RedactionRule, compiled
from tests.factories import ROOT, policy

DIRECTORY = ROOT / "tests" / "labelled"
_VALUE = r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|\\+"[^"]*"?|[\[{][^\]}]*[\]}]?|[^\s,}\]"'\\]+)"""
_ORDER = (Action.DROP_RECORD, Action.DROP_ATTRIBUTE, Action.MASK, Action.PSEUDONYM)


@dataclass(frozen=True)
class Labelled:
    """A line or record, the values in it that must not arrive, and the texts that must stay readable."""

    name: str
    line: str | None
    record: Mapping[str, Any] | None
    sensitive: tuple[tuple[str, str], ...]
    """Value and the name of the rule that is meant to find it."""
    harmless: tuple[str, ...]

    def fields(self) -> dict[str, str]:
        """Return the texts by flat attribute name; the message or body stands under an empty name."""
        if self.record is not None:
            record = dict(self.record)
            return dict(_flat(record.pop("body", ""), "")) | {
                f"{part}.{name}": text for part, values in record.items() for name, text in _flat(values, "")
            }
        assert self.line is not None
        try:
            parsed = json.loads(self.line)
        except json.JSONDecodeError:
            parsed = None
        return dict(_flat(parsed, "")) if isinstance(parsed, dict) else {"": self.line}


def labelled(file: str) -> list[Labelled]:
    """Return what the file of this name in tests/labelled/ holds."""
    rows = [json.loads(line) for line in (DIRECTORY / file).read_text().splitlines()]
    return [
        Labelled(
            row["id"],
            row.get("line"),
            row.get("record"),
            tuple((item["value"], item["rule"]) for item in row["sensitive"]),
            tuple(row["harmless"]),
        )
        for row in rows
    ]


def redacted(fields: Mapping[str, str]) -> str:
    """Return names and texts after redaction, a field a line."""
    names = {name: _by_name(name) for name in fields}
    done = {name: f"[{rule.name}]" if (rule := names[name]) else text for name, text in fields.items()}
    lines = [f"{_by_value(name)}\t{text if names[name] else _by_value(_in_text(text))}" for name, text in done.items()]
    return "\n".join(lines)


def _flat(node: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _flat(value, f"{name}.{key}" if name else str(key))
    elif isinstance(node, list):
        for at, value in enumerate(node):
            yield from _flat(value, f"{name}.{at}")
    else:
        yield name, str(node)


def _names(rules: Iterable[RedactionRule]) -> Iterator[tuple[RedactionRule, str]]:
    for rule in sorted(rules, key=lambda rule: _ORDER.index(rule.action)):
        if rule.keys:
            yield rule, "|".join(re.escape(key).replace(r"\*", r"""[^"'.]*""") for key in rule.keys)


@cache
def _compiled_names() -> list[tuple[RedactionRule, re.Pattern[str], re.Pattern[str]]]:
    return [
        (
            rule,
            re.compile(rf"(?i)(?:^|\.)(?:{names})(?:\.|$)"),
            re.compile(rf"""(?is)(["'](?:{names})\\*["']\s*:\s*){_VALUE}"""),
        )
        for rule, names in _names(policy().redaction.rules)
    ]


def _by_name(name: str) -> RedactionRule | None:
    return next((rule for rule, whole, _ in _compiled_names() if whole.search(name)), None)


def _in_text(text: str) -> str:
    for rule, _, inside in _compiled_names():
        text = inside.sub(rf"\g<1>[{rule.name}]", text)
    return text


@cache
def _patterns() -> list[tuple[RedactionRule, re.Pattern[str]]]:
    ordered = sorted(policy().redaction.rules, key=lambda rule: _ORDER.index(rule.action))
    return [(rule, compiled(rule.pattern)) for rule in ordered if rule.pattern is not None]


def _by_value(text: str) -> str:
    for rule, pattern in _patterns():
        if rule.suspects(text):
            text = pattern.sub(partial(_masked, rule.name), text)
    return text


def _masked(name: str, found: re.Match[str]) -> str:
    return (found.groupdict().get("keep") or "") + f"[{name}]"
