"""The collector's own metrics on their way out: read where Prometheus reads them, sent on by OTLP.

They are scraped from the collector's own two pages rather than pushed by its SDK: so a metric bears one name
everywhere (the SDK's names have dots), and a collector that stops does not fail over a last push that nobody takes
any more. Nothing here touches a record's way: queues are in memory, small, and give up; the next scrape says all
that the lost one said.
"""

from collections.abc import Mapping
from typing import Any

from infra.context import Context
from infra.documents.collector.ottl import group, text
from infra.documents.collector.part import Part, pipeline
from infra.documents.collector.sink_address import HEADERS, key_of
from infra.policy.alerts.metrics import COLLECTOR_METRICS
from infra.policy.destinations import Destination
from infra.sinks import archives

RECEIVER = "prometheus/own"
PIPELINE = "metrics/own"
SIGNER = "sigv4auth/metrics"
METRICS_PATH = "/v1/metrics"
"""Path of an OTLP/HTTP metrics intake (OTLP specification)."""
CLOUDWATCH, DATADOG = "otlp_http/metrics-cloudwatch", "otlp_http/metrics-datadog"
TO_DATADOG = "forward/metrics-datadog"
ALERTED = tuple(COLLECTOR_METRICS)
"""Names that alerts may ask for; they are the same at CloudWatch, at Datadog and on the pages that Prometheus reads."""
LEFT_OUT = "(?:go|http|process|promhttp|rpc|scrape)_.*|.*_(?:bucket|count|sum)|target_info"
"""Metrics that no alert needs: of the HTTP server and the runtime, and histograms, which are paid for by the bucket."""


def own_metrics(context: Context, base: Mapping[str, Any]) -> Part:
    """Return what reads the collector's own metrics and sends them to CloudWatch and, where it is a destination, to
    Datadog; nothing in a stack that has neither."""
    sinks = _sinks(context, base["exporter"])
    if not sinks:
        return Part()
    return Part(
        receivers={RECEIVER: _scrapes(context)},
        processors={
            "resource_detection/own": base["resource_detection"],
            "transform/own": _identity(context.environment),
            **({"cumulative_to_delta": {"initial_value": "keep"}} if DATADOG in sinks else {}),
        },
        connectors={TO_DATADOG: {}} if DATADOG in sinks else {},
        exporters=sinks,
        extensions={SIGNER: {"region": context.region, "service": "monitoring"}} if CLOUDWATCH in sinks else {},
        pipelines=_pipelines(sinks),
    )


def _pipelines(sinks: Mapping[str, Any]) -> dict[str, Any]:
    ways = [TO_DATADOG if name == DATADOG else name for name in sinks]
    found = {PIPELINE: pipeline([RECEIVER], ["resource_detection/own", "transform/own"], ways)}
    # Datadog takes deltas only. The processor starts with the process, as the counters do: the first value is one.
    if DATADOG in sinks:
        found["metrics/datadog"] = pipeline([TO_DATADOG], ["cumulative_to_delta"], [DATADOG])
    return found


def _sinks(context: Context, base: Mapping[str, Any]) -> dict[str, Any]:
    settings, endpoints = context.settings, context.settings.endpoints
    found: dict[str, Any] = {}
    if archives(settings):
        address = endpoints.cloudwatch_metrics or f"https://{context.regional_service('monitoring')}"
        found[CLOUDWATCH] = {"metrics_endpoint": address + METRICS_PATH, "auth": {"authenticator": SIGNER}, **base}
    if Destination.DATADOG in settings.destinations:
        address = endpoints.datadog_metrics or f"https://otlp.{settings.datadog_site}"
        key = key_of(Destination.DATADOG)
        found[DATADOG] = {
            "metrics_endpoint": address + METRICS_PATH,
            "headers": {HEADERS[Destination.DATADOG]: key},
            **base,
        }
    return found


def _scrapes(context: Context) -> dict[str, Any]:
    listen, seconds = context.settings.collector.listen, context.settings.collector.own_metrics_seconds
    job = {
        "job_name": context.name("collector"),
        "scrape_interval": f"{seconds}s",
        "scrape_timeout": f"{seconds}s",
        "static_configs": [
            {"targets": [f"{listen.metrics_host}:{port}" for port in (listen.metrics_port, listen.counts_port)]}
        ],
        "metric_relabel_configs": [
            {"source_labels": ["__name__"], "regex": LEFT_OUT, "action": "drop"},
            *_named("probabilistic_sampler", {"class": "[^-]+", "reason": ".+"}),
            *_named("filter", {"reason": ".+"}),
        ],
    }
    # Names as any Prometheus before version 3 reads them, `_` for every dot: CloudWatch's then are the same.
    names = {"metric_name_validation_scheme": "legacy", "metric_name_escaping_scheme": "underscores"}
    return {"config": {"global": names, "scrape_configs": [job]}}


def _named(kind: str, parts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return relabelling that copies what a processor's id names, class and rule, to labels."""
    regex = f"{kind}/" + "-".join(f"({pattern})" for pattern in parts.values())
    return [
        # `$$`: the collector expands variables before Prometheus' own library reads it.
        {"source_labels": ["processor"], "regex": regex, "target_label": label, "replacement": f"$${{{number}}}"}
        for number, label in enumerate(parts, 1)
    ]


def _identity(environment: str) -> dict[str, Any]:
    """Return the processor that tells the tasks apart: every task scrapes itself at the same address."""
    host, instance = 'resource.attributes["host.name"]', 'resource.attributes["service.instance.id"]'
    return {
        "error_mode": "silent",
        "metric_statements": [
            group(
                "resource",
                [
                    'keep_keys(resource.attributes, ["service.name", "host.name", "aws.ecs.task.arn"])',
                    f"set({instance}, {host})",
                    f'set(resource.attributes["deployment.environment.name"], {text(environment)})',
                ],
            )
        ],
    }
