"""What comes in: OTLP by gRPC and HTTP, and the guard that refuses before memory runs out."""

from collections.abc import Mapping
from typing import Any

from infra.settings import Collector

LIMIT_PERCENT, SPIKE_PERCENT = 75, 20
"""Shares of the task's memory: above the first the collector refuses, above their difference it collects garbage."""


def receivers(base: Mapping[str, Any], collector: Collector) -> dict[str, Any]:
    """Return the receivers, listening where the stack says."""
    grpc, http = base["otlp"]["protocols"]["grpc"], base["otlp"]["protocols"]["http"]
    listen = collector.listen
    return {
        "otlp": {"protocols": {"grpc": {"endpoint": listen.grpc, **grpc}, "http": {"endpoint": listen.http, **http}}}
    }


def memory_limiter(base: Mapping[str, Any], collector: Collector) -> dict[str, Any]:
    """Return the memory limiter, in MiB of the task's own memory and not of the machine it happens to run on."""
    return {
        **base,
        "limit_mib": collector.memory_mib * LIMIT_PERCENT // 100,
        "spike_limit_mib": collector.memory_mib * SPIKE_PERCENT // 100,
    }
