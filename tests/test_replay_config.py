"""The collector's configuration in replay mode: which parts it has, and which it must not have."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.archive.replay import door
from infra.documents.collector import collector_config, dumps, load_fragments
from infra.documents.collector.replay import NAME_VARIABLE, PATH, REPLAYED, allowed, replay_config
from infra.policy.destinations import Destination
from tests.collector_process import environment, executable
from tests.factories import ROOT, STACKS, context

FRAGMENTS = load_fragments(ROOT / "collector_configs")
EXTRA = {"elastic_endpoint": "https://elastic.example", "endpoints": {"loki": "http://127.0.0.1:3100"}}
CLASSES = tuple(context().policy.data_classes.classes)


def config(sink: Destination, stack: str = "prod") -> dict[str, Any]:
    return replay_config(context(stack, **EXTRA), FRAGMENTS, sink)


@pytest.mark.parametrize("sink", Destination)
@pytest.mark.parametrize("stack", STACKS)
def test_nothing_is_redacted_sampled_folded_or_archived_again(stack: str, sink: Destination) -> None:
    found = config(sink, stack)
    parts = [*found["processors"], *found["exporters"], *found["connectors"]]

    for name in ("transform/redact", "redaction/pseudonyms", "sampl", "logdedup", "filter/", "awss3", "normalise"):
        assert not [part for part in parts if name in part]
    assert "REDACTION_PEPPER" not in dumps(found, stack=stack)


@pytest.mark.parametrize("sink", Destination)
def test_only_the_chosen_sink_has_a_way_and_only_for_classes_that_policy_lets_go_there(sink: Destination) -> None:
    found = config(sink)
    exporters = {name for name in found["exporters"] if not name.startswith("prometheus/")}
    pipelines = {name.removeprefix("logs/") for name in found["service"]["pipelines"]} & set(CLASSES)

    assert all(sink.value in name for name in exporters)
    assert pipelines == set(allowed(context(), sink))
    assert pipelines == {
        name for name, data_class in context().policy.data_classes.classes.items() if sink in data_class.destinations
    }


@pytest.mark.parametrize("sink", Destination)
def test_every_record_passes_the_search_before_a_class_s_pipeline(sink: Destination) -> None:
    pipelines = config(sink)["service"]["pipelines"]

    assert [name for name, item in pipelines.items() if "otlp/replay" in item["receivers"]] == ["logs/replay"]
    order = pipelines["logs/replay"]["processors"]
    assert order[0] == "memory_limiter"
    assert order[1:] == [
        "transform/archived",
        "transform/shared",
        "transform/scan",
        "redaction/gate",
        "transform/gate",
    ]
    for name in allowed(context(), sink):
        assert pipelines[f"logs/{name}"]["receivers"] == ["routing/gate", "routing/class"]
        assert pipelines[f"logs/{name}"]["processors"] == ["transform/replayed", "attributes/replayed"]


def test_what_does_not_pass_goes_to_no_exporter() -> None:
    found = config(Destination.DATADOG)
    for router in ("routing/gate", "routing/class"):
        (otherwise,) = found["connectors"][router]["default_pipelines"]
        assert otherwise in ("logs/recheck", "logs/quarantine")
    assert found["service"]["pipelines"]["logs/quarantine"]["exporters"] == ["count/quarantined"]


@pytest.mark.parametrize("stack", STACKS)
def test_no_other_collector_takes_records_where_a_replay_sends_them(stack: str) -> None:
    usual = collector_config(context(stack), FRAGMENTS)
    replaying = config(Destination.DATADOG, stack)

    assert PATH not in dumps(usual, stack=stack)
    assert list(replaying["receivers"]["otlp/replay"]["protocols"]) == ["http"]
    assert replaying["receivers"]["otlp/replay"]["protocols"]["http"]["logs_url_path"] == PATH == door.PATH


@pytest.mark.parametrize("stack", STACKS)
def test_an_application_cannot_say_that_its_record_was_replayed(stack: str) -> None:
    (statements, *_) = collector_config(context(stack), FRAGMENTS)["processors"]["transform/normalise"][
        "log_statements"
    ]
    (reserved,) = [line for line in statements["statements"] if "delete_matching_keys" in line]
    assert REPLAYED.removeprefix("tinybeans.") in reserved


def test_what_a_crash_sends_twice_is_one_request_of_the_queue() -> None:
    for name, exporter in config(Destination.DATADOG)["exporters"].items():
        queue = exporter.get("sending_queue", {})
        if not name.startswith("prometheus/") and queue.get("enabled"):
            assert queue["num_consumers"] == 1
            assert queue["storage"].startswith("file_storage/")


@pytest.mark.collector
@pytest.mark.parametrize("sink", [Destination.CLOUDWATCH, Destination.LOGGLY])
def test_the_real_collector_accepts_it(tmp_path: Path, sink: Destination) -> None:
    path = tmp_path / "replay.yaml"
    path.write_text(dumps(config(sink), stack="prod"))
    result = subprocess.run(
        [str(executable()), "validate", f"--config=file:{path}"],
        env=environment(LOGGLY_TOKEN="made-up", **{NAME_VARIABLE: "a-replay"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
