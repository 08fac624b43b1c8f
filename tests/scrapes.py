"""What Prometheus would have stored of a collector's two pages: one scrape a step, each step a minute long.

A step takes a fraction of a second in a test. Everything that the collector itself waits for is shortened in the same
way (`hurried`), so that a minute of the rules' time is a minute's worth of the collector's work.
"""

from __future__ import annotations

import copy
import http.client
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from infra.policy.alerts.metrics import COLLECTOR_METRICS

STEP_SECONDS = 60
_LINE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")


def hurried(document: dict[str, Any]) -> None:
    """Shorten what exporters wait for to what is left of it when a minute takes a tenth of a second."""
    for exporter in document["exporters"].values():
        queue = exporter.get("sending_queue", {})
        if "storage" not in queue:
            continue
        if "batch" in queue:
            queue["batch"] |= {"flush_timeout": "20ms", "min_size": 1}
        exporter["retry_on_failure"] |= {"initial_interval": "50ms", "max_interval": "100ms"}


def page(address: str) -> str:
    """Return the text of a page, empty where nobody answers."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
    try:
        connection.request("GET", urlsplit(address).path or "/metrics")
        return connection.getresponse().read().decode()
    except OSError:
        return ""
    finally:
        connection.close()


def samples(text: str, instance: str) -> dict[str, str]:
    """Return series to value of a page, for the metrics that alerts ask for, as a scrape of `instance` names them."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        matched = _LINE.match(line)
        if matched and matched[1] in COLLECTOR_METRICS:
            labels = ",".join(part for part in (matched[2], f'instance="{instance}"', 'job="collector"') if part)
            found[f"{matched[1]}{{{labels}}}"] = matched[3]
    return found


@dataclass
class Scrapes:
    """Scrapes of one collector, one a step."""

    steps: list[dict[str, str]] = field(default_factory=list)

    @property
    def now(self) -> int:
        """Return the time (s) of the last scrape."""
        return (len(self.steps) - 1) * STEP_SECONDS

    def take(self, addresses: Sequence[str]) -> None:
        """Add a scrape of every page; one that does not answer leaves its series without a sample."""
        found: dict[str, str] = {}
        for number, address in enumerate(addresses):
            text = page(address)
            instance = f"collector-{number}"
            found |= samples(text, instance) | {f'up{{instance="{instance}",job="collector"}}': "1" if text else "0"}
        self.steps.append(found)

    def series(self) -> dict[str, str]:
        """Return series to values as promtool writes them; a series that a scrape lacks is stale from then on."""
        names = sorted({name for step in self.steps for name in step})
        return {name: " ".join(self._values(name)) for name in names}

    def part(self, first: int, last: int | None = None) -> Scrapes:
        """Return the scrapes from `first` up to, not including, `last`."""
        return Scrapes(copy.copy(self.steps[first:last]))

    def _values(self, name: str) -> list[str]:
        values, present = [], False
        for step in self.steps:
            values.append(step.get(name) or ("stale" if present else "_"))
            present = name in step
        return values
