"""What comes in: a door for each kind of client, each with the guard that refuses before memory runs out."""

from collections.abc import Mapping
from typing import Any

from infra.context import Context
from infra.documents.collector.receive import browser, files, fluent, otlp
from infra.documents.collector.receive.door import Door
from infra.settings import Collector

LIMIT_PERCENT, SPIKE_PERCENT = 75, 20
"""Shares of the task's memory: above the first the collector refuses, above their difference it collects garbage."""
GUARD = "memory_limiter"
__all__ = ["GUARD", "Door", "doors", "memory_limiter"]


def doors(context: Context, base: Mapping[str, Any]) -> list[Door]:
    """Return the stack's ways in; applications' OTLP is always among them, the others where settings name them."""
    settings, common = context.settings, base["receivers"]
    receivers = settings.receivers
    found = [otlp.door(common["otlp"], settings.collector.listen, receivers.tls)]
    if receivers.files:
        found.append(files.door(common["file_log"], base["extensions"]["file_storage"], settings))
    if receivers.fluent:
        found.append(fluent.door(receivers.fluent))
    if receivers.browser:
        admitted = context.policy.data_classes.browsers
        found.append(browser.door(common["browser"], receivers.browser, admitted, receivers.tls))
    return found


def memory_limiter(base: Mapping[str, Any], collector: Collector) -> dict[str, Any]:
    """Return the memory limiter, in MiB of the task's own memory and not of the machine it happens to run on."""
    return {
        **base,
        "limit_mib": collector.memory_mib * LIMIT_PERCENT // 100,
        "spike_limit_mib": collector.memory_mib * SPIKE_PERCENT // 100,
    }
