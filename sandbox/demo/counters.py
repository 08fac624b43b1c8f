"""The collector's own counters as accounts of records: how many came to each class, were dropped, kept and sent.

Component ids name class and rule (infra/documents/collector), so that the counters every component has are enough.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping

from prometheus_client.parser import text_string_to_metric_families

from sandbox.demo.accounting import Counted

INCOMING, OUTGOING = "otelcol_processor_incoming_items", "otelcol_processor_outgoing_items"
SENT, FAILED = "otelcol_exporter_sent_log_records", "otelcol_exporter_send_failed_log_records"
QUEUE = "otelcol_exporter_queue_size"
HOP, SPILL, LOGGLY, METER = "otlp_http/hop-", "otlp_http/spill-", "syslog/", "debug/"
"""Exporters that send back into the collector (what they sent is still on its way, or counted at its end), and those
that only count what passes."""
FINISH, SAMPLER, FILTER, WITHHOLD = "attributes/", "probabilistic_sampler/", "filter/", "transform/withhold"
POLL_SECONDS = 0.25

Page = Mapping[str, Mapping[str, int]]
"""Metric name to component id to value, over all log pipelines."""


def parsed(text: str) -> Page:
    """Return the log counters in `text`, Prometheus' text format."""
    page: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for family in text_string_to_metric_families(text):  # which adds _total to the name of each counter
        for sample in family.samples:
            labels = sample.labels
            if labels.get("otel_signal", labels.get("data_type", "logs")) == "logs":
                page[sample.name.removesuffix("_total")][labels.get("processor") or labels.get("exporter") or ""] += (
                    int(sample.value)
                )
    return page


def counted(page: Page) -> Counted:
    """Return what the collector did with records, by class."""
    incoming, outgoing = page.get(INCOMING, {}), page.get(OUTGOING, {})
    kept = _by_suffix(outgoing, FINISH)
    dropped: dict[tuple[str, str], int] = {}
    for name, count in _by_suffix(incoming, SAMPLER).items():
        cls, _, rule = name.partition("-")
        dropped[cls, rule] = count - outgoing.get(SAMPLER + name, 0)
    classified = {
        cls: count + sum(lost for (of, _), lost in dropped.items() if of == cls)
        for cls, count in _by_suffix(incoming, FINISH).items()
    }
    unclassified = {
        name: count - outgoing.get(FILTER + name, 0) for name, count in _by_suffix(incoming, FILTER).items()
    }
    return Counted(classified, kept, dropped, incoming.get(WITHHOLD, 0), unclassified)


def settled(fetch: Callable[[], str], allowed: Mapping[str, Collection[str]], accepted: int, seconds: float) -> str:
    """Return the metrics page once every kept record was sent to every sink and no queue holds any; or after `seconds`.

    A page that has not settled by then is returned as it is: the sums will tell what is missing.
    """
    deadline = time.monotonic() + seconds
    while True:
        text = fetch()
        if _complete(parsed(text), allowed, accepted) or time.monotonic() > deadline:
            return text
        time.sleep(POLL_SECONDS)


def _complete(page: Page, allowed: Mapping[str, Collection[str]], accepted: int) -> bool:
    did = counted(page)
    if sum(did.classified.values()) + sum(did.dropped_unclassified.values()) + did.quarantined < accepted:
        return False
    copies = sum(did.kept.get(cls, 0) * len(sinks) for cls, sinks in allowed.items())
    quarantine_sinks = sum(name.endswith("-quarantine") for name in page.get(QUEUE, {}))
    sent, failed = page.get(SENT, {}), page.get(FAILED, {})
    retried = {name.removeprefix(HOP) for name in sent if name.startswith(HOP)}
    gone = sum(count for name, count in sent.items() if not name.startswith((HOP, SPILL, LOGGLY, METER))) + sum(
        count for name, count in failed.items() if name.partition("/")[2] not in retried
    )
    waiting = any(size for name, size in page.get(QUEUE, {}).items() if not name.startswith(METER))
    return gone >= copies + did.quarantined * quarantine_sinks and not waiting


def _by_suffix(values: Mapping[str, int], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): count for name, count in values.items() if name.startswith(prefix)}
