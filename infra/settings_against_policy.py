"""Whether one stack's settings keep to the policy: floors, reader groups, destinations, sizes. Pure."""

from collections.abc import Iterator

from infra.alerting_against_policy import alerting_problems
from infra.documents.bucket_policy import REGISTER
from infra.documents.lifecycle import PROOFS, RECORDS
from infra.model import Environment
from infra.policy import Policy
from infra.policy.alerts import Kind
from infra.policy.data_classes import CLOUDWATCH_RETENTION_DAYS
from infra.policy.destinations import Destination
from infra.problems import Problem
from infra.settings import Settings
from infra.sinks import disk_bytes, sinks

TESTED_COLLECTOR_VERSION = "0.158.0"
"""The version that the tests run; production runs the same."""
GIB = 1024**3
SAAS = (Destination.DATADOG, Destination.ELASTIC, Destination.NEWRELIC, Destination.LOGGLY)


def problems_with(settings: Settings, policy: Policy, file: str) -> list[Problem]:
    """Return everything in `settings` that the policy does not allow, for the stack whose settings are in `file`."""
    found = [
        *_floors(settings, policy),
        *_readers(settings, policy),
        *_secrets(settings),
        *_destinations(settings, policy),
        *_collector(settings, policy),
        *_egress(settings),
        *_traces(settings, policy),
        *_names(settings, policy),
        *alerting_problems(settings, policy),
    ]
    ours = [Problem(file, f"tinybeans-logging:{key}", wrong, allowed) for key, wrong, allowed in found]
    return [*ours, *_windows(settings, policy)]


Found = Iterator[tuple[str, str, str]]


def _floors(settings: Settings, policy: Policy) -> Found:
    floor = policy.data_classes.environments.at(settings.environment)
    weaker = f"weaker than policy asks of {settings.environment}"
    queue = settings.collector.queue
    if settings.collector.tasks.minimum < floor.minimum_tasks:
        yield "collector.tasks.minimum", weaker, f"at least {floor.minimum_tasks}"
    if len(settings.network.subnet_ids) < floor.minimum_zones:
        yield "network.subnet_ids", weaker, f"subnets in at least {floor.minimum_zones} zones"
    if floor.tls_listeners and settings.network.certificate_arn is None:
        yield "network.certificate_arn", weaker, "a certificate: listeners are TLS"
    browser = settings.receivers.browser
    if floor.tls_listeners and browser and any(origin.startswith("http:") for origin in browser.origins):
        yield "receivers.browser.origins", weaker, "pages that come by https"
    if settings.secret_recovery_days < floor.secret_recovery_days:
        yield "secret_recovery_days", weaker, f"at least {floor.secret_recovery_days}"
    if settings.secret_recovery_days in range(1, 7):
        yield "secret_recovery_days", "not a recovery window that Secrets Manager offers", "0, or 7 to 30"
    if floor.audit_reads and not settings.audit_reads:
        yield "audit_reads", weaker, "true"
    if queue.outage_hours < floor.outage_hours:
        yield "collector.queue.outage_hours", weaker, f"at least {floor.outage_hours}"
    if floor.fsync and not queue.fsync:
        yield "collector.queue.fsync", weaker, "true"
    if settings.teardown_confirmed not in (None, settings.environment):
        yield "teardown_confirmed", "names another environment than this stack's", f"{settings.environment}, or absent"


def _readers(settings: Settings, policy: Policy) -> Found:
    groups = policy.data_classes.reader_groups
    for group in groups:
        if group not in settings.access.readers:
            yield (
                f"access.readers.{group}",
                "nobody is named for this reader group",
                "saml_provider_arn, principals or both",
            )
    for group in settings.access.readers:
        if group not in groups:
            yield f"access.readers.{group}", "the policy knows no such reader group", ", ".join(groups)


def _secrets(settings: Settings) -> Found:
    if settings.credentials_from == "operator" and not settings.access.secret_operators:
        yield "access.secret_operators", "nobody may put a secret's value", "the roles that run put-secret-value"


def _destinations(settings: Settings, policy: Policy) -> Found:
    for destination in settings.destinations:
        if not any(destination in cls.destinations for cls in policy.data_classes.classes.values()):
            allowed = sorted({str(name) for cls in policy.data_classes.classes.values() for name in cls.destinations})
            yield "destinations", f"no class may go to {destination}", ", ".join(allowed)
    if Destination.ELASTIC in settings.destinations and not (settings.elastic_endpoint or settings.endpoints.elastic):
        yield (
            "elastic_endpoint",
            "the destination elastic needs its endpoint",
            "the https:// address of the OTLP intake",
        )
    if Destination.LOCAL in settings.destinations and not settings.endpoints.loki:
        yield "endpoints.loki", "the destination local needs Loki's address", "for example http://127.0.0.1:3100"
    if Destination.LOCAL in settings.destinations and settings.environment in (Environment.STAGING, Environment.PROD):
        yield "destinations", "local is for laptops", "cloudwatch, datadog, elastic, newrelic, loggly"


def _collector(settings: Settings, policy: Policy) -> Found:
    collector = settings.collector
    if collector.image.version != TESTED_COLLECTOR_VERSION:
        yield "collector.image.version", "not the version that the tests run", TESTED_COLLECTOR_VERSION
    if collector.log_retention_days not in CLOUDWATCH_RETENTION_DAYS:
        yield (
            "collector.log_retention_days",
            "not a retention that CloudWatch Logs accepts",
            ", ".join(map(str, CLOUDWATCH_RETENTION_DAYS)),
        )
    # Every sink's queues and spill can be full at once, the archive's too.
    wanted = disk_bytes(settings, policy.data_classes)
    if wanted > collector.queue.volume_gib * GIB:
        yield (
            "collector.queue.volume_gib",
            f"full queues and spills of {len(sinks(settings))} sinks do not fit the volume",
            f"at least {-(-wanted // GIB)}, or a shorter outage",
        )


def _egress(settings: Settings) -> Found:
    network = settings.network
    outside = [name for name in settings.destinations if name in SAAS]
    if outside and not network.saas_egress:
        yield (
            "destinations",
            f"no route leads to {', '.join(outside)}",
            "network.saas_egress: true, or destinations inside AWS",
        )
    if not network.saas_egress and network.vpc_endpoints is None:
        yield (
            "network.vpc_endpoints",
            "without egress the collector reaches AWS only through endpoints",
            "route_table_ids of the subnets",
        )
    if not network.saas_egress and ".dkr.ecr." not in settings.collector.image.repository:
        yield (
            "collector.image.repository",
            "without egress the image cannot be pulled from here",
            "an ECR mirror or pull-through repository",
        )


def _traces(settings: Settings, policy: Policy) -> Found:
    allowed = [name for name in policy.data_classes.spans.destinations if name in settings.destinations]
    for name in settings.receivers.traces.to if settings.receivers.traces else ():
        if name not in allowed:
            yield "receivers.traces.to", f"spans do not go to {name} from here", ", ".join(allowed) or "no traces"


def _names(settings: Settings, policy: Policy) -> Found:
    classes = policy.data_classes.classes
    for kind, adopted in (("log_groups", settings.adopt.log_groups), ("buckets", settings.adopt.buckets)):
        for name in adopted:
            if name not in classes:
                yield f"adopt.{kind}.{name}", "the policy knows no such class", ", ".join(classes)
    for name, prefixes in settings.adopt.bucket_prefixes.items():
        if name not in settings.adopt.buckets:
            yield f"adopt.bucket_prefixes.{name}", "no bucket is adopted for this class", "a class of adopt.buckets"
        for prefix in prefixes:
            if prefix.startswith((*RECORDS, *PROOFS, REGISTER)):
                yield f"adopt.bucket_prefixes.{name}", f"{prefix} is the program's own", "prefixes of older records"
    if settings.replica and settings.replica.region == settings.aws.region:
        yield "replica.region", "a copy in the same region survives nothing", "another region"


def _windows(settings: Settings, policy: Policy) -> Iterator[Problem]:
    """Yield a problem for each alert whose window holds fewer than two scrapes: it could never see anything change."""
    least = 2 * settings.collector.own_metrics_seconds
    for name, alert in policy.alerts.alerts.items():
        window = getattr(alert.condition, "window_seconds", None)
        if alert.kind is Kind.COLLECTOR and window is not None and window < least:
            key = f"alerts.{name}.condition.window_seconds"
            why = f"can never fire: shorter than two scrapes of {settings.collector.own_metrics_seconds} s"
            yield Problem("policy/alerts.yaml", key, why, f"at least {least}, or a lower collector.own_metrics_seconds")
