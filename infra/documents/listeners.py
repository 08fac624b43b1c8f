"""What the load balancer listens to and where it sends it, as data: TLS wherever the stack has a certificate."""

from dataclasses import dataclass

from infra.settings import Listen, Network
from infra.settings_receivers import Receivers

STANDARD_PORTS = {"grpc": 4317, "http": 4318, "health": 13133, "fluent": 24224, "browser": 4319}
"""Ports of a task whose settings leave the address to the collector's environment (`${env:NAME}`)."""
OTLP_ALONE = Receivers()
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
"""TLS 1.3, or 1.2 with forward secrecy and authenticated encryption only (Elastic Load Balancing, security policies)."""
ALPN = {"grpc": "HTTP2Only", "http": "HTTP1Only", "browser": "HTTP1Only"}
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


def client_ports(listen: Listen, receivers: Receivers) -> dict[str, int]:
    """Return what clients connect to, by name: OTLP always, Fluent Forward and web pages where the stack has them."""
    at = ports(listen)
    found = {"grpc": at.grpc, "http": at.http}
    if receivers.fluent:
        found["fluent"] = _port(receivers.fluent.endpoint, STANDARD_PORTS["fluent"])
    if receivers.browser:
        found["browser"] = _port(receivers.browser.endpoint, STANDARD_PORTS["browser"])
    return found


def client_groups(network: Network, receivers: Receivers, service: str) -> list[str]:
    """Return the security groups that may connect to `service`: proxies for web pages, applications for the rest."""
    if service == "browser" and receivers.browser:
        return sorted(set(receivers.browser.proxy_security_group_ids))
    return sorted(set(network.client_security_group_ids))


def listener_specs(network: Network, listen: Listen, receivers: Receivers = OTLP_ALONE) -> tuple[ListenerSpec, ...]:
    """Return a listener for each port that clients connect to.

    With a certificate they are TLS and agree on the protocol by ALPN; without one they are plain TCP. The hop to the
    tasks is TCP unless the collector has a certificate of its own: the load balancer would not verify it, and what it
    carries stays between two security groups in the private subnets. Fluent Forward's hop is always TCP.
    """
    tls = network.certificate_arn is not None
    return tuple(
        ListenerSpec(
            name=name,
            port=port,
            protocol="TLS" if tls else "TCP",
            certificate_arn=network.certificate_arn,
            ssl_policy=TLS_POLICY if tls else None,
            alpn_policy=ALPN.get(name) if tls else None,
            target_protocol="TLS" if tls and receivers.tls and name != "fluent" else "TCP",
        )
        for name, port in client_ports(listen, receivers).items()
    )


def _port(address: str, standard: int) -> int:
    _, _, port = address.rpartition(":")
    return int(port) if port.isdigit() else standard
