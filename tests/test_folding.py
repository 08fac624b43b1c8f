"""Equal records as one, in a class whose policy says that its records may be lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.documents.collector import fold
from infra.policy.data_classes import DataClass
from infra.policy.thinning import Folding
from tests.collector_run import batch, record
from tests.doors import at_least, running, stack, until
from tests.factories import policy

FOLDING: dict[str, Any] = {
    "every_seconds": 1,
    "below": "ERROR",
    "ignoring": ["request_id"],
    "loses": "what waits when the collector dies, and what a full queue refuses",
    "reason": "A rule of the tests.",
}


def folded() -> DataClass:
    changed: DataClass = (
        policy()
        .data_classes.classes["access"]
        .model_copy(update={"folding": Folding.model_validate(FOLDING), "sampling": ()})
    )
    return changed


@pytest.mark.parametrize("name", list(policy().data_classes.classes))
def test_no_class_is_folded_today(name: str) -> None:
    assert fold.processors(name, policy().data_classes.classes[name]) == {}


@pytest.mark.collector
def test_equal_records_become_one_that_says_how_many_they_were(tmp_path: Path) -> None:
    access = {"logger.name": "gunicorn.access"}
    records = [record("GET /", {**access, "request_id": f"r{number}"}, severity=9) for number in range(30)]
    records += [record("GET /x", {**access, "request_id": "one"}, severity=9)]
    records += [record("failed", {**access, "request_id": f"e{number}"}) for number in range(3)]
    records += [record("no severity", access, severity=0) for _ in range(2)]
    records += [record("of another class", {"logger.name": "mysite.audit"}, severity=9) for _ in range(2)]
    with running(stack({}, classes={"access": folded()}), tmp_path) as run:
        run.collector.send(batch(records))
        arrived = until(run, at_least(9))
        assert len(arrived) == 9
    counts = {
        str(item.record.body): item.record.attributes.get(fold.COUNT)
        for item in arrived
        if item.record.body in ("GET /", "GET /x")
    }
    assert counts == {"GET /": 30, "GET /x": 1}
    unfolded = [str(item.record.body) for item in arrived if fold.COUNT not in item.record.attributes]
    assert sorted(unfolded) == ["failed"] * 3 + ["no severity"] * 2 + ["of another class"] * 2
    assert {len(str(item.record.attributes["log.record.uid"])) for item in arrived} == {36}
    assert len({item.record.attributes["log.record.uid"] for item in arrived}) == 9
