"""Which ways in a stack has besides OTLP, and what each admits. All are off unless the stack names them."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from infra.model import Model
from infra.policy.destinations import Destination
from infra.problems import Refused

Reference = Annotated[str, Field(pattern=r"^(/.+|\$\{env:[A-Za-z_][A-Za-z0-9_]*\})$")]
"""A file's absolute path, or `${env:NAME}` for a variable that holds the PEM text itself."""
Origin = Annotated[
    str, Field(pattern=r"^(https://[a-z0-9-]+(\.[a-z0-9-]+)+|http://(localhost|127\.0\.0\.1))(:[0-9]{1,5})?$")
]
"""One origin, spelled out: a wildcard is none, and only a developer's own machine goes without TLS."""
Header = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
SecurityGroup = Annotated[str, Field(pattern=r"^sg-([0-9a-f]{8}|[0-9a-f]{17})$")]
ServiceName = Annotated[str, Field(pattern=r"^[a-z][a-z-]{1,40}$")]


class Tls(Model):
    """A certificate of the collector's own, for the hop behind the load balancer or where there is none."""

    certificate: Reference
    """The certificate and what it needs to be trusted."""
    key: Reference
    client_authority: Annotated[str, Field(pattern=r"^/.+$")] | None = None
    """File of the authority whose certificates clients must show; without it clients show none."""


class LogFiles(Model):
    """Files that hold what containers or services print: for an agent beside them, on a laptop or an EC2 host."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
    """Names the receiver, and with it its counters and its place in the offsets."""
    service: ServiceName
    """What `service.name` the files' records have."""
    include: tuple[Annotated[str, Field(pattern=r"^(/|\$\{env:[A-Za-z_][A-Za-z0-9_]*\}/).+$")], ...] = Field(
        min_length=1
    )
    """Patterns of paths; `*` and `**` are understood."""
    exclude: tuple[str, ...] = ()
    """Patterns of paths that are left out of the first."""
    format: Literal["lines", "docker", "containerd", "crio"]
    """lines: as printed; the others: as that container runtime wraps each line."""


class Fluent(Model):
    """The Fluent Forward protocol, which ECS FireLens speaks. It knows neither TLS nor a password here."""

    endpoint: str = "0.0.0.0:24224"


class Browser(Model):
    """OTLP/HTTP from web pages, by way of a proxy that limits their rate."""

    endpoint: str = "0.0.0.0:4319"
    origins: tuple[Origin, ...] = Field(min_length=1)
    """The pages that may send (CORS)."""
    headers: tuple[Header, ...] = ("content-type", "content-encoding")
    """Request headers that pages may set beyond those that every page may (CORS)."""
    services: tuple[ServiceName, ...] = Field(min_length=1)
    """What a page may call itself in `service.name`; the first stands in for anything else."""
    body_bytes: Annotated[int, Field(ge=1024, le=1_048_576)] = 65_536
    """Largest request (bytes, uncompressed); a page that closes can send 64 KiB (Fetch standard, keepalive)."""
    proxy_security_group_ids: tuple[SecurityGroup, ...] = Field(min_length=1)
    """Security groups of the proxies through which pages send; nothing else reaches this port."""


class Traces(Model):
    """Spans, by the same OTLP door as records."""

    to: tuple[Destination, ...] = Field(min_length=1)
    """Which of the stack's destinations they go to."""


class Receivers(Model):
    """The ways in besides plain OTLP, which is always there."""

    tls: Tls | None = None
    """For OTLP, browsers included."""
    files: tuple[LogFiles, ...] = ()
    fluent: Fluent | None = None
    browser: Browser | None = None
    traces: Traces | None = None

    @model_validator(mode="after")
    def _names_are_different(self) -> Self:
        names = [item.name for item in self.files]
        if twice := {name for name in names if names.count(name) > 1}:
            raise Refused(f"{', '.join(sorted(twice))} is named twice", "a name of its own for each", "files")
        return self
