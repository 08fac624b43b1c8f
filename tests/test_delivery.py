"""The ways to the sinks as data: a queue on disk each, a spill behind it, and a way back in that nobody else finds."""

from functools import cache
from typing import Any

import pytest

from infra.documents.collector import collector_config, load_fragments
from infra.policy.data_classes import Destination
from infra.problems import InputError
from infra.settings_against_policy import GIB
from infra.sinks import LARGEST_REQUEST_BYTES, STORE_FACTOR, disk_bytes, sinks, sizes, ways
from sandbox.loss.cases_refused import asking_for_new_relic
from tests.factories import ROOT, STACKS, context, policy, settings

FRAGMENTS = load_fragments(ROOT / "collector_configs")
LAST = ("otlp_http/hop-", "otlp_http/spill-")


@cache
def config(stack: str = "prod") -> dict[str, Any]:
    return collector_config(context(stack), FRAGMENTS)


def pipelines(found: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    named: dict[str, dict[str, list[str]]] = found["service"]["pipelines"]
    return named


def queued(found: dict[str, Any]) -> dict[str, Any]:
    """Return the exporters of records with a queue, wherever it is."""
    carriers = records(found)
    return {name: item for name, item in carriers.items() if item["sending_queue"]["enabled"]}


def records(found: dict[str, Any]) -> dict[str, Any]:
    """Return the exporters that records leave by; metrics have queues in memory on purpose (docs/adr/0014), and so have
    the meters of rate limits, which throw copies away (docs/adr/0020)."""
    ends = {end for name, item in pipelines(found).items() if name.startswith("logs/") for end in item["exporters"]}
    return {name: item for name, item in found["exporters"].items() if name in ends and not name.startswith("debug/")}


def leads_to(found: dict[str, Any], connector: str) -> list[str]:
    return [name for name, item in pipelines(found).items() if connector in item["receivers"]]


@pytest.mark.parametrize("stack", STACKS)
def test_every_queue_of_records_is_on_disk_counts_bytes_refuses_when_full_and_never_gives_up(stack: str) -> None:
    found = queued(config(stack))
    assert len(found) > 10
    for name, exporter in found.items():
        queue, retry = exporter["sending_queue"], exporter["retry_on_failure"]
        assert queue["storage"].startswith("file_storage/"), name
        assert queue["sizer"] == "bytes"
        assert queue["block_on_overflow"] is False
        assert (retry["enabled"], retry["max_elapsed_time"]) == (True, "0s")
        assert retry["randomization_factor"] == 0.5


@pytest.mark.parametrize("stack", STACKS)
def test_only_an_exporter_behind_a_hop_has_no_queue_of_its_own(stack: str) -> None:
    found = config(stack)
    without = {name for name in records(found) if name not in queued(found)}
    assert without == {name for name in found["exporters"] if name.startswith("awss3/")}
    for name in without:
        way = name.partition("/")[2]
        ends = [item for item in pipelines(found).values() if name in item["exporters"]]
        assert [item["receivers"] for item in ends] == [["routing/loopback"]], name
        assert found["exporters"][f"otlp_http/hop-{way}"]["headers"] == {"tinybeans-way": way}


@pytest.mark.parametrize("stack", STACKS)
def test_every_class_fails_over_from_the_queue_to_the_spill_of_the_same_sink(stack: str) -> None:
    found = config(stack)
    for name, taken in ways(context(stack).settings, policy().data_classes).items():
        ends = pipelines(found)[f"logs/{name}"]["exporters"]
        counts = [end for end in ends if end.startswith("count/")]  # they look on, and are nobody's way out
        assert [end for end in ends if end not in counts] == [f"failover/{way.name}" for way in taken]
        assert {led for end in counts for led in leads_to(found, end)} <= {"metrics/counts"}
        for way in taken:
            failover = found["connectors"][f"failover/{way.name}"]
            assert failover["priority_levels"] == [[f"logs/to-{way.name}"], [f"logs/spill-{way.name}"]]
            assert pipelines(found)[f"logs/spill-{way.name}"]["exporters"] == [f"otlp_http/spill-{way.sink}"]


@pytest.mark.parametrize("stack", STACKS)
def test_no_failover_has_the_queue_in_memory_that_it_would_have_by_default(stack: str) -> None:
    found = {name: item for name, item in config(stack)["connectors"].items() if name.startswith("failover/")}
    assert found
    assert [name for name, item in found.items() if item["sending_queue"] != {"enabled": False}] == []


@pytest.mark.parametrize("stack", STACKS)
def test_what_was_spilled_comes_back_to_the_way_it_was_on_without_the_mark(stack: str) -> None:
    found = config(stack)
    rows = {row["condition"]: row["pipelines"] for row in found["connectors"]["routing/loopback"]["table"]}
    for taken in ways(context(stack).settings, policy().data_classes).values():
        for way in taken:
            mark = found["processors"][f"resource/spill-{way.name}"]["attributes"]
            assert mark == [{"key": "tinybeans.spill", "value": way.name, "action": "upsert"}]
            assert rows[f'attributes["tinybeans.spill"] == "{way.name}"'] == [f"logs/to-{way.name}"]
            assert pipelines(found)[f"logs/spill-{way.name}"]["processors"] == [f"resource/spill-{way.name}"]
            to = pipelines(found)[f"logs/to-{way.name}"]
            assert to["receivers"] == [f"failover/{way.name}", "routing/loopback"]
            assert to["processors"][0] == "resource/unspill"


@pytest.mark.parametrize("stack", STACKS)
def test_what_comes_back_is_not_redacted_sampled_or_counted_again(stack: str) -> None:
    found = config(stack)
    assert pipelines(found)["logs/loopback"] == {
        "receivers": ["otlp/loopback"],
        "processors": ["memory_limiter"],
        "exporters": ["routing/loopback"],
    }
    behind = {name for row in found["connectors"]["routing/loopback"]["table"] for name in row["pipelines"]}
    assert all(name.startswith(("logs/to-", "logs/put-")) for name in behind)
    touched = {item for name in behind for item in pipelines(found)[name]["processors"]}
    assert [item for item in touched if item.startswith(("redaction", "probabilistic_sampler", "attributes/"))] == []


@pytest.mark.parametrize("stack", STACKS)
def test_a_record_of_no_known_way_is_withheld_and_not_dropped(stack: str) -> None:
    assert config(stack)["connectors"]["routing/loopback"]["default_pipelines"] == ["logs/quarantine"]
    assert "routing/loopback" in pipelines(config(stack))["logs/quarantine"]["receivers"]


@pytest.mark.parametrize("address", ["0.0.0.0:4319", "10.0.0.1:4319", "127.0.0.1", "localhost:4319", "[::]:4319"])
def test_the_way_back_in_is_on_the_loopback_address_only(address: str) -> None:
    listen = config()["receivers"]["otlp/loopback"]["protocols"]["http"]["endpoint"]
    assert listen == "127.0.0.1:4319"
    assert list(config()["receivers"]["otlp/loopback"]["protocols"]) == ["http"]
    collector = settings("prod").collector.model_dump(mode="json")
    with pytest.raises(InputError, match="loopback"):
        settings("prod", collector={**collector, "listen": {"loopback": address}})


@pytest.mark.parametrize("stack", STACKS)
def test_each_sink_keeps_its_queues_and_its_spill_in_directories_of_their_own_flushed_as_policy_asks(
    stack: str,
) -> None:
    known = context(stack).settings
    stores = {name: item for name, item in config(stack)["extensions"].items() if name.startswith("file_storage/")}
    assert len({item["directory"] for item in stores.values()}) == len(stores) == 2 * len(sinks(known))
    for name, item in stores.items():
        assert item["directory"] == f"{known.collector.data_directory}/queues/{name.partition('/')[2]}"
        assert item["fsync"] is known.collector.queue.fsync
    for name, exporter in queued(config(stack)).items():
        queue = exporter["sending_queue"]
        assert stores[queue["storage"]]["max_size"] == queue["queue_size"] * STORE_FACTOR, name


@pytest.mark.parametrize("stack", STACKS)
def test_a_spill_alone_holds_an_outage_of_the_stated_length(stack: str) -> None:
    outage = context(stack).settings.collector.queue.bytes_per_sink
    spills = [item for name, item in config(stack)["exporters"].items() if name.startswith("otlp_http/spill-")]
    assert len(spills) == len(sinks(context(stack).settings))
    assert all(item["sending_queue"]["queue_size"] >= outage for item in spills)


@pytest.mark.parametrize("stack", STACKS)
def test_all_queues_and_spills_full_at_once_fit_the_volume(stack: str) -> None:
    known = context(stack).settings
    total = sum(item["sending_queue"]["queue_size"] * STORE_FACTOR for item in queued(config(stack)).values())
    assert total == disk_bytes(known, policy().data_classes)
    elsewhere = [item for name, item in config(stack)["exporters"].items() if name not in queued(config(stack))]
    assert [item for item in elsewhere if "storage" in item["sending_queue"]] == []
    assert total <= known.collector.queue.volume_gib * GIB


def test_no_queue_is_smaller_than_the_largest_request() -> None:
    queue = settings("sandbox").collector.queue
    small = queue.model_copy(update={"bytes_per_second": 1})
    assert sizes(small, 6).way == sizes(small, 6).spill == LARGEST_REQUEST_BYTES
    received = FRAGMENTS.base["receivers"]["otlp"]["protocols"]["http"]["max_request_body_size"]
    assert received * 4 == LARGEST_REQUEST_BYTES
    assert FRAGMENTS.base["loopback"]["receiver"]["max_request_body_size"] >= 2 * LARGEST_REQUEST_BYTES


def test_refusals_are_retried_by_a_hop_where_policy_asks_and_nowhere_else() -> None:
    before = collector_config(context("sandbox"), FRAGMENTS)
    after = collector_config(asking_for_new_relic(context("sandbox")), FRAGMENTS)
    assert {*after["exporters"]} - {*before["exporters"]} == {"otlp_http/hop-newrelic"}
    assert before["exporters"]["otlp_http/newrelic"]["sending_queue"]["enabled"]
    assert after["exporters"]["otlp_http/newrelic"]["sending_queue"] == {"enabled": False}
    assert after["exporters"]["otlp_http/newrelic"]["retry_on_failure"] == {"enabled": False}
    found = pipelines(after)
    assert found["logs/to-newrelic"]["exporters"] == ["otlp_http/hop-newrelic"]
    assert found["logs/put-newrelic"]["exporters"] == ["failover/put-newrelic"]
    assert after["connectors"]["failover/put-newrelic"]["priority_levels"] == [["logs/last-newrelic"]]
    assert found["logs/last-newrelic"]["exporters"] == ["otlp_http/newrelic"]


def test_a_class_can_ask_for_retries_only_where_its_records_go() -> None:
    classes = policy().data_classes
    audit = classes.classes["audit"].model_copy(update={"retry_refused": (Destination.NEWRELIC,)})
    changed = {**classes.model_dump(mode="json"), "classes": {**classes.classes, "audit": audit}}
    with pytest.raises(Exception, match="audit records never go to newrelic"):
        type(classes).model_validate(changed)
