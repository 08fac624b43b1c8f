"""The triples of this directory: <sink>/<case>/ with what is sent, the stack's settings, and what must arrive."""

from __future__ import annotations

import calendar
import json
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from tests.collector_run import batch, record, with_uid

HERE = Path(__file__).parent
REPEATED = re.compile(r"<(.+)\*([0-9]+)>", re.DOTALL)
"""Notation for a long text in either file: <x*5000> is 5,000 times x."""
RELATIVE = re.compile(r"now|(?P<sign>[+-])(?P<number>[0-9]+)(?P<unit>[mhd])")
"""Notation for a time: now, -20d, +3h, -350m."""
UNITS = {"m": 60, "h": 3_600, "d": 86_400}
TOLERANCE_SECONDS = 120
"""Between the moment that the input was read and the one in which the collector looked at its clock."""


@dataclass(frozen=True)
class Case:
    """One triple."""

    sink: str
    name: str
    directory: Path
    uids: list[str] = field(default_factory=list, compare=False, hash=False)
    """What the records were sent under, in order."""

    @property
    def id(self) -> str:
        return f"{self.sink}/{self.name}"

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Return settings of the sandbox stack that this case replaces."""
        return yaml.safe_load((self.directory / "settings.yaml").read_text()) or {}

    @cached_property
    def expected(self) -> list[dict[str, Any]]:
        """Return what must arrive, one object a record, in the order in which records were sent."""
        found = _unfolded(json.loads((self.directory / "expected.json").read_text()))
        assert isinstance(found, list), f"{self.id}: expected.json is not a list"
        return found

    def requests(self) -> list[dict[str, Any]]:
        """Return resourceLogs in OTLP JSON, every record under a uid of its own, which is remembered."""
        lines = self.directory / "input.jsonl"
        if lines.exists():
            return [batch([self._under_uid(record(line, severity=0)) for line in lines.read_text().splitlines()])]
        return [self._resource(item) for item in _unfolded(json.loads((self.directory / "input.json").read_text()))]

    def _resource(self, item: dict[str, Any]) -> dict[str, Any]:
        records = [
            self._under_uid(
                record(
                    each.get("body", ""),
                    each.get("attributes"),
                    each.get("severity", 17),
                    timeUnixNano=str(nanoseconds(each.get("time", "now"))),
                    **{key: each[key] for key in ("traceId", "spanId", "eventName") if key in each},
                )
            )
            for each in item["records"]
        ]
        return batch(records, resource=item.get("resource"), scope=item.get("scope"))

    def _under_uid(self, found: dict[str, Any]) -> dict[str, Any]:
        self.uids.append(str(uuid.uuid4()))
        return with_uid(found, self.uids[-1])


def cases() -> Iterator[Case]:
    """Yield every triple of this directory; a directory without its three files is an error."""
    for expected in sorted(HERE.glob("*/*/expected.json")):
        directory = expected.parent
        inputs = [name for name in ("input.json", "input.jsonl") if (directory / name).exists()]
        assert len(inputs) == 1, f"{directory}: one input.json or input.jsonl"
        assert (directory / "settings.yaml").exists(), f"{directory}: no settings.yaml"
        yield Case(directory.parent.name, directory.name, directory)


def nanoseconds(text: str) -> int:
    """Return a time in either notation, or RFC 3339 in UTC, as Unix nanoseconds."""
    if found := RELATIVE.fullmatch(text):
        seconds = int(found["number"]) * UNITS[found["unit"]] if found["sign"] else 0
        return time.time_ns() + (-seconds if found["sign"] == "-" else seconds) * 10**9
    whole, _, fraction = text.removesuffix("Z").partition(".")
    parsed = time.strptime(whole, "%Y-%m-%dT%H:%M:%S")
    return calendar.timegm(parsed) * 10**9 + int(fraction.ljust(9, "0") or 0)


def same(expected: Any, arrived: Any) -> bool:
    """Return whether a field arrived as expected: equal, or a time near the one that its notation names."""
    if isinstance(expected, str) and RELATIVE.fullmatch(expected):
        found = arrived if isinstance(arrived, int) else _read(arrived)
        return found is not None and abs(found - nanoseconds(expected)) < TOLERANCE_SECONDS * 10**9
    if isinstance(expected, dict) and isinstance(arrived, dict):
        return expected.keys() == arrived.keys() and all(same(expected[key], arrived[key]) for key in expected)
    if isinstance(expected, str) and expected.startswith("~"):
        return isinstance(arrived, str) and re.fullmatch(expected[1:], arrived) is not None
    return bool(expected == arrived)


def _read(text: Any) -> int | None:
    try:
        return nanoseconds(str(text))
    except ValueError:
        return None


def _unfolded(value: Any) -> Any:
    """Return `value` with every <x*5000> written out."""
    if isinstance(value, dict):
        return {key: _unfolded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unfolded(item) for item in value]
    if isinstance(value, str):
        return REPEATED.sub(lambda found: found[1] * int(found[2]), value)
    return value
