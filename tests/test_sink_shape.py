"""What is done to records on their way to one sink only, as data: windows of time, limits, names."""

import json
import re
from typing import Any

import pytest

from infra.context import Context
from infra.documents.collector import shape
from infra.documents.collector.sink_limits import CUT, MARK, VALUE_CHARACTERS
from infra.policy.destinations import Destination
from tests.factories import context, stack_values

SINKS = (*map(str, Destination), "archive")


def prod(outage_hours: float = 12) -> Context:
    collector = json.loads(stack_values("prod")["collector"])
    queue = {**collector["queue"], "outage_hours": outage_hours, "volume_gib": 16_384}
    return context("prod", collector={**collector, "queue": queue})


def statements(sink: str, at: Context | None = None) -> list[str]:
    found: dict[str, Any] = dict(shape.processors(at or prod(), sink))
    groups = [group for item in found.values() for group in item.get("log_statements", [])]
    return [statement for group in groups for statement in group["statements"]]


def minutes(sink: str, at: Context, sign: str) -> list[int]:
    """Return the edges that a record's time is set to, in minutes before (-) or after (+) now."""
    pattern = re.compile(rf'^set\(log\.time, Now\(\) {re.escape(sign)} Duration\("(\d+)m"\)\)')
    return [int(found[1]) for item in statements(sink, at) if (found := pattern.match(item))]


@pytest.mark.parametrize(
    ("sink", "past", "future"),
    [("cloudwatch", 14 * 1440, 120), ("datadog", 18 * 60, 120), ("newrelic", 48 * 60, None), ("local", 7 * 1440, 10)],
)
def test_a_record_that_waits_out_the_longest_outage_is_still_in_the_sinks_window(
    sink: str, past: int, future: int | None
) -> None:
    for hours in (12.0, 14.5):
        edges = minutes(sink, prod(hours), "-")
        assert edges, sink
        assert all(0 < edge + hours * 60 < past for edge in edges)
    ahead = minutes(sink, prod(), "+")
    assert len(ahead) == (future is not None)
    assert all(0 < edge < (future or 0) for edge in ahead)


def test_an_outage_longer_than_the_window_moves_late_records_to_the_present() -> None:
    assert minutes("datadog", prod(24), "-") == [1]


@pytest.mark.parametrize("sink", ["elastic", "loggly", "archive"])
def test_sinks_that_state_no_window_leave_times_alone(sink: str) -> None:
    assert not [item for item in statements(sink) if "log.time" in item]


def test_what_a_log_group_would_expire_at_once_is_moved_class_by_class() -> None:
    sandbox = [item for item in statements("cloudwatch", context("sandbox")) if 'log.class"] == "client"' in item]
    kept_minutes = round((24 - 0.1) * 60) - 10
    assert [item for item in sandbox if item.startswith(f'set(log.time, Now() - Duration("{kept_minutes}m"))')]
    assert not [item for item in statements("cloudwatch") if "log.class" in item], "prod keeps every class longer"


def test_the_original_time_is_kept_before_the_time_is_moved_and_never_overwritten() -> None:
    for sink in ("cloudwatch", "datadog", "newrelic", "local"):
        timely = [item for item in statements(sink) if "log.time" in item]
        for keep, move in zip(timely[::2], timely[1::2], strict=True):
            assert "tinybeans.original_timestamp" in keep.split(" where ")[0]
            assert '"tinybeans.original_timestamp"] == nil and ' in keep
            assert keep.split("== nil and ")[1] == move.split(" where ")[1]


@pytest.mark.parametrize("sink", [name for name in SINKS if name != "newrelic"])
def test_nothing_is_cut_but_for_new_relic(sink: str) -> None:
    assert not [item for item in statements(sink) if CUT in item or "limit(" in item or MARK in item]


def test_the_pattern_that_cuts_values_for_new_relic_leaves_exactly_what_it_takes() -> None:
    [cutting] = [item for item in statements("newrelic") if item.startswith("replace_all_patterns(log.")]
    pattern = json.loads(re.search(r'"value", ("(?:[^"\\]|\\.)*")', cutting)[1]).replace("$$", "$")  # type: ignore[index]
    assert max(int(number) for number in re.findall(r"\{(\d+)", pattern)) <= 1_000, "RE2 repeats no more"
    for length in (VALUE_CHARACTERS - 1, VALUE_CHARACTERS):
        assert not re.fullmatch(pattern, "é" * length)
    found = re.fullmatch(pattern, "é" * (VALUE_CHARACTERS + 1))
    assert found
    assert len(found[1] + MARK) == VALUE_CHARACTERS


@pytest.mark.parametrize("sink", SINKS)
def test_processors_are_named_after_their_sink_and_silent(sink: str) -> None:
    found: dict[str, Any] = dict(shape.processors(prod(), sink))
    assert [name for name in found if not name.endswith(sink)] == []
    assert {item["error_mode"] for item in found.values() if "log_statements" in item} <= {"silent"}


@pytest.mark.parametrize("sink", ["datadog", "newrelic", "elastic", "local", "loggly"])
def test_the_stacks_environment_is_named_where_the_application_did_not(sink: str) -> None:
    wanted = 'set(resource.attributes["deployment.environment.name"], "prod") where '
    assert [item for item in statements(sink) if item.startswith(wanted) and item.endswith("== nil")]
