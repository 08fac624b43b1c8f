"""The volume of a log file: lines of JSON as the services write them, sorted by the policy's own rules."""

import datetime
import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from infra.documents.collector.normalise import LEVELS
from infra.forecast.volume import WHOLE, ClassVolume, Volume
from infra.model import Environment
from infra.policy import Policy
from infra.policy.data_classes import DataClass, DataClasses
from infra.problems import InputError, Problem

SEVERITIES = {name: severity for severity, names in LEVELS.items() for name in names}
LEAST_SECONDS = 1.0


def from_file(path: Path, records_per_second: float | None, policy: Policy, environment: Environment) -> Volume:
    """Return the volume of the lines in `path`, at `records_per_second` or at the rate that their own times say.

    Raises InputError where the file holds no line, or where neither tells the rate.
    """
    try:
        lines = [line for line in path.read_bytes().splitlines() if line.strip()]
    except OSError as error:
        raise InputError([Problem("LOGS", str(path), f"cannot be read ({error.strerror})", "a file of lines of JSON")]) from None  # fmt: skip
    if not lines:
        raise InputError([Problem("LOGS", str(path), "holds no line", "a file of lines of JSON")])
    records = [_record(line) for line in lines]
    seconds = len(lines) / records_per_second if records_per_second else _span(records, path)
    squeezed = len(zlib.compress(b"\n".join(lines))) / sum(len(line) for line in lines)
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    sizes: dict[str, int] = defaultdict(int)
    for line, record in zip(lines, records, strict=True):
        name = class_of(record, policy.data_classes)
        counts[name][rule_of(record, policy.data_classes.classes[name], environment)] += 1
        sizes[name] += len(line)
    a_day = 86_400 / seconds
    classes = {
        name: ClassVolume({rule: count * a_day for rule, count in found.items()}, sizes[name] / sum(found.values()))
        for name, found in counts.items()
    }
    return Volume(
        classes,
        f"{len(lines):,} lines of {path.name} in {seconds:,.0f} s",
        ("bytes of a record: its line's; OTLP adds names and ids",),
        min(squeezed, 1.0),
    )


def class_of(record: Mapping[str, Any], classes: DataClasses) -> str:
    """Return the class of a line, as the collector would: its own word, else the first rule, else the fallback."""
    said = record.get("tinybeans.log.class")
    if isinstance(said, str) and said in classes.classes:
        return said
    for name, item in classes.classes.items():
        if _covered(record.get("logger"), item.match.loggers) or _covered(record.get("event"), item.match.events):
            return name
    return classes.fallback_class


def rule_of(record: Mapping[str, Any], data_class: DataClass, environment: Environment) -> str:
    """Return the sampling rule that decides over a line: the one that keeps least of those that speak of it."""
    severity = SEVERITIES.get(str(record.get("level", "")).lower())
    if severity is None:
        return WHOLE
    speaking = [rule for rule in data_class.sampling if severity.number < rule.below.number]
    return min(speaking, key=lambda rule: rule.keep_percent.at(environment)).name if speaking else WHOLE


def _covered(name: Any, rules: Iterable[str]) -> bool:
    return isinstance(name, str) and any(name == rule or name.startswith(f"{rule}.") for rule in rules)


def _record(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    nested = found.get("context")
    return {**nested, **found} if isinstance(nested, dict) else found


def _span(records: Iterable[Mapping[str, Any]], path: Path) -> float:
    times = sorted(filter(None, map(_time, records)))
    seconds = (times[-1] - times[0]).total_seconds() if times else 0.0
    if seconds < LEAST_SECONDS:
        raise InputError([Problem("LOGS", str(path), "its lines' times do not say how long it took to write them", "RATE=records a second")])  # fmt: skip
    return seconds


def _time(record: Mapping[str, Any]) -> datetime.datetime | None:
    try:
        found = datetime.datetime.fromisoformat(str(record.get("timestamp")))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)
