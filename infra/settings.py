"""A stack's settings: everything that differs between stacks and is not policy, as one frozen model.

Secrets never pass through here; see infra/secrets.py.
"""

import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.model import Environment, Model
from infra.policy.destinations import Destination
from infra.problems import Refused
from infra.settings_alerting import Alerting
from infra.settings_datadog import Datadog
from infra.settings_export import NightlyExport
from infra.settings_receivers import Receivers

AccountId = Annotated[str, Field(pattern=r"^[0-9]{12}$")]
Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
Principal = Annotated[
    str,
    Field(pattern=r"^arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:(role|user)/[A-Za-z0-9_+=,.@/:-]+$"),
]
"""One stated principal: a wildcard or a whole account is not one."""
FARGATE_MEMORY_MIB = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4097, 1024)),
    1024: tuple(range(2048, 8193, 1024)),
    2048: tuple(range(4096, 16385, 1024)),
    4096: tuple(range(8192, 30721, 1024)),
}
"""Memory (MiB) that Fargate offers for each CPU size (Amazon ECS, task definition parameters for Fargate)."""


class Aws(Model):
    """Where the stack lives. The provider refuses any other account."""

    account_id: AccountId
    region: Region
    partition: Literal["aws", "aws-us-gov", "aws-cn"] = "aws"


class VpcEndpoints(Model):
    """Interface and gateway endpoints for egress without the internet; the image then comes from an ECR mirror.

    Their private DNS makes them the whole VPC's way to these services, so such a stack needs a VPC of its own.
    """

    route_table_ids: tuple[str, ...] = Field(min_length=1)


class Network(Model):
    """The VPC that the collector joins; this program creates none."""

    vpc_id: Annotated[str, Field(pattern=r"^vpc-([0-9a-f]{8}|[0-9a-f]{17})$")]
    subnet_ids: tuple[Annotated[str, Field(pattern=r"^subnet-([0-9a-f]{8}|[0-9a-f]{17})$")], ...] = Field(min_length=1)
    """Private subnets, one in each availability zone."""
    client_security_group_ids: tuple[Annotated[str, Field(pattern=r"^sg-([0-9a-f]{8}|[0-9a-f]{17})$")], ...] = Field(
        min_length=1
    )
    """Security groups of the applications that may send logs."""
    certificate_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:acm:.+:certificate/.+$")] | None = None
    """Certificate of the TLS listeners; without one the listeners are plain TCP."""
    dns_name: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")] | None = None
    """Name on that certificate that applications use; the load balancer's own name when absent."""
    vpc_endpoints: VpcEndpoints | None = None
    saas_egress: bool = True
    """Whether the subnets have a route to destinations outside AWS."""


class Image(Model):
    """The collector's image, pinned by digest; the version is what the tests ran."""

    repository: Annotated[str, Field(pattern=r"^[a-z0-9./_-]+$")] = "otel/opentelemetry-collector-contrib"
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]

    @property
    def reference(self) -> str:
        """Return repository:version@digest."""
        return f"{self.repository}:{self.version}@{self.digest}"


class Tasks(Model):
    """How many collectors run."""

    minimum: Annotated[int, Field(ge=1)]
    maximum: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.maximum < self.minimum:
            raise Refused("maximum is below minimum", "maximum >= minimum", "maximum")
        return self


class Scaling(Model):
    """When more collectors run, between the stack's minimum and maximum."""

    cpu_percent: Annotated[int, Field(ge=10, le=90)] = 60
    """Average CPU utilisation that the number of collectors is steered to."""
    memory_percent: Annotated[int, Field(ge=10, le=90)] = 60
    """Average memory utilisation that the number of collectors is steered to."""
    scale_in: bool = False
    """Whether collectors are also taken away again; one that goes takes its volume and what is still queued with it."""


class Queue(Model):
    """What a sink's outage may cost in disk."""

    volume_gib: Annotated[int, Field(ge=1, le=16384)]
    """Size (GiB) of the volume that holds the queues."""
    outage_hours: Annotated[float, Field(gt=0)]
    """Hours of outage each sink's queues must hold."""
    bytes_per_second: Annotated[int, Field(ge=1)]
    """Sustained volume (bytes/s, uncompressed) that a single collector is sized for."""
    fsync: bool

    @property
    def bytes_per_sink(self) -> int:
        """Return the bytes that come in for one sink during such an outage."""
        return int(self.outage_hours * 3600 * self.bytes_per_second)


class Listen(Model):
    """Where the collector listens; a task of its own has every address to itself, a laptop has not."""

    grpc: str = "0.0.0.0:4317"
    http: str = "0.0.0.0:4318"
    health: str = "0.0.0.0:13133"
    loopback: Annotated[str, Field(pattern=r"^(127\.0\.0\.1:[0-9]+|\$\{env:[A-Z0-9_]+\})$")] = "127.0.0.1:4319"
    """Where the collector sends back to itself what a sink could not take; nobody else may reach it."""
    loggly: Annotated[str, Field(pattern=r"^(127\.0\.0\.1:[0-9]+|\$\{env:[A-Z0-9_]+\})$")] = "127.0.0.1:4320"
    """Where the collector hands itself what goes to Loggly; nobody else may reach it."""
    metrics_host: str = "127.0.0.1"
    metrics_port: int | str = 8888
    """A port number, or a reference such as ${env:NAME} that the collector resolves."""
    counts_port: int | str = 8889
    """Port, beside the metrics port, of the page that serves records counted by class and reason."""


class Collector(Model):
    """The collector's size and how it is reached."""

    image: Image
    cpu: int
    """ECS CPU units; 1024 are one vCPU."""
    memory_mib: int
    tasks: Tasks
    scaling: Scaling = Scaling()
    queue: Queue
    listen: Listen = Listen()
    own_metrics_seconds: Annotated[int, Field(ge=1, le=300)] = 60
    """How often (s) the collector's own metrics are sent to CloudWatch and Datadog."""
    counted_by_class: tuple[Literal["accepted", "kept"], ...] = ()
    """Which records are also counted one by one, by class, beside those in quarantine; 1 to 2 µs of CPU a record each."""
    data_directory: str = "/var/lib/otelcol"
    """Directory of the queues inside the container."""
    log_retention_days: Annotated[int, Field(ge=1)] = 30
    """Hot retention (days) of the collector's own log group."""

    @model_validator(mode="after")
    def _fargate_offers_it(self) -> Self:
        if self.cpu not in FARGATE_MEMORY_MIB:
            raise Refused("not a Fargate CPU size", ", ".join(map(str, FARGATE_MEMORY_MIB)), "cpu")
        if self.memory_mib not in (allowed := FARGATE_MEMORY_MIB[self.cpu]):
            raise Refused(
                f"not a Fargate memory size for {self.cpu} CPU units", ", ".join(map(str, allowed)), "memory_mib"
            )
        return self


class Trust(Model):
    """Who may take a reader group's role: a SAML identity provider or stated principals."""

    saml_provider_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:saml-provider/.+$")] | None = None
    principals: tuple[Principal, ...] = ()
    """Roles or users; AWS ends the session of a role that was taken from another role after one hour."""

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.principals and not self.saml_provider_arn:
            raise Refused("nobody is trusted", "saml_provider_arn, principals or both")
        return self


class Access(Model):
    """People and pipelines, each in one role only."""

    deployers: tuple[Principal, ...] = Field(min_length=1)
    """Roles that run `pulumi up`; they can neither read records nor administer keys beyond what deploying needs."""
    key_administrators: tuple[Principal, ...] = Field(min_length=1)
    """Roles that administer the keys and cannot use them."""
    secret_operators: tuple[Principal, ...] = ()
    """Roles that put secret values where credentials_from is operator; they cannot read one back."""
    archive_keepers: tuple[Principal, ...] = ()
    """Who may take the keepers' role, which places and lifts legal holds, extends locks and certifies expiry; without
    them there is none, and nobody can."""
    erasers: tuple[Principal, ...] = ()
    """Roles that may take the role that erases one person's records; without them that role does not exist."""
    readers: dict[str, Trust]
    """Who may take each reader group's role."""

    @model_validator(mode="after")
    def _duties_are_separate(self) -> Self:
        readers = {arn for trust in self.readers.values() for arn in trust.principals}
        for this, that, both in (
            ("deployers", "key_administrators", set(self.deployers) & set(self.key_administrators)),
            ("deployers", "readers", set(self.deployers) & readers),
            ("key_administrators", "readers", set(self.key_administrators) & readers),
            ("secret_operators", "deployers", set(self.secret_operators) & set(self.deployers)),
            ("secret_operators", "key_administrators", set(self.secret_operators) & set(self.key_administrators)),
            ("secret_operators", "readers", set(self.secret_operators) & readers),
            ("archive_keepers", "deployers", set(self.archive_keepers) & set(self.deployers)),
            ("archive_keepers", "key_administrators", set(self.archive_keepers) & set(self.key_administrators)),
            ("erasers", "deployers", set(self.erasers) & set(self.deployers)),
            ("erasers", "key_administrators", set(self.erasers) & set(self.key_administrators)),
            ("erasers", "secret_operators", set(self.erasers) & set(self.secret_operators)),
            ("erasers", "archive_keepers", set(self.erasers) & set(self.archive_keepers)),
        ):
            if both:
                raise Refused(
                    f"{', '.join(sorted(both))} is among both {this} and {that}",
                    "different principals for each duty",
                    this,
                )
        return self


class Replica(Model):
    """A second bucket in another region that every archive is copied to."""

    region: Region


class Endpoints(Model):
    """Where a double stands in for a service, as a base address; absent means the service itself."""

    cloudwatch_logs: str | None = None
    cloudwatch_metrics: str | None = None
    s3: str | None = None
    datadog: str | None = None
    datadog_metrics: str | None = None
    elastic: str | None = None
    newrelic: str | None = None
    loki: str | None = None
    loggly: str | None = None


class Adopt(Model):
    """Existing resources that the program takes over instead of creating, by class name."""

    log_groups: dict[str, str] = Field(default_factory=dict)
    """Class to the name of its existing log group."""
    buckets: dict[str, str] = Field(default_factory=dict)
    """Class to the name of its existing bucket."""
    bucket_prefixes: dict[str, tuple[Annotated[str, Field(pattern=r"^[^/].*/$")], ...]] = Field(default_factory=dict)
    """Class to the prefixes below which its adopted bucket holds older records: they expire like the class's own, and
    what lies below no prefix stays for good."""


class Settings(Model):
    """One stack."""

    environment: Environment
    destinations: tuple[Destination, ...] = Field(min_length=1)
    aws: Aws
    network: Network
    collector: Collector
    receivers: Receivers = Receivers()
    access: Access
    alerting: Alerting
    nightly_export: NightlyExport = NightlyExport()
    replica: Replica | None = None
    audit_reads: bool
    """Whether CloudTrail data events record reads of the audited classes' archives."""
    secret_recovery_days: Annotated[int, Field(ge=0, le=30)]
    """Days in which a deleted secret can be restored; 0, or 7 to 30."""
    credentials_from: Literal["operator", "config"]
    """operator: values arrive by put-secret-value; config: from this stack's encrypted config."""
    pepper_epochs: dict[Annotated[str, Field(pattern=r"^[a-z0-9]{2,16}$")], datetime.date] = Field(default_factory=dict)
    """Earlier peppers that are kept, one secret each, to the last day (UTC) that pseudonyms were made under it."""
    datadog_site: str = "datadoghq.com"
    datadog: Datadog = Datadog()
    newrelic_region: Literal["us", "eu"] = "us"
    elastic_endpoint: str | None = None
    endpoints: Endpoints = Endpoints()
    adopt: Adopt = Adopt()
    teardown_confirmed: Environment | None = None
    """Set to the stack's own environment to lift every deletion protection before `pulumi destroy`."""
