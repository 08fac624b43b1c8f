"""Each triple of this directory: what was sent, through the real collector, is at the sink field by field."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest

from tests.destinations.cases import Case, cases, same
from tests.destinations.harness import Outcome, key, run_cases

pytestmark = pytest.mark.collector
CASES = list(cases())


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """Return the runs so far; each is made when the first of its cases asks for it."""
    return {}


def run_of(case: Case, outcomes: dict[str, Outcome], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    together = defaultdict(list)
    for item in CASES:
        together[key(item)].append(item)
    found = key(case)
    if found not in outcomes:
        outcomes[found] = run_cases(together[found], tmp_path_factory.mktemp(case.sink))
    return outcomes[found]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_was_sent_is_at_the_sink_as_expected(
    case: Case, outcomes: dict[str, Outcome], tmp_path_factory: pytest.TempPathFactory
) -> None:
    arrived = run_of(case, outcomes, tmp_path_factory).arrived[case.sink]
    found = [arrived[uid] for uid in case.uids if uid in arrived]
    assert case.uids, "nothing was sent"
    assert len(found) == len(case.expected), f"{len(found)} records arrived: {shown(found)}"
    for expected, record in zip(case.expected, found, strict=True):
        wrong = {
            name: {"expected": expected.get(name), "arrived": record.get(name)}
            for name in {**expected, **record}
            if not same(expected.get(name), record.get(name))
        }
        assert not wrong, shown(wrong)


def shown(value: Any) -> str:
    """Return `value` as it stands in expected.json, long texts cut."""
    return json.dumps(value, indent=1, ensure_ascii=False, default=str)[:6000]
