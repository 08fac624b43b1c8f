"""Faults on the real collector, in their short form: nothing acknowledged is lost, and no sink suffers for another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.loss.__main__ import sandbox_context
from sandbox.loss.audit import Result
from sandbox.loss.case import run
from sandbox.loss.cases import CASES
from tests.collector_process import executable

pytestmark = pytest.mark.collector

AT_A_TIME = 3
"""Cases mostly wait, so that a few of them share a machine of two cores."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """Return every case's result by its name."""
    binary, directory, context = executable(), tmp_path_factory.mktemp("loss"), sandbox_context()
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        found = pool.map(lambda case: run(case, context, binary, directory / case.name, lambda _: None), CASES)
        return {result.name: result for result in found}


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_nothing_acknowledged_is_lost_when(name: str, results: dict[str, Result]) -> None:
    result = results[name]
    assert result.problems == ()
    assert result.acknowledged > 200
    assert {sink: item.lost for sink, item in result.sinks.items()} == dict.fromkeys(result.sinks, 0)


def test_an_outage_reaches_the_spill_and_nobody_is_refused(results: dict[str, Result]) -> None:
    result = results["sink-down"]
    assert result.sinks["newrelic"].spilled > 0
    assert result.refused == 0


def test_clients_are_refused_only_once_the_spill_is_full(results: dict[str, Result]) -> None:
    result = results["sink-down-too-long"]
    assert result.sinks["newrelic"].spilled > 0
    assert result.refused > 0


def test_what_a_sink_refused_for_good_is_counted_to_the_record_and_comes_back(results: dict[str, Result]) -> None:
    result = results["refused"]
    assert result.dropped["refused by newrelic"] == result.sinks["newrelic"].recovered > 0
    assert results["refused-sent-again"].dropped == {}
