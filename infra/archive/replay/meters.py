"""What a collector in replay mode says about itself: what it let through, refused, sent on and still holds."""

import http.client
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

_SAMPLE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_BACK_INTO_ITSELF = ("otlp_http/hop-", "otlp_http/spill-", "syslog/")
"""Exporters whose records are counted again at the end of their way; Loggly's are counted before its last stretch."""


@dataclass
class Meters:
    """Records since the collector was started."""

    accepted: int = 0
    passed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By reason."""
    sent: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    """Records in attempts that the sink refused, by what it answered; they were kept and tried again."""
    waiting: int = 0
    """Bytes in the queues."""

    @property
    def through(self) -> bool:
        """Return whether everything that was accepted was judged, and what passed has been sent."""
        judged = self.passed + sum(self.refused.values())
        return self.waiting == 0 and judged >= self.accepted and self.sent >= self.passed


def read(addresses: tuple[str, ...]) -> Meters:
    """Return what the collector's two pages say. Raises OSError when one does not answer."""
    found = Meters()
    for address in addresses:
        for name, labels, value in _samples(_page(address)):
            _count(found, name, labels, value)
    return found


def _count(found: Meters, name: str, labels: dict[str, str], value: int) -> None:
    own = labels.get("exporter", "").startswith(_BACK_INTO_ITSELF)
    match name:
        case "tinybeans_records_accepted":
            found.accepted += value
        case "tinybeans_records_kept":
            found.passed += value
        case "tinybeans_records_quarantined":
            found.refused[labels.get("reason", "unknown")] += value
        case "otelcol_exporter_sent_log_records" if not own:
            found.sent += value
        case "otelcol_exporter_send_failed_log_records" if not own and value:
            found.failures[labels.get("error_type", "unknown")] += value
        case "otelcol_exporter_queue_size" if labels.get("data_type", "logs") == "logs":
            found.waiting += value


def _samples(page: str) -> Iterator[tuple[str, dict[str, str], int]]:
    for line in page.splitlines():
        if not line.startswith("#") and (found := _SAMPLE.match(line)):
            yield found[1], dict(_LABEL.findall(found[2] or "")), int(float(found[3]))


def _page(address: str) -> str:
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
