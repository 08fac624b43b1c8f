"""All destinations at once: each has every record that its class may send there, and none sees another's key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.policy.destinations import Destination
from tests.collector_process import PEPPER, Collector
from tests.collector_run import batch, record, with_uid
from tests.destinations.harness import Outcome, outcome
from tests.destinations.sinks import SENTINEL
from tests.factories import policy

pytestmark = pytest.mark.collector
SINKS = (*map(str, Destination), "archive")
CLASSES = policy().data_classes.classes
EACH = 5


def uid(cls: str, number: int) -> str:
    return f"{list(CLASSES).index(cls):08x}-0000-7000-8000-{number:012x}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Return what came of five records of each class, which every sink may have at least of one class."""
    records = [
        with_uid(record("fan out", {"tinybeans.log.class": cls}), uid(cls, number))
        for cls in CLASSES
        for number in range(EACH)
    ]

    def send(collector: Collector) -> None:
        collector.send(batch(records))

    fewest = min(len([1 for cls in CLASSES if allowed(cls, sink)]) for sink in SINKS)
    return outcome(SINKS, {}, tmp_path_factory.mktemp("fan-out"), send, fewest * EACH)


def allowed(cls: str, sink: str) -> bool:
    return sink == "archive" or sink in CLASSES[cls].destinations


@pytest.mark.parametrize("sink", SINKS)
def test_a_sink_has_all_records_of_the_classes_that_may_go_there_and_no_other(run: Outcome, sink: str) -> None:
    wanted = {uid(cls, number) for cls in CLASSES if allowed(cls, sink) for number in range(EACH)}
    assert set(run.arrived[sink]) == wanted


@pytest.mark.parametrize("name", ["datadog", "newrelic", "elastic", "loggly"])
def test_no_key_is_in_what_the_collector_prints_or_says_or_sends_to_another_sink(run: Outcome, name: str) -> None:
    key = SENTINEL.format(name)
    assert key not in run.printed
    assert key not in run.said
    others: dict[str, Any] = {sink: found for sink, found in run.arrived.items() if sink != name}
    assert key not in json.dumps(others)
    assert PEPPER not in run.printed + run.said


def test_what_is_printed_is_the_configuration_and_names_where_keys_go(run: Outcome) -> None:
    for name in ("dd-api-key", "api-key", "Authorization", "x-loggly-token"):
        assert name in run.printed
    assert run.printed.count("[REDACTED]") >= 5


def test_the_token_of_loggly_rests_on_no_disk(run: Outcome) -> None:
    files = [path for path in run.directory.glob("data/queues/loggly/*") if path.is_file()]
    assert files, "the queue of loggly has no file"
    token = SENTINEL.format("loggly").encode()
    everything = [path for path in run.directory.rglob("*") if path.is_file()]
    assert [path for path in everything if token in path.read_bytes()] == []


def test_loki_indexes_four_labels_and_no_more(run: Outcome) -> None:
    names = {name for stream in run.stats["local"] for name in stream}
    assert names == {"service_name", "deployment_environment_name", "tinybeans_log_class", "severity_text"}
    assert len(run.stats["local"]) == len(CLASSES), "one stream a class: nothing else tells records apart here"
