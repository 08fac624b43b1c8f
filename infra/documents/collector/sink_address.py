"""What of an exporter depends on the stack: where a sink is, and how the collector signs in there.

Addresses in settings.endpoints are base addresses: the path of each service's intake is added here.
"""

from typing import Any

from infra.context import QUARANTINE_STREAM, STREAM, Context
from infra.documents.collector import loggly
from infra.documents.collector.route import QUARANTINE
from infra.documents.collector_policy import ARCHIVE_PREFIX
from infra.policy.destinations import Destination
from infra.secrets import CATALOGUE
from infra.settings import Settings

LOGS_PATH = "/v1/logs"
"""Path of an OTLP/HTTP logs intake (OTLP specification)."""
SIGNER = "sigv4auth/logs"
NEWRELIC = {"us": "https://otlp.nr-data.net", "eu": "https://otlp.eu01.nr-data.net"}
HEADERS = {Destination.DATADOG: "dd-api-key", Destination.NEWRELIC: "api-key", Destination.ELASTIC: "Authorization"}
"""The header in which each service takes its key."""
SCHEMES = {Destination.ELASTIC: "ApiKey "}


def signer(region: str) -> dict[str, Any]:
    """Return the extension that signs requests to CloudWatch Logs with the task's own role."""
    return {"region": region, "service": "logs"}


def own(context: Context, sink: str, name: str) -> dict[str, Any]:
    """Return what of the exporter to `sink` depends on the stack and on the pipeline `name`.

    `name` is a class, or quarantine. No secret is in them, only references that the collector resolves.
    """
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
        case Destination.DATADOG | Destination.NEWRELIC | Destination.ELASTIC:
            service = Destination(sink)
            return {"logs_endpoint": saas(settings, service) + LOGS_PATH, "headers": signed(service)}
        case Destination.LOCAL:
            return {"logs_endpoint": f"{endpoints.loki}/otlp{LOGS_PATH}"}
        case Destination.LOGGLY:
            hop = f"http://{settings.collector.listen.loggly}{LOGS_PATH}"
            return {"logs_endpoint": hop, "headers": {loggly.TOKEN_HEADER: key_of(sink)}}
        case _:
            raise ValueError(f"{sink} is no sink")


def key_of(sink: str) -> str:
    """Return the reference to the sink's key, which the collector reads from its environment."""
    variable = next(entry.environment_variable for entry in CATALOGUE if entry.needed_by == sink)
    return f"${{env:{variable}}}"


def saas(settings: Settings, destination: Destination) -> str:
    """Return the base address of a service outside AWS that takes OTLP/HTTP."""
    endpoints = settings.endpoints
    match destination:
        case Destination.DATADOG:
            return endpoints.datadog or f"https://otlp.{settings.datadog_site}"
        case Destination.NEWRELIC:
            return endpoints.newrelic or NEWRELIC[settings.newrelic_region]
        case Destination.ELASTIC:
            return endpoints.elastic or (settings.elastic_endpoint or "").rstrip("/")
        case _:
            raise ValueError(f"{destination} takes no OTLP from here")


def signed(destination: Destination) -> dict[str, str]:
    """Return the header that shows the service its key: a reference, which the collector resolves."""
    return {HEADERS[destination]: f"{SCHEMES.get(destination, '')}{key_of(destination)}"}
