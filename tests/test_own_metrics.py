"""The collector's own metrics: that they leave, under the names that alerts ask for, and never in the way of records."""

import functools
import http.client
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from infra.documents.collector import collector_config, load_fragments
from infra.documents.collector.counts import EXPORTER as COUNTS
from infra.documents.collector.counts import counts
from infra.documents.collector.own_metrics import ALERTED, CLOUDWATCH, DATADOG
from infra.documents.collector.receive.files import FEATURE_GATES
from infra.documents.container import gate_arguments
from sandbox.doubles.otlp_metrics import datadog_metrics
from sandbox.perf import load, process
from sandbox.ports import free_ports
from tests.collector_process import environment, executable
from tests.collector_run import Run, batch, collector_run, record
from tests.collector_stack import collector
from tests.factories import ROOT, STACKS, context, policy

CLASSES = tuple(policy().data_classes.classes)
SERVICES = policy().alerts.services
FRAGMENTS = load_fragments(ROOT / "collector_configs")
SEEN = tuple(name for name in ALERTED if name != "otelcol_processor_memory_limiter_refused_log_records")
"""All but the one that takes a collector of its own, short of memory: tests/test_alerts_fire.py has it."""
NAMED = {"service.name": SERVICES[0]}
SMALL_QUEUE = 1_000_000
"""Bytes; just more than one batch."""


def config(stack: str = "prod", **overrides: Any) -> dict[str, Any]:
    return collector_config(context(stack, **overrides), FRAGMENTS)


def nested(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every key of a document with its value, at any depth."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key), item
            yield from nested(item)
    elif isinstance(value, list):
        for item in value:
            yield from nested(item)


def test_metrics_go_to_cloudwatch_signed_in_the_stacks_own_region() -> None:
    found = config()
    assert found["exporters"][CLOUDWATCH]["metrics_endpoint"] == "https://monitoring.us-east-1.amazonaws.com/v1/metrics"
    assert found["exporters"][CLOUDWATCH]["auth"] == {"authenticator": "sigv4auth/metrics"}
    assert found["extensions"]["sigv4auth/metrics"] == {"region": "us-east-1", "service": "monitoring"}


def test_datadog_gets_them_as_deltas_where_it_is_a_destination() -> None:
    found = config()
    assert found["exporters"][DATADOG]["metrics_endpoint"] == "https://otlp.datadoghq.com/v1/metrics"
    assert found["exporters"][DATADOG]["headers"] == {"dd-api-key": "${env:DATADOG_API_KEY}"}
    ways = [item for item in found["service"]["pipelines"].values() if DATADOG in item["exporters"]]
    assert [item["processors"] for item in ways] == [["cumulative_to_delta"]]
    assert DATADOG not in config(destinations="cloudwatch")["exporters"]


def test_a_laptop_sends_its_metrics_nowhere_and_serves_both_pages() -> None:
    found = config("sandbox", destinations="local", endpoints={"loki": "http://127.0.0.1:3100"})
    assert [name for name in found["exporters"] if "metrics" in name] == []
    assert found["exporters"][COUNTS]["endpoint"] == "127.0.0.1:${env:SANDBOX_COUNTS_PORT}"
    assert "prometheus/own" not in found["receivers"]


@pytest.mark.parametrize("stack", STACKS)
def test_no_metric_takes_disk_from_records_or_makes_them_wait(stack: str) -> None:
    found = config(stack)
    ends = {name for name in found["exporters"] if name.startswith(("otlp_http/metrics-", "prometheus/"))}
    assert CLOUDWATCH in ends
    for name in ends:
        queue = found["exporters"][name]["sending_queue"]
        assert "storage" not in queue
        assert queue["block_on_overflow"] is False


def test_records_are_counted_one_by_one_only_where_a_stack_asks_for_it() -> None:
    assert set(config("sandbox")["connectors"]) >= {"count/accepted", "count/kept", "count/quarantined"}
    assert {name for name in config("dev")["connectors"] if name.startswith("count/")} == {"count/quarantined"}
    assert config()["service"]["pipelines"]["logs/quarantine"]["exporters"][-1] == "count/quarantined"


def test_counts_are_added_one_after_the_other() -> None:
    assert config()["exporters"][COUNTS]["sending_queue"]["num_consumers"] == 1


def documents() -> dict[str, Any]:
    """Return every configuration and every fragment that one is made from."""
    files = sorted((ROOT / "collector_configs").rglob("*.yaml"))
    assert len(files) > 8
    return {str(path.relative_to(ROOT)): yaml.safe_load(path.read_text()) for path in files}


@pytest.mark.parametrize("name", documents())
def test_nothing_prints_whole_records(name: str) -> None:
    for key, value in nested(documents()[name]):
        if key == "verbosity":
            assert value == "basic", f"{name}: a debug exporter prints what it is given, but for their number"
        if key.split("/")[0] in ("debug", "logging"):
            assert value["verbosity"] == "basic", f"{name}: {key} prints what it is given"
        assert not (key == "level" and str(value).lower() == "debug"), f"{name}: level debug prints whole records"


@pytest.mark.parametrize("stack", STACKS)
def test_its_own_log_is_json_at_warn_and_no_option_of_the_command_line_changes_that(stack: str) -> None:
    assert config(stack)["service"]["telemetry"]["logs"] == {"level": "warn", "encoding": "json"}
    (container,) = collector(stack).one("aws:ecs/taskDefinition:TaskDefinition").document("containerDefinitions")
    assert [argument.partition("=")[0] for argument in container["command"]] == ["--config"]
    # Where files are followed one gate is open, and it is not one that has to do with the log.
    assert FEATURE_GATES == ("stanza.synchronousLogEmitter",)
    assert gate_arguments(FEATURE_GATES) == ["--feature-gates=stanza.synchronousLogEmitter"]


def _tight(document: dict[str, Any]) -> None:
    """Leave one sink little room."""
    document["exporters"]["otlp_http/newrelic"]["sending_queue"]["queue_size"] = SMALL_QUEUE


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Yield a run in which everything went wrong that a counter tells of: a sink that is down until its queue is full,
    one that refuses for good, and a record that is withheld."""
    with collector_run(context("sandbox"), tmp_path_factory.mktemp("own"), _tight) as found:
        found.cloudwatch.faults.fail_next(400, count=1000)
        found.send("refused for good", record("b", {"logger.name": "mysite.audit"}), resource=NAMED)
        found.send("withheld", record("b", {"note": "hmac-of=0"}))
        found.flush()
        found.metrics.wait(lambda: bool(found.metrics.total("otelcol_exporter_send_failed_log_records")))
        found.newrelic.stop()
        for _ in range(40):
            try:
                found.collector.send(batch([record("x" * 20_000, {"n": n}) for n in range(10)]))
            except AssertionError:
                break
        found.metrics.wait(lambda: bool(found.metrics.total("otelcol_exporter_enqueue_failed_log_records")))
        yield found


@pytest.mark.collector
@pytest.mark.parametrize("name", SEEN)
def test_every_metric_that_alerts_ask_for_arrives_under_that_name(run: Run, name: str) -> None:
    run.metrics.wait(lambda: run.metrics.last(name) is not None)


def page(address: str) -> str:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@pytest.mark.collector
@pytest.mark.parametrize("name", [name for name in SEEN if name != "up"])
def test_and_is_on_the_pages_that_prometheus_reads(run: Run, name: str) -> None:
    pages = ""
    for address in (run.collector.metrics_url, run.counts_url):
        pages += page(address)
    assert f"\n{name}{{" in pages or f"\n{name} " in pages


@pytest.mark.collector
def test_what_a_sink_refuses_for_good_is_told_with_the_sink_and_that_it_is_for_good(run: Run) -> None:
    lost = run.metrics.last(
        "otelcol_exporter_send_failed_log_records",
        exporter="otlp_http/cloudwatch-audit",
        error_permanent="true",
    )
    assert lost == 1


@pytest.mark.collector
def test_a_queue_that_is_full_is_told_with_its_sink_and_capacity(run: Run) -> None:
    sink = {"exporter": "otlp_http/newrelic"}
    assert run.metrics.last("otelcol_exporter_queue_capacity", **sink) == SMALL_QUEUE
    assert (run.metrics.last("otelcol_exporter_queue_size", **sink) or 0) > 700_000


@pytest.mark.collector
def test_each_task_says_which_one_it_is(run: Run) -> None:
    points = [point for point in run.metrics.points if point.name == "tinybeans_records_kept"]
    for point in points:
        assert point.resource["service.name"] == "tinybeans-sandbox-collector"
        assert point.resource["service.instance.id"] == point.resource["host.name"] != ""
        assert point.resource["deployment.environment.name"] == "sandbox"
    assert points


@pytest.mark.collector
def test_nothing_of_a_record_is_in_a_metric_but_class_reason_and_a_known_services_name(run: Run) -> None:
    counts = [point for point in run.metrics.points if point.name.startswith("tinybeans_")]
    assert {key for point in counts for key in point.attributes} == {"class", "reason", "service"}
    services = {point.attributes["service"] for point in counts if "service" in point.attributes}
    assert services == {SERVICES[0], "other"}
    assert "web" not in {value for point in run.metrics.points for value in point.resource.values()}


@pytest.mark.collector
def test_metrics_without_a_taker_never_touch_records(tmp_path: Path) -> None:
    with collector_run(context("sandbox"), tmp_path, _crowded) as found:
        found.metrics.stop()
        for number in range(200):
            found.send(f"r{number}", record("b", {"logger.name": "mysite.audit"}))
        found.settle(200)
        metric = found.collector.metric
        _until(lambda: metric("otelcol_exporter_enqueue_failed_metric_points") > 0)
        for number in range(200, 400):
            found.send(f"r{number}", record("b", {"logger.name": "mysite.audit"}))
        found.settle(400)
        assert metric("otelcol_receiver_refused_log_records") == 0
        assert metric("otelcol_receiver_accepted_log_records", receiver="otlp") == 400
        found.metrics.start()
        found.metrics.wait(lambda: found.metrics.last("tinybeans_records_kept", **{"class": "audit"}) == 400)


def _crowded(document: dict[str, Any]) -> None:
    """Leave the metrics' queue room for a single batch."""
    document["exporters"][CLOUDWATCH]["sending_queue"]["queue_size"] = 250


def _until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.collector
def test_datadogs_deltas_add_up_to_what_was_counted(tmp_path: Path) -> None:
    with datadog_metrics("made-up-datadog") as intake:
        both = context("sandbox", destinations="cloudwatch,datadog")
        variables = {"SANDBOX_DATADOG": "http://127.0.0.1:1", "SANDBOX_DATADOG_METRICS": intake.url}
        with collector_run(both, tmp_path, **variables) as found:
            for number in range(300):
                found.send(f"r{number}", record("b", {"logger.name": "mysite.audit"}))
                if number % 100 == 0:
                    found.flush()
                    intake.wait(lambda: intake.total("tinybeans_records_kept") > 0)
            found.flush()
            # The collector's own counters travel apart from the counts of records, so each is waited for.
            intake.wait(lambda: intake.total("tinybeans_records_kept", **{"class": "audit"}) >= 300)
            accepted = ("otelcol_receiver_accepted_log_records", {"receiver": "otlp"})  # the archive's hop accepts, too
            intake.wait(lambda: intake.total(accepted[0], **accepted[1]) >= 300)
            assert intake.total("tinybeans_records_kept") == 300
            assert intake.total(accepted[0], **accepted[1]) == 300
        assert intake.refusals == []


def counting(metrics: int, counts_port: int) -> dict[str, Any]:
    """Return what counts records, and nothing else, so that requests overtake each other as often as they can."""
    collector = context("sandbox").settings.collector
    listen = collector.listen.model_copy(update={"counts_port": counts_port})
    part = counts(
        CLASSES, SERVICES, collector.model_copy(update={"listen": listen}), FRAGMENTS.base["own_metrics"]["counts"]
    )
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{metrics}"}}}},
        "processors": part.processors,
        "connectors": part.connectors,
        "exporters": part.exporters,
        "service": {
            "pipelines": {"logs": {"receivers": ["otlp"], "exporters": list(part.connectors)}, **part.pipelines},
            "telemetry": {"logs": {"level": "warn"}, "metrics": {"level": "none"}},
        },
    }


def unordered(number: int) -> bytes:
    """Return a request of three resources, whose records are of two classes and of times in no order."""
    request = ExportLogsServiceRequest()
    for resource in range(3):
        scope = request.resource_logs.add().scope_logs.add()
        for item in range(4):
            found = scope.log_records.add()
            found.time_unix_nano = (1_795_000_000 + (number * 7919 + resource * 104_729 + item * 31) % 800_000) * 10**9
            attribute = found.attributes.add()
            attribute.key, attribute.value.string_value = "tinybeans.log.class", ("audit", "security")[item % 2]
    return bytes(request.SerializeToString())


@pytest.mark.collector
def test_counts_are_exact_however_requests_overtake_each_other_and_whatever_time_records_bear() -> None:
    http_port, port = free_ports(2)
    requests = [unordered(number) for number in range(300)]
    with process.running(
        executable(), counting(http_port, port), environment(), metrics_port=port, ready=http_port
    ) as found:
        load.send(http_port, requests, rounds=10, connections=16)
        each = 300 * 10 * 6
        for name in ("accepted", "kept", "quarantined"):
            metric = f"tinybeans_records_{name}"
            _until(functools.partial(_counts_at_least, found, metric, 2 * each), 10)
            text = page(f"http://127.0.0.1:{port}/metrics")
            assert f'{metric}{{class="audit"' in text
            assert found.counter(metric) == 2 * each


def _counts_at_least(collector: process.Measurable, metric: str, count: int) -> bool:
    return collector.counter(metric) >= count


@pytest.mark.collector
def test_a_class_or_reason_that_is_none_becomes_no_label() -> None:
    http_port, port = free_ports(2)
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for value in ("audit", "grandma@example.com"):
        found = scope.log_records.add()
        for key in ("tinybeans.log.class", "tinybeans.quarantine.reason"):
            attribute = found.attributes.add()
            attribute.key, attribute.value.string_value = key, value
    with process.running(
        executable(), counting(http_port, port), environment(), metrics_port=port, ready=http_port
    ) as collector:
        load.send(http_port, [bytes(request.SerializeToString())], rounds=1)
        _until(lambda: collector.counter("tinybeans_records_quarantined") == 2, 10)
        text = page(f"http://127.0.0.1:{port}/metrics")
    assert 'tinybeans_records_quarantined{class="unknown",reason="unknown"} 1' in text
    assert 'tinybeans_records_quarantined{class="audit",reason="audit"} 1' in text
    assert "grandma" not in text
