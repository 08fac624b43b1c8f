"""The volume that a running collector counted: its own metrics page, read once, since the process started.

Every component's id names class and rule, so that the counters each one has are enough (docs/accounting.md).
"""

import re
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from infra.documents.collector.limit import REASON
from infra.forecast.volume import WHOLE, ClassVolume, Volume
from infra.model import Environment
from infra.policy import Policy
from infra.problems import InputError, Problem

INCOMING, OUTGOING = "otelcol_processor_incoming_items", "otelcol_processor_outgoing_items"
UPTIME = "otelcol_process_uptime"
FINISH, SAMPLER = "attributes/", "probabilistic_sampler/"
LEAST_SECONDS = 1.0
TIMEOUT_SECONDS = 10
_SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*?)(?:_total|_seconds_total|_seconds)?(?:\{(?P<labels>[^}]*)\})? (?P<value>[^ ]+)")  # fmt: skip
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def from_page(where: str, policy: Policy, environment: Environment) -> Volume:
    """Return the volume on the metrics page at `where`, an http address or a file.

    Raises InputError where it cannot be read, or is no page of this collector.
    """
    text = _read(where)
    found = _processors(text)
    seconds = next((value for name, _, value in _samples(text) if name == UPTIME), 0.0)
    if seconds < LEAST_SECONDS or not found[INCOMING]:
        raise _problem(where, f"has no {UPTIME} above {LEAST_SECONDS:g} s, or no {INCOMING}", "port 8888's page")
    a_day = 86_400 / seconds
    classes, over = {}, 0.0
    for name, data_class in policy.data_classes.classes.items():
        kept = found[OUTGOING].get(FINISH + name, 0.0)
        records: dict[str, float] = defaultdict(float)
        for rule in data_class.sampling:
            sampler, percent = f"{SAMPLER}{name}-{rule.name}", rule.keep_percent.at(environment)
            dropped = found[INCOMING].get(sampler, 0.0) - found[OUTGOING].get(sampler, 0.0)
            if percent < 100 and dropped > 0:
                # What was dropped is all but `percent` of what the rule speaks of; the rest passed it whole.
                records[rule.name] = dropped / (1 - percent / 100) * a_day
                kept -= dropped / (1 - percent / 100) - dropped
        over += sum(
            found[INCOMING].get(sampler, 0.0) - found[OUTGOING].get(sampler, 0.0)
            for sampler in (f"{SAMPLER}{name}-{REASON}", f"{SAMPLER}{name}-{REASON}_alone")
        )
        records[WHOLE] = max(kept, 0.0) * a_day
        if any(records.values()):
            classes[name] = ClassVolume(dict(records), policy.budgets.classes[name].record_bytes)
    notes = ["bytes of a record: policy/budgets.yaml", "one collector's page: a stack with several has as many"]
    if over:
        notes.append(f"{over * a_day:,.0f} records a day were dropped over a rate limit; they are not in these figures")
    return Volume(classes, f"the counters of {where}, over {seconds:,.0f} s", tuple(notes))


def _read(where: str) -> str:
    try:
        if where.startswith(("http://", "https://")):
            with urllib.request.urlopen(where, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - http and https only
                return str(answer.read().decode())
        return Path(where).read_text(encoding="utf-8")
    except (OSError, urllib.error.URLError, UnicodeDecodeError) as error:
        raise _problem(where, f"cannot be read ({type(error).__name__})", "http://127.0.0.1:8888/metrics, or a file") from None  # fmt: skip


def _problem(where: str, wrong: str, allowed: str) -> InputError:
    return InputError([Problem("METRICS", where, wrong, allowed)])


def _samples(text: str) -> list[tuple[str, dict[str, str], float]]:
    found = []
    for line in text.splitlines():
        if match := _SAMPLE.match(line):
            labels = dict(_LABEL.findall(match["labels"] or ""))
            try:
                found.append((match["name"], labels, float(match["value"])))
            except ValueError:
                continue
    return found


def _processors(text: str) -> Mapping[str, Mapping[str, float]]:
    """Return metric to processor to items, of records only."""
    found: dict[str, dict[str, float]] = {INCOMING: defaultdict(float), OUTGOING: defaultdict(float)}
    for name, labels, value in _samples(text):
        if name in found and labels.get("otel_signal", "logs") == "logs":
            found[name][labels.get("processor", "")] += value
    return found
