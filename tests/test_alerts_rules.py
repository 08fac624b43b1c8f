"""The rendered rules over series that a test makes up: what takes hours, and what no collector here does."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from infra.documents.alerts import rules
from tests import promtool
from tests.factories import ROOT, STACKS, context, policy
from tests.promtool import Moment

MINUTE, HOUR = 60, 3600
RULES = ROOT / rules.rules_file("sandbox")
SIZE = "otelcol_exporter_queue_size"
CAPACITY = "otelcol_exporter_queue_capacity"
SENT = "otelcol_exporter_sent_log_records"
ACCEPTED = "otelcol_receiver_accepted_log_records"
LOST = "otelcol_exporter_send_failed_log_records"
UPTIME = "otelcol_process_uptime"

collector = pytest.mark.collector


def series(metric: str, values: str, *, task: str = "a", **labels: str) -> dict[str, str]:
    """Return one series of a task."""
    named = ",".join(f'{key}="{value}"' for key, value in {**labels, "instance": task, "job": "c"}.items())
    return {f"{metric}{{{named}}}": values}


def queue(values: str, *, task: str = "a", capacity: int = 1000) -> dict[str, str]:
    """Return a sink's queue in a task."""
    labels = {"data_type": "logs", "exporter": "otlp_http/newrelic"}
    return {**series(SIZE, values, task=task, **labels), **series(CAPACITY, f"{capacity}x2000", task=task, **labels)}


def sent(values: str, *, task: str = "a") -> dict[str, str]:
    labels = {"exporter": "otlp_http/newrelic", "server_address": "h", "server_port": "443", "url_path": "/v1/logs"}
    return series(SENT, values, task=task, **labels)


def evaluate(
    found: Mapping[str, str], directory: Path, *among: str, step: int = MINUTE, **moments: tuple[int, set[str]]
) -> None:
    """Fail unless of the alerts `among` exactly those fire that are expected at each moment (name to time and alerts)."""
    asked = [Moment(name, second, firing, among) for name, (second, firing) in moments.items()]
    promtool.evaluate(RULES, found, step, asked, directory)


@collector
@pytest.mark.parametrize("stack", STACKS)
def test_promtool_takes_the_rule_file_of_every_stack(stack: str) -> None:
    promtool.check(ROOT / rules.rules_file(stack))


@pytest.mark.parametrize("stack", STACKS)
def test_the_rule_file_says_the_same_as_the_policy(stack: str) -> None:
    path = ROOT / rules.rules_file(stack)
    assert yaml.safe_load(path.read_text()) == rules.stack_rules(context(stack))


def test_every_rule_says_how_bad_it_is_whom_to_tell_and_what_to_read() -> None:
    (group,) = rules.stack_rules(context("prod"))["groups"]
    assert len(group["rules"]) > 20
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in {"page", "ticket", "info"}
        assert rule["labels"]["notify"]
        assert (ROOT / rule["annotations"]["runbook"]).is_file()


def test_a_stack_that_does_not_count_services_has_no_rule_on_them() -> None:
    names = {
        stack: {rule["alert"] for rule in rules.stack_rules(context(stack))["groups"][0]["rules"]} for stack in STACKS
    }
    assert "service-silent" in names["prod"]
    assert "service-silent" not in names["dev"]
    assert names["prod"] - names["dev"] == {"service-silent"}


def test_every_metric_that_a_rule_asks_for_has_an_alert_on_its_absence_or_a_witness() -> None:
    alerts = policy().alerts
    missing = {alert.condition.metric for alert in alerts.absences().values() if hasattr(alert.condition, "metric")}
    assert {"otelcol_exporter_queue_size", "otelcol_exporter_sent_log_records"} <= missing
    # What appears with a first event has the process itself for a witness.
    assert LOST not in missing
    assert alerts.alerts["collector-metrics-missing"].condition.model_dump()["metric"] == UPTIME


@collector
def test_a_queue_that_grows_is_told_of_when_it_is_full_within_four_hours(tmp_path: Path) -> None:
    # 1 % a minute from a tenth: full in 90 minutes, and told after the quarter of an hour that the alert waits.
    evaluate(
        queue("100+10x60"),
        tmp_path,
        "queue-full-soon",
        at_first=(10 * MINUTE, set()),
        growing=(20 * MINUTE, {"queue-full-soon"}),
    )


@collector
@pytest.mark.parametrize(
    ("values", "minute", "why"),
    [
        ("200+1x120", 80, "it is full in thirteen hours"),
        ("0+5x18", 18, "it is below a tenth, however fast it grows"),
        ("500-1x90", 80, "it empties"),
    ],
)
def test_a_queue_is_not_told_of_when(tmp_path: Path, values: str, minute: int, why: str) -> None:
    assert why
    evaluate(queue(values), tmp_path, "queue-full-soon", late=(minute * MINUTE, set()))


@collector
def test_a_task_that_delivers_nothing_is_told_of_though_another_does(tmp_path: Path) -> None:
    found = {**queue("50x60"), **sent("7x60"), **queue("50x60", task="b"), **sent("0+5x60", task="b")}
    evaluate(
        found,
        tmp_path,
        "delivery-late",
        "send-failing",
        early=(4 * MINUTE, set()),
        failing=(6 * MINUTE, {"send-failing"}),
        late=(16 * MINUTE, {"send-failing", "delivery-late"}),
    )


@collector
def test_a_sink_that_was_never_reached_is_late_too(tmp_path: Path) -> None:
    evaluate(queue("50x60"), tmp_path, "delivery-late", late=(16 * MINUTE, {"delivery-late"}))


@collector
def test_an_idle_sink_is_not_late_and_neither_is_a_busy_one(tmp_path: Path) -> None:
    idle = {**queue("0x60"), **sent("7x60")}
    busy = {**queue("50x60", task="b"), **sent("0+5x60", task="b")}
    evaluate({**idle, **busy}, tmp_path, "delivery-late", "send-failing", late=(50 * MINUTE, set()))


@collector
def test_a_first_event_counts_and_is_over_when_the_window_is(tmp_path: Path) -> None:
    labels = {"error_permanent": "true", "exporter": "otlp_http/newrelic"}
    evaluate(
        series(LOST, "_x9 1x60", **labels),
        tmp_path,
        "records-lost",
        before=(8 * MINUTE, set()),
        at_once=(11 * MINUTE, {"records-lost"}),
        still=(20 * MINUTE, {"records-lost"}),
        over=(30 * MINUTE, set()),
    )


@collector
def test_what_the_archives_exporter_fails_at_is_not_lost_and_neither_is_what_will_be_tried_again(
    tmp_path: Path,
) -> None:
    found = {
        **series(LOST, "_x9 1+1x60", error_permanent="true", exporter="awss3/archive-audit"),
        **series(LOST, "_x9 1+1x60", error_permanent="false", exporter="otlp_http/newrelic"),
    }
    evaluate(found, tmp_path, "records-lost", later=(20 * MINUTE, set()))


@collector
def test_a_deployment_is_no_restart_and_a_crash_is(tmp_path: Path) -> None:
    deployed = {**series(UPTIME, "60+60x30 stale", task="old"), **series(UPTIME, "_x30 60+60x60", task="new")}
    evaluate(deployed, tmp_path, "collector-restarted", after=(40 * MINUTE, set()))
    crashed = series(UPTIME, "60+60x30 60+60x60")
    evaluate(
        crashed,
        tmp_path,
        "collector-restarted",
        before=(30 * MINUTE, set()),
        after=(32 * MINUTE, {"collector-restarted"}),
    )


@collector
def test_silence_of_the_collector_is_told_of_after_five_minutes(tmp_path: Path) -> None:
    found = series(UPTIME, "60+60x30 stale")
    evaluate(
        found,
        tmp_path,
        "collector-metrics-missing",
        before=(30 * MINUTE, set()),
        at_first=(34 * MINUTE, set()),
        then=(37 * MINUTE, {"collector-metrics-missing"}),
    )


@collector
def test_a_metric_that_is_gone_while_the_collector_is_heard_is_told_of(tmp_path: Path) -> None:
    gone = {**series(UPTIME, "60+60x200"), **queue("5x200"), **series(ACCEPTED, "1+1x90 stale", receiver="otlp")}
    always, traffic = "missing-otelcol-exporter-queue-size", "missing-otelcol-receiver-accepted-log-records"
    evaluate(gone, tmp_path, always, traffic, present=(90 * MINUTE, set()), gone=(110 * MINUTE, {traffic}))
    silent = {**series(UPTIME, "60+60x200")}
    evaluate(silent, tmp_path, always, traffic, never=(20 * MINUTE, {always}))


@collector
def test_a_service_is_missed_within_the_day_and_one_that_nobody_named_never(tmp_path: Path) -> None:
    named = series("tinybeans_records_by_service", "5x450", service="tinybeans-web")
    other = series("tinybeans_records_by_service", "1+1x30 31x420", service="other")
    silent = {"service-silent"}
    moments = {"early": (20 * MINUTE, set[str]()), "later": (20 * HOUR, silent), "a_day_on": (29 * HOUR, set[str]())}
    evaluate({**other, **named}, tmp_path, "service-silent", step=4 * MINUTE, **moments)
    evaluate(other, tmp_path, "service-silent", step=4 * MINUTE, later=(20 * HOUR, set()))


@collector
def test_no_record_at_all_is_few(tmp_path: Path) -> None:
    found = series(ACCEPTED, "0+6000x100 stale", receiver="otlp", transport="grpc")
    evaluate(
        found,
        tmp_path,
        "ingest-low",
        step=10 * MINUTE,
        coming=(100 * 10 * MINUTE, set()),
        gone=(25 * HOUR, {"ingest-low"}),
    )


@collector
def test_what_comes_back_by_the_loopback_is_no_ingest_and_what_it_refuses_is_nobodys_loss(tmp_path: Path) -> None:
    found = {
        **series(ACCEPTED, "0+6000x140 840000+60000x20", receiver="otlp/loopback", transport="http"),
        **series("otelcol_receiver_refused_log_records", "0+100x200", receiver="otlp/loopback", transport="http"),
    }
    evaluate(found, tmp_path, "ingest-high", "ingest-low", "data-refused", step=10 * MINUTE, late=(25 * HOUR, set()))


@collector
def test_a_sum_adds_up_where_no_counter_of_an_event_has_appeared(tmp_path: Path) -> None:
    items = {"otel_signal": "logs"}
    even = {
        **series(ACCEPTED, "0+10x60", receiver="otlp", transport="http"),
        **series("otelcol_processor_outgoing_items", "0+10x60", processor="attributes/audit", **items),
        **series("otelcol_processor_outgoing_items", "0+10x60", processor="resource/unspill", **items),
        **sent("0+10x60"),
        **queue("0x60"),
    }
    evaluate(even, tmp_path, "accounting-gap", late=(50 * MINUTE, set()))
    waiting = {**even, **sent("0+9x60"), **queue("0+100x60")}
    evaluate(waiting, tmp_path, "accounting-gap", late=(50 * MINUTE, set()))
    lost = {**even, **sent("0+9x60")}
    evaluate(lost, tmp_path, "accounting-gap", late=(50 * MINUTE, {"accounting-gap"}))
    vanished = {**even, **series(ACCEPTED, "5+10x60", receiver="otlp", transport="http")}
    evaluate(vanished, tmp_path, "accounting-gap", late=(50 * MINUTE, {"accounting-gap"}))
