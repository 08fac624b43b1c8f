"""What a sink asks of records beyond the contract's shape: limits of size and time, names of its own.

A record that comes back from a sink's spill passes here again, so a second run must find nothing more to do.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.context import Context
from infra.documents.collector import sink_limits, sink_window
from infra.documents.collector.ottl import CLASS, attribute, group, text
from infra.policy.destinations import Destination

ENVIRONMENT = "deployment.environment.name"
OF_THE_RESOURCE = ("service.name", "service.version", ENVIRONMENT)
"""Attributes that name the sender. A line of container output has them as attributes of the record; Datadog (unified
service tagging), New Relic (entities) and Elastic (data streams, services) read them from the resource."""
BY_RESOURCE = (Destination.DATADOG, Destination.NEWRELIC, Destination.ELASTIC)
WITHOUT_ENVIRONMENT = ("archive", Destination.CLOUDWATCH)
"""Sinks whose very address names the environment: a bucket, a log group."""


def processors(context: Context, sink: str) -> Mapping[str, Any]:
    """Return the processors, in order, that run on records on their way to `sink` and to no other."""
    found = {f"groupbyattrs/{sink}": {"keys": list(OF_THE_RESOURCE)}} if sink in BY_RESOURCE else {}
    groups = list(_groups(context, sink))
    transform = {f"transform/shape-{sink}": {"error_mode": "silent", "log_statements": groups}} if groups else {}
    return {**found, **transform}


def _groups(context: Context, sink: str) -> Iterator[dict[str, Any]]:
    if sink not in WITHOUT_ENVIRONMENT:
        yield _environment(context)
    match sink:
        case Destination.DATADOG:
            yield group("log", [_ddtags()])
        case Destination.LOCAL:
            yield from _loki_names()
        case Destination.NEWRELIC:
            yield from sink_limits.newrelic()
    if timely := list(sink_window.statements(context, sink)):
        yield group("log", timely)


def _environment(context: Context) -> dict[str, Any]:
    """Return the group that names the stack's environment where the application did not."""
    name = f'resource.attributes["{ENVIRONMENT}"]'
    return group("resource", [f"set({name}, {text(context.environment)}) where {name} == nil"])


def _ddtags() -> str:
    """Return the statement that tags the record with its class; env, service and version become tags by themselves.

    Whatever the client put there is overwritten: tags decide about indexes and access at Datadog.
    """
    return f'set({attribute("ddtags")}, Concat(["log_class", {attribute(CLASS)}], ":"))'


def _loki_names() -> Iterator[dict[str, Any]]:
    """Yield groups that rename attributes of which Loki could make no label name.

    One name without a letter or digit and Loki refuses the whole request (3.7.7, otlptranslator, LabelNamer.Build).
    """
    pattern = text("^[^A-Za-z0-9]+$")
    for context in ("resource", "scope", "log"):
        yield group(context, [f'replace_all_patterns({context}.attributes, "key", {pattern}, "unnamed")'])
