"""The demo's sinks that are no OTLP intake and not AWS's: a real Loki for `local`, a syslog double for `loggly`."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.policy.destinations import Destination
from infra.secrets import SecretEntry
from sandbox import loki
from sandbox.demo.arrivals import CLASS, Arrived
from sandbox.demo.traffic import UID
from sandbox.doubles.syslog_tls import SyslogTls, certificate
from sandbox.ports import free_ports
from sandbox.tools.locate import locate


@dataclass(frozen=True)
class LaptopSinks:
    """Those that run, by what the collector must be told to find them."""

    variables: Mapping[str, str]
    loki: str | None
    loggly: SyslogTls | None

    def arrived(self) -> list[Arrived]:
        """Return every record that they hold."""
        found = [_from_loki(item) for item in loki.records(self.loki)] if self.loki else []
        return [*found, *(_from_loggly(item.message) for item in (self.loggly.messages if self.loggly else ()))]


@contextmanager
def running_laptop_sinks(
    destinations: Collection[Destination], keys: Mapping[SecretEntry, str], directory: Path, say: Callable[[str], None]
) -> Iterator[LaptopSinks]:
    """Run what `destinations` need until the block ends. Raises ToolMissingError when Loki is needed and not there."""
    variables: dict[str, str] = {}
    url: str | None = None
    syslog: SyslogTls | None = None
    with ExitStack() as stack:
        if Destination.LOCAL in destinations:
            say("starting Loki")
            url = stack.enter_context(loki.running_loki(locate("loki", tell=say), _made(directory / "loki")))
            variables |= {"SANDBOX_LOKI": url}
        if Destination.LOGGLY in destinations:
            token = next(value for entry, value in keys.items() if entry.needed_by is Destination.LOGGLY)
            pem = certificate(_made(directory / "loggly"))
            syslog = stack.enter_context(SyslogTls(token, pem))
            host, port = syslog.address.split(":")
            variables |= {"SANDBOX_LOGGLY_HOST": host, "SANDBOX_LOGGLY_PORT": port, "SSL_CERT_FILE": str(pem)}
            variables |= {"SANDBOX_LOGGLY_HOP": f"127.0.0.1:{free_ports(1)[0]}"}
        yield LaptopSinks(variables, url, syslog)


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _from_loki(item: loki.LokiRecord) -> Arrived:
    named = {**item.metadata, **item.labels}
    cls, uid = named.get(CLASS.replace(".", "_"), ""), named.get(UID.replace(".", "_"), "")
    return Arrived("local", "Loki", cls, uid, item.line, json.dumps([item.line, named], ensure_ascii=False))


def _from_loggly(message: str) -> Arrived:
    shown = json.loads(message)
    return Arrived(
        "loggly", "syslog", str(shown.get(CLASS, "")), str(shown.get(UID, "")), str(shown.get("message", "")), message
    )
