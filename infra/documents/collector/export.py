"""Where records go: exporters with a queue on disk for each sink, and what they need to sign in.

Addresses in settings.endpoints are base addresses: the path of each service's intake is added here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.context import QUARANTINE_STREAM, STREAM, Context
from infra.documents.collector.route import QUARANTINE
from infra.documents.collector_policy import ARCHIVE_PREFIX
from infra.policy.data_classes import Destination
from infra.problems import InputError, Problem
from infra.secrets import CATALOGUE
from infra.settings import Settings

ARCHIVE = "archive"
LOGS_PATH = "/v1/logs"
"""Path of an OTLP/HTTP logs intake (OTLP specification)."""
SIGNER = "sigv4auth/logs"
STORE_FACTOR = 2
"""A queue's file may grow to this many times its payload: the payload's own limit is met first, and a store at its
limit could not even delete."""
NEWRELIC = {"us": "https://otlp.nr-data.net", "eu": "https://otlp.eu01.nr-data.net"}
HEADERS = {Destination.DATADOG: "dd-api-key", Destination.NEWRELIC: "api-key", Destination.ELASTIC: "Authorization"}
"""The header in which each service takes its key."""
SCHEMES = {Destination.ELASTIC: "ApiKey "}


@dataclass(frozen=True)
class Sinks:
    """Every exporter by id, and which of them each pipeline feeds."""

    exporters: dict[str, dict[str, Any]]
    by_pipeline: dict[str, list[str]]
    stores: tuple[str, ...]
    """Names of the sinks, each with a queue store of its own."""


def store(sink: str) -> str:
    """Return the id of the extension that keeps a sink's queues."""
    return f"file_storage/{sink}"


def archives(settings: Settings) -> bool:
    """Return whether this stack archives: every stack but one whose only destination is a developer's machine."""
    return any(name is not Destination.LOCAL for name in settings.destinations)


def sinks(context: Context, destinations: Mapping[str, Mapping[str, Any]], base: Mapping[str, Any]) -> Sinks:
    """Return the exporters of this stack; `destinations` are the fragments by name."""
    classes = context.policy.data_classes
    exporters: dict[str, dict[str, Any]] = {}
    by_pipeline: dict[str, list[str]] = {}
    allowed = {name: cls.destinations for name, cls in classes.classes.items()}
    # What is withheld stays inside AWS, with the class that policy names, or on the developer's machine.
    allowed[QUARANTINE] = (Destination.CLOUDWATCH, Destination.LOCAL)
    for name, names in allowed.items():
        chosen = [str(item) for item in context.settings.destinations if item in names]
        chosen += [ARCHIVE] if archives(context.settings) else []
        by_pipeline[name] = []
        for sink in chosen:
            kind, fragment = next(iter(destinations[sink].items()))
            own = _own(context, sink, name)
            exporter = f"{kind}/{sink}-{name}" if sink in (ARCHIVE, Destination.CLOUDWATCH) else f"{kind}/{sink}"
            exporters[exporter] = _with_queue(kind, _merged(fragment, own), sink, base, context.settings)
            by_pipeline[name].append(exporter)
    in_use = [*map(str, context.settings.destinations), ARCHIVE] if archives(context.settings) else ["local"]
    order = {sink: position for position, sink in enumerate(in_use)}
    ordered = dict(sorted(exporters.items(), key=lambda item: order[item[0].split("/")[1].split("-")[0]]))
    return Sinks(ordered, by_pipeline, tuple(in_use))


def queue_store(base: Mapping[str, Any], settings: Settings, sink: str) -> dict[str, Any]:
    """Return the extension that keeps one sink's queues in a directory of their own."""
    directory = f"{settings.collector.data_directory}/queues/{sink}"
    return {
        "directory": directory,
        **base,
        "compaction": {"directory": directory, **base["compaction"]},
        "fsync": settings.collector.queue.fsync,
        "max_size": settings.collector.queue.bytes_per_sink * STORE_FACTOR,
    }


def signer(region: str) -> dict[str, Any]:
    """Return the extension that signs requests to CloudWatch Logs with the task's own role."""
    return {"region": region, "service": "logs"}


def _own(context: Context, sink: str, name: str) -> dict[str, Any]:
    """Return what depends on the stack and on the pipeline `name`."""
    settings, endpoints = context.settings, context.settings.endpoints
    cls = context.policy.data_classes.quarantine_class if name == QUARANTINE else name
    match sink:
        case "archive":
            prefix = f"{ARCHIVE_PREFIX}/{QUARANTINE}" if name == QUARANTINE else ARCHIVE_PREFIX
            uploader = {"region": context.region, "s3_bucket": context.archive_bucket(cls), "s3_prefix": prefix}
            double = {"endpoint": endpoints.s3, "s3_force_path_style": True} if endpoints.s3 else {}
            return {"s3uploader": {**uploader, **double}}
        case Destination.CLOUDWATCH:
            service = f"https://{context.regional_service('logs')}"
            return {
                "logs_endpoint": (endpoints.cloudwatch_logs or service) + LOGS_PATH,
                "auth": {"authenticator": SIGNER},
                "headers": {
                    "x-aws-log-group": context.log_group(cls),
                    "x-aws-log-stream": QUARANTINE_STREAM if name == QUARANTINE else STREAM,
                },
            }
        case Destination.DATADOG:
            return _saas(sink, endpoints.datadog or f"https://otlp.{settings.datadog_site}")
        case Destination.NEWRELIC:
            return _saas(sink, endpoints.newrelic or NEWRELIC[settings.newrelic_region])
        case Destination.ELASTIC:
            return _saas(sink, endpoints.elastic or (settings.elastic_endpoint or "").rstrip("/"))
        case Destination.LOCAL:
            return {"logs_endpoint": f"{endpoints.loki}/otlp{LOGS_PATH}"}
        case _:
            raise InputError(
                [Problem("tinybeans-logging:destinations", sink, "the collector cannot send there yet", "the others")]
            )


def _saas(sink: str, address: str) -> dict[str, Any]:
    destination = Destination(sink)
    variable = next(entry.environment_variable for entry in CATALOGUE if entry.needed_by is destination)
    key = f"{SCHEMES.get(destination, '')}${{env:{variable}}}"
    return {"logs_endpoint": address + LOGS_PATH, "headers": {HEADERS[destination]: key}}


def _with_queue(
    kind: str, exporter: dict[str, Any], sink: str, base: Mapping[str, Any], settings: Settings
) -> dict[str, Any]:
    """Return the exporter with its own queue on disk and, where the exporter knows how, retries without end."""
    queue = {
        **base["sending_queue"],
        "storage": store(sink),
        "queue_size": settings.collector.queue.bytes_per_sink,
        **exporter["sending_queue"],
    }
    # awss3 has no retry_on_failure (v0.144, config.go); its fragment draws out the AWS SDK's retries instead.
    retry = {} if kind == "awss3" else {"retry_on_failure": base["retry_on_failure"]}
    return {**exporter, **retry, "sending_queue": queue}


def _merged(fragment: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, own first; a mapping in both is merged one level deep."""
    both = {key: {**own[key], **fragment[key]} for key in own if isinstance(fragment.get(key), Mapping)}
    return {**own, **fragment, **both}
