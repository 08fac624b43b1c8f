"""The metrics that alerts may ask for, with their labels: the collector's own, and those that CloudWatch has.

A test compares the first table with the pages of the real collector, so that a renamed metric or label turns red.
"""

from dataclasses import dataclass
from enum import StrEnum


class Shape(StrEnum):
    """How a metric moves."""

    GAUGE = "gauge"
    COUNTER = "counter"


class Presence(StrEnum):
    """When a metric stands on the collector's pages, and so what its absence means."""

    ALWAYS = "always"
    """From the start of the process: absent means that nothing is read any more."""
    TRAFFIC = "traffic"
    """From the first record: absent where it was before means that it got lost on the way, or has another name."""
    EVENT = "event"
    """From the first time that something went wrong: absent means zero (docs/accounting.md, 9). Only the metric that
    is always on the same page can say that the page is read."""


@dataclass(frozen=True)
class CollectorMetric:
    """One metric of the collector's two pages, under the name it has there, at CloudWatch and at Datadog."""

    name: str
    shape: Shape
    presence: Presence
    labels: tuple[str, ...] = ()
    """Labels of its data points. A task is no such label: it is `instance` for Prometheus, and part of the resource
    everywhere else."""
    counted_by: str = ""
    """The entry of the setting `collector.counted_by_class` without which no stack has this metric."""


_SENDING = ("error_permanent", "error_type", "exporter", "server_address", "server_port", "url_path")
COLLECTOR_METRICS = {
    item.name: item
    for item in (
        CollectorMetric("otelcol_exporter_enqueue_failed_log_records", Shape.COUNTER, Presence.EVENT, ("exporter",)),
        CollectorMetric("otelcol_exporter_queue_capacity", Shape.GAUGE, Presence.ALWAYS, ("data_type", "exporter")),
        CollectorMetric("otelcol_exporter_queue_size", Shape.GAUGE, Presence.ALWAYS, ("data_type", "exporter")),
        CollectorMetric("otelcol_exporter_send_failed_log_records", Shape.COUNTER, Presence.EVENT, _SENDING),
        CollectorMetric(
            "otelcol_exporter_sent_log_records",
            Shape.COUNTER,
            Presence.TRAFFIC,
            ("exporter", "server_address", "server_port", "url_path"),
        ),
        CollectorMetric("otelcol_process_memory_rss", Shape.GAUGE, Presence.ALWAYS),
        CollectorMetric("otelcol_process_uptime", Shape.COUNTER, Presence.ALWAYS),
        CollectorMetric(
            "otelcol_processor_incoming_items",
            Shape.COUNTER,
            Presence.TRAFFIC,
            ("class", "otel_signal", "processor", "reason"),
        ),
        CollectorMetric(
            "otelcol_processor_memory_limiter_refused_log_records", Shape.COUNTER, Presence.EVENT, ("processor",)
        ),
        CollectorMetric(
            "otelcol_processor_outgoing_items",
            Shape.COUNTER,
            Presence.TRAFFIC,
            ("class", "otel_signal", "processor", "reason"),
        ),
        CollectorMetric(
            "otelcol_receiver_accepted_log_records", Shape.COUNTER, Presence.TRAFFIC, ("receiver", "transport")
        ),
        CollectorMetric(
            "otelcol_receiver_refused_log_records", Shape.COUNTER, Presence.TRAFFIC, ("receiver", "transport")
        ),
        CollectorMetric("tinybeans_records_by_service", Shape.COUNTER, Presence.EVENT, ("service",), "accepted"),
        CollectorMetric("tinybeans_records_quarantined", Shape.COUNTER, Presence.EVENT, ("class", "reason")),
        CollectorMetric("up", Shape.GAUGE, Presence.ALWAYS),
    )
}
"""Every metric of the collector that an alert may ask for."""


@dataclass(frozen=True)
class AwsMetric:
    """One metric of CloudWatch's own, or of this program's, as its namespace has it."""

    namespace: str
    name: str
    dimensions: tuple[str, ...]
    source: str
    """Who emits it, and where that is written."""


AWS_METRICS = {
    (item.namespace, item.name): item
    for item in (
        AwsMetric(
            "ECS/ContainerInsights",
            "RunningTaskCount",
            ("ClusterName", "ServiceName"),
            "Container Insights of the collector's cluster (CloudWatch User Guide, Container Insights metrics for ECS)",
        ),
        AwsMetric(
            "ECS/ContainerInsights",
            "DesiredTaskCount",
            ("ClusterName", "ServiceName"),
            "Container Insights of the collector's cluster (CloudWatch User Guide, Container Insights metrics for ECS)",
        ),
        AwsMetric(
            "ECS/ContainerInsights",
            "EBSFilesystemUtilized",
            ("ClusterName", "ServiceName"),
            "Container Insights, GB used of the tasks' EBS volumes (the same list)",
        ),
        AwsMetric(
            "ECS/ContainerInsights",
            "EBSFilesystemSize",
            ("ClusterName", "ServiceName"),
            "Container Insights, GB of the tasks' EBS volumes (the same list)",
        ),
        AwsMetric("AWS/ECS", "MemoryUtilization", ("ClusterName", "ServiceName"), "Amazon ECS, service utilisation"),
        AwsMetric("AWS/Logs", "IncomingLogEvents", ("LogGroupName",), "CloudWatch Logs, usage metrics"),
        AwsMetric("AWS/Logs", "IncomingBytes", ("LogGroupName",), "CloudWatch Logs, usage metrics"),
        AwsMetric("AWS/Logs", "LogEventsWithFindings", ("LogGroupName",), "CloudWatch Logs, data protection metrics"),
        AwsMetric(
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            ("QueueName",),
            "Amazon SQS, of the queue that keeps events which reached no topic",
        ),
        AwsMetric("Tinybeans/Logging", "ExportLagDays", ("Class",), "this program's nightly export"),
        AwsMetric("Tinybeans/Logging", "ExportFailures", ("Class",), "this program's nightly export"),
        AwsMetric(
            "Tinybeans/Logging", "ArchiveMissing", ("Class",), "this program's nightly export and archive-verify"
        ),
    )
}
"""Every metric of CloudWatch that an alert may ask for, by namespace and name."""

OWN_LOG_FIELDS = ("rejected_items", "dropped_items")
"""Fields of the collector's own log, JSON, that count records: refused by a queue, given up by an exporter (v0.158,
exporterhelper, base_exporter.go and queue_sender.go). Fields are asked for rather than messages, which are prose."""
