"""The demo waits for what reached a sink: a record on its way back into the collector has not arrived yet."""

from sandbox.demo.counters import settled

ALLOWED = {"audit": ("archive", "cloudwatch")}
KEPT = "".join(
    f'otelcol_processor_{end}_items{{processor="attributes/audit",otel_signal="logs"}} 2\n'
    for end in ("incoming", "outgoing")
)
QUEUE = 'otelcol_exporter_queue_size{exporter="otlp_http/hop-archive-audit",data_type="logs"} 0\n'


def page(**sent: int) -> str:
    names = {"cloudwatch": "otlp_http/cloudwatch-audit", "hop": "otlp_http/hop-archive-audit"} | {
        "archive": "awss3/archive-audit",
        "spill": "otlp_http/spill-cloudwatch",
    }
    rows = [f'otelcol_exporter_sent_log_records{{exporter="{names[key]}"}} {count}\n' for key, count in sent.items()]
    failed = 'otelcol_exporter_send_failed_log_records{exporter="awss3/archive-audit"} 8\n'
    return KEPT + QUEUE + "".join(rows) + failed


def test_what_a_hop_or_a_spill_sent_or_a_retried_exporter_failed_to_send_has_not_arrived() -> None:
    pages = [page(cloudwatch=2, hop=2, spill=2), page(cloudwatch=2, hop=2, spill=2, archive=2)]
    last = pages[-1]
    assert settled(lambda: pages.pop(0), ALLOWED, 2, 30) == last
