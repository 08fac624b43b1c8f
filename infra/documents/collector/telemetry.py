"""What the collector says about itself: counters by component for Prometheus, its health, its own log.

Records are accounted for by the counters that every processor and exporter has (otelcol_processor_incoming_items,
otelcol_processor_outgoing_items, otelcol_exporter_sent_log_records), whose component ids name class and rule. The
count connector is not used: it gives a count the records' own times, and deltatocumulative then drops every count
whose record is older than one already counted (v0.158, counter.go getTimestamps and delta.go Aggregate).
"""

from collections.abc import Mapping
from typing import Any

from infra.settings import Listen


def telemetry(base: Mapping[str, Any], listen: Listen) -> dict[str, Any]:
    """Return service.telemetry: metrics to be scraped at the metrics address, names without suffixes."""
    reader = {
        "host": listen.metrics_host,
        "port": listen.metrics_port,
        "without_scope_info": True,
        "without_type_suffix": True,
        "without_units": True,
    }
    metrics = {**base["metrics"], "readers": [{"pull": {"exporter": {"prometheus": reader}}}]}
    return {"logs": base["logs"], "metrics": metrics}


def health(listen: Listen) -> dict[str, Any]:
    """Return the extension that the load balancer asks whether the collector runs."""
    return {"endpoint": listen.health}
