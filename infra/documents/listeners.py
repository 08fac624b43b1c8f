"""What the load balancer listens to and where it sends it, as data: TLS wherever the stack has a certificate."""

from dataclasses import dataclass

from infra.settings import Listen, Network

STANDARD_PORTS = {"grpc": 4317, "http": 4318, "health": 13133}
"""Ports of a task whose settings leave the address to the collector's environment (`${env:NAME}`)."""
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
"""TLS 1.3, or 1.2 with forward secrecy and authenticated encryption only (Elastic Load Balancing, security policies)."""
ALPN = {"grpc": "HTTP2Only", "http": "HTTP1Only"}
"""What the listener negotiates: a gRPC client refuses a connection on which HTTP/2 was not agreed."""


@dataclass(frozen=True)
class ListenerSpec:
    """One listener and the hop behind it."""

    name: str
    port: int
    protocol: str
    certificate_arn: str | None
    ssl_policy: str | None
    alpn_policy: str | None
    target_protocol: str
    """Protocol of the hop to the tasks. TCP behind a TLS listener is an exception in policy/exceptions.yaml."""

    @property
    def scheme(self) -> str:
        """Return the scheme of the URL that applications use."""
        return "https" if self.protocol == "TLS" else "http"


@dataclass(frozen=True)
class Ports:
    """The ports of one task."""

    grpc: int
    http: int
    health: int


def ports(listen: Listen) -> Ports:
    """Return the ports in `listen`; the standard one where an address is a reference that the collector resolves."""
    return Ports(
        grpc=_port(listen.grpc, STANDARD_PORTS["grpc"]),
        http=_port(listen.http, STANDARD_PORTS["http"]),
        health=_port(listen.health, STANDARD_PORTS["health"]),
    )


def listener_specs(network: Network, listen: Listen) -> tuple[ListenerSpec, ...]:
    """Return the listeners for gRPC and HTTP.

    With a certificate they are TLS and agree on the protocol by ALPN; without one they are plain TCP. Either way
    the hop to the tasks is TCP: the load balancer would not verify a certificate of the task's own, and what it
    carries stays between two security groups in the private subnets.
    """
    at = ports(listen)
    tls = network.certificate_arn is not None
    return tuple(
        ListenerSpec(
            name=name,
            port=port,
            protocol="TLS" if tls else "TCP",
            certificate_arn=network.certificate_arn,
            ssl_policy=TLS_POLICY if tls else None,
            alpn_policy=ALPN[name] if tls else None,
            target_protocol="TCP",
        )
        for name, port in (("grpc", at.grpc), ("http", at.http))
    )


def _port(address: str, standard: int) -> int:
    _, _, port = address.rpartition(":")
    return int(port) if port.isdigit() else standard
