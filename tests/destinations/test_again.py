"""What comes back from a sink's spill is shaped a second time: nothing may change then."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.documents.collector import shape
from sandbox.doubles.otlp_intake import IntakeSpec, OtlpIntake
from sandbox.ports import free_ports
from tests.collector_process import running
from tests.destinations.cases import cases, nanoseconds
from tests.destinations.sinks import otlp
from tests.factories import context

pytestmark = pytest.mark.collector
SINKS = ("cloudwatch", "datadog", "elastic", "local", "newrelic")
TOLERANCE = 60 * 10**9
"""Time that the second look may be later than the first, in nanoseconds."""


def pipelines(sink: str, intakes: dict[str, OtlpIntake]) -> dict[str, Any]:
    """Return what shapes records once, and what does so twice, each with an intake of its own."""
    once = dict(shape.processors(context("sandbox"), sink))
    again = {f"{name}-again": item for name, item in once.items()}
    exporters = {
        f"otlp_http/{name}": {
            "logs_endpoint": intakes[name].url,
            "headers": {"key": "k"},
            "sending_queue": {"enabled": False},
        }
        for name in (f"{sink}-once", f"{sink}-twice")
    }
    ways = {
        f"logs/{sink}-once": {"receivers": ["otlp"], "processors": [*once], "exporters": [f"otlp_http/{sink}-once"]},
        f"logs/{sink}-twice": {
            "receivers": ["otlp"],
            "processors": [*once, *again],
            "exporters": [f"otlp_http/{sink}-twice"],
        },
    }
    return {"processors": {**once, **again}, "exporters": exporters, "pipelines": ways}


@pytest.fixture(scope="module")
def arrived(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what arrived at each intake, by uid, of everything that the cases send."""
    directory = tmp_path_factory.mktemp("again")
    http, health, metrics = free_ports(3)
    sent = [request for case in cases() for request in case.requests()]
    count = sum(len(scope["logRecords"]) for request in sent for scope in request["scopeLogs"])
    with ExitStack() as stack:
        intakes = {
            name: stack.enter_context(OtlpIntake(IntakeSpec(name, "key", "k")))
            for sink in SINKS
            for name in (f"{sink}-once", f"{sink}-twice")
        }
        parts = [pipelines(sink, intakes) for sink in SINKS]
        reader = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": metrics}}}}
        config = {
            "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{http}"}}}},
            "extensions": {"health_check": {"endpoint": f"127.0.0.1:{health}"}},
            **{
                key: {name: item for part in parts for name, item in part[key].items()}
                for key in ("processors", "exporters")
            },
            "service": {
                "extensions": ["health_check"],
                "pipelines": {name: item for part in parts for name, item in part["pipelines"].items()},
                "telemetry": {"metrics": {"readers": [reader]}},
            },
        }
        path: Path = directory / "config.yaml"
        path.write_text(yaml.safe_dump(config))
        where = {"health": f"127.0.0.1:{health}", "http_address": f"127.0.0.1:{http}"}
        with running(path, {}, directory, **where, metrics_port=metrics) as collector:
            for request in sent:
                collector.send(request)
            return {
                name: {str(item.attributes["log.record.uid"]): otlp(item) for item in intake.wait_for(count, 20)}
                for name, intake in intakes.items()
            }


@pytest.mark.parametrize("sink", SINKS)
def test_a_second_run_finds_nothing_more_to_do(arrived: dict[str, dict[str, dict[str, Any]]], sink: str) -> None:
    once, twice = arrived[f"{sink}-once"], arrived[f"{sink}-twice"]
    assert once.keys() == twice.keys()
    moved = 0
    for uid, record in once.items():
        first, second = dict(record), dict(twice[uid])
        assert abs(first.pop("time", 0) - second.pop("time", 0)) < TOLERANCE
        assert first == second
        moved += "tinybeans.original_timestamp" in record.get("attributes", {})
    assert moved or sink == "elastic", "no record was moved in time: this proves nothing"


def test_the_original_time_is_the_one_that_was_sent(arrived: dict[str, dict[str, dict[str, Any]]]) -> None:
    found = [item.get("attributes", {}) for item in arrived["datadog-twice"].values()]
    kept = [
        nanoseconds(item["tinybeans.original_timestamp"]) for item in found if "tinybeans.original_timestamp" in item
    ]
    for age in ("-20d", "-60h", "-20h", "+3h"):
        assert [time for time in kept if abs(time - nanoseconds(age)) < TOLERANCE * 5], age
