"""What the two dashboards show, once, whichever product draws them: for the pipeline's owners and for services' owners.

A renderer turns each panel into a widget of its product (dashboard_cloudwatch.py; Datadog's has its own). Names of
metrics are those of docs/accounting.md, names of fields those of docs/logging-contract.md.
"""

from dataclasses import dataclass
from enum import StrEnum

from infra.policy.data_classes import DataClasses


class Reading(StrEnum):
    """How a series of a collector metric is read."""

    RATE = "rate"
    """Growth a second of a counter, summed over collectors."""
    HIGHEST = "highest"
    """The largest value among collectors."""
    LOWEST = "lowest"
    """The smallest value among collectors."""
    SHARE = "share"
    """Percent that the metric is of `over`, the largest among collectors."""


class Unit(StrEnum):
    """What a panel's axis counts."""

    RECORDS_PER_SECOND = "records/s"
    RECORDS = "records"
    PERCENT = "%"
    BYTES = "bytes"
    SECONDS = "s"
    DAYS = "days"
    TASKS = "tasks"


@dataclass(frozen=True)
class Measured:
    """A metric that the collector says of itself."""

    metric: str
    reading: Reading
    by: tuple[str, ...] = ()
    """Data-point labels that part the series."""
    where: tuple[tuple[str, str], ...] = ()
    """Label, and the regular expression (RE2, whole value) that it must match."""
    over: str = ""
    """With SHARE: the metric that is the whole."""


@dataclass(frozen=True)
class Counted:
    """Records, counted where they can be searched."""

    by: tuple[str, ...]
    """Fields of the logging contract that part the series."""
    events: tuple[str, ...] = ()
    """Event names whose records count; a name covers the names below it. None: all."""
    errors_only: bool = False
    """Whether only records of severity ERROR and above count."""
    classes_claiming: tuple[str, ...] = ()
    """Only classes to which policy gives one of these events; none: every class."""


@dataclass(frozen=True)
class AwsMeasured:
    """A metric that reaches CloudWatch with a namespace: an AWS service's, or a job's of this stack."""

    namespace: str
    metric: str
    statistic: str
    per: str = ""
    """The dimension that parts the series: `LogGroupName`, `Class` or the service (`ServiceName`); none: no dimension."""


Source = Measured | Counted | AwsMeasured


@dataclass(frozen=True)
class Panel:
    """One graph."""

    id: str
    title: str
    tells: str
    """What a reader learns from it, and when to worry."""
    unit: Unit
    sources: tuple[Source, ...]


SEVERITY_ERROR = 17
"""The least severity number that is an error (OpenTelemetry Logs Data Model)."""
CONTAINER_INSIGHTS, LOGS, JOBS = "ECS/ContainerInsights", "AWS/Logs", "Tinybeans/Logging"
"""Namespaces of metrics; the last one is this stack's own jobs'."""

PIPELINE_OWNERS = (
    Panel(
        "accepted-by-class",
        "Accepted, by class",
        "Records that reached the pipeline of each class. A class that stops, stopped logging.",
        Unit.RECORDS_PER_SECOND,
        # The first processor of each class's own pipeline; its id is `attributes/<class>` (docs/accounting.md).
        (
            Measured(
                "otelcol_processor_incoming_items", Reading.RATE, ("processor",), (("processor", "attributes/.+"),)
            ),
        ),
    ),
    Panel(
        "sent-by-sink",
        "Sent, by sink",
        "Records that each sink took. One line at zero while others run: that sink is down, its queue fills.",
        Unit.RECORDS_PER_SECOND,
        (Measured("otelcol_exporter_sent_log_records", Reading.RATE, ("exporter",)),),
    ),
    Panel(
        "queue-fill",
        "Queue fill, by sink",
        "How full the fullest collector's queue is. Full: its records take the spill behind it.",
        Unit.PERCENT,
        (
            Measured(
                "otelcol_exporter_queue_size", Reading.SHARE, ("exporter",), over="otelcol_exporter_queue_capacity"
            ),
        ),
    ),
    Panel(
        "lost",
        "Lost, by sink",
        "Records that a sink refused for good. Anything above zero is lost there and kept in the archive.",
        Unit.RECORDS_PER_SECOND,
        (
            Measured(
                "otelcol_exporter_send_failed_log_records", Reading.RATE, ("exporter",), (("error_permanent", "true"),)
            ),
        ),
    ),
    Panel(
        "quarantined",
        "Quarantined, by class and reason",
        "Records whose text was withheld, for redaction could not vouch for it.",
        Unit.RECORDS_PER_SECOND,
        (Measured("tinybeans_records_quarantined", Reading.RATE, ("class", "reason")),),
    ),
    Panel(
        "refused",
        "Refused at the door, by receiver",
        "Records that clients still have and send again: memory or disk is short.",
        Unit.RECORDS_PER_SECOND,
        (Measured("otelcol_receiver_refused_log_records", Reading.RATE, ("receiver",)),),
    ),
    Panel(
        "memory",
        "Memory of the largest collector",
        "Resident memory. Near the limit the collector refuses records rather than die.",
        Unit.BYTES,
        (Measured("otelcol_process_memory_rss", Reading.HIGHEST),),
    ),
    Panel(
        "restarts",
        "Age of the youngest collector",
        "Time since the latest start. Back to zero without a deployment: a collector died.",
        Unit.SECONDS,
        (Measured("otelcol_process_uptime", Reading.LOWEST),),
    ),
    Panel(
        "tasks",
        "Collectors that run, and that should",
        "As ECS counts them, whatever the collectors say of themselves.",
        Unit.TASKS,
        (
            AwsMeasured(CONTAINER_INSIGHTS, "RunningTaskCount", "Minimum", "ServiceName"),
            AwsMeasured(CONTAINER_INSIGHTS, "DesiredTaskCount", "Maximum", "ServiceName"),
        ),
    ),
    Panel(
        "export-lag",
        "Export lag, by class",
        "Days that the nightly export is behind.",
        Unit.DAYS,
        (AwsMeasured(JOBS, "ExportLagDays", "Maximum", "Class"),),
    ),
)
"""What those look at who keep the pipeline running."""

SERVICE_OWNERS = (
    Panel(
        "requests",
        "Requests, by route and status",
        "Sampled classes show what was kept; sampling.adjusted_count says how many each record stands for.",
        Unit.RECORDS,
        (
            Counted(
                ("http.route", "http.response.status_code"),
                events=("http.request",),
                classes_claiming=("http.request",),
            ),
        ),
    ),
    Panel(
        "errors",
        "Errors, by service and type",
        "Records of severity ERROR and above; none is ever sampled out.",
        Unit.RECORDS,
        (Counted(("service.name", "exception.type"), errors_only=True),),
    ),
    Panel(
        "auth-outcomes",
        "Sign-in, second factor and tokens, by event and outcome",
        "Many refusals at once: somebody tries passwords or codes.",
        Unit.RECORDS,
        (
            Counted(
                ("event", "outcome"),
                events=("audit.user", "audit.twofa", "auth"),
                classes_claiming=("audit", "auth.login.failed"),
            ),
        ),
    ),
    Panel(
        "volume-by-service",
        "Records, by service",
        "Who logs how much, as kept.",
        Unit.RECORDS,
        (Counted(("service.name",)),),
    ),
    Panel(
        "volume-by-class",
        "Bytes into CloudWatch Logs, by class",
        "What CloudWatch Logs is paid for.",
        Unit.BYTES,
        (AwsMeasured(LOGS, "IncomingBytes", "Sum", "LogGroupName"),),
    ),
)
"""What those look at whose services log."""


def covered(event: str, names: tuple[str, ...]) -> bool:
    """Return whether one of `names` is `event` or a name above it."""
    return any(event == name or event.startswith(f"{name}.") for name in names)


def classes_of(counted: Counted, data_classes: DataClasses) -> tuple[str, ...]:
    """Return the classes whose records a panel counts, in the policy's order."""
    return tuple(
        name
        for name, cls in data_classes.classes.items()
        if not counted.classes_claiming or any(covered(event, cls.match.events) for event in counted.classes_claiming)
    )
