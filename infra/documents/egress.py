"""Where the collectors may connect to, as data."""

from dataclasses import dataclass

from infra.policy.destinations import Destination
from infra.settings import Network

HTTPS = 443
SYSLOG_TLS = 6514
ANYWHERE = "0.0.0.0/0"
"""Intakes and AWS's own addresses change; what is sent, and as whom, is what is restricted (roles, secrets)."""


@dataclass(frozen=True)
class OpenPort:
    """A port that collectors may reach anywhere."""

    name: str
    port: int
    reason: str


def open_ports(network: Network, destinations: tuple[Destination, ...]) -> tuple[OpenPort, ...]:
    """Return the ports that are open to every address; none where the stack has no egress but VPC endpoints."""
    if not network.saas_egress:
        return ()
    syslog = OpenPort("syslog", SYSLOG_TLS, "Loggly takes syslog over TLS")
    https = OpenPort("https", HTTPS, "AWS APIs and intakes outside AWS")
    return (https, syslog) if Destination.LOGGLY in destinations else (https,)
