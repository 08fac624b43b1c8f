"""The audit of a loss trial finds what is missing, what came twice and who was affected; an empty trial proves nothing."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from sandbox.loss.audit import Result, audit
from sandbox.loss.case import lengthened
from sandbox.loss.cases import CASES
from sandbox.loss.ledger import Ledger
from sandbox.loss.rig import Rig
from sandbox.loss.sinks import Arrivals
from sandbox.loss.trial import Trial


@dataclass
class Sink:
    arrivals: Arrivals = field(default_factory=Arrivals)
    objects: dict[str, Any] = field(default_factory=lambda: {"/bucket/otlp/quarantine/x": ()})


class Still:
    """A rig that does not run: two sinks, one of which takes audit records only."""

    def __init__(self) -> None:
        self.sinks = {"archive": Sink(), "newrelic": Sink()}
        self.archive = self.sinks["archive"]
        self.config: dict[str, Any] = {"exporters": {"otlp_http/newrelic": {}}}
        self.pages: list[str] = []
        self.page = ""

    def expected(self) -> dict[str, set[str]]:
        return {"audit": {"archive"}, "access": {"archive", "newrelic"}}

    def metrics(self) -> str:
        return self.page


def trial() -> tuple[Trial, Still]:
    """Return a trial of four records, two before and two during a fault, all of them where they should be."""
    rig = Still()
    found = Trial(cast("Rig", rig), 1, 1, 1, lambda _: None, Ledger(run="x"))
    ledger = found.ledger
    for number, item in enumerate(ledger.stamp(["audit", "access", "audit", "access"])):
        ledger.sending([item], float(number))
        ledger.answered([item], "200", float(number))
        for sink in rig.expected()[item.kind]:
            rig.sinks[sink].arrivals.first[item.uid] = number + 0.5
            rig.sinks[sink].arrivals.times[item.uid] = 1
    found.window = (1.5, 4.0)
    return found, rig


def result(found: Trial, *, spill_holds: bool = True) -> Result:
    return audit(found, "x", 1.0, ["archive"], spill_holds=spill_holds)


def test_a_trial_in_which_everything_arrived_passes() -> None:
    found, _ = trial()
    assert result(found).problems == ()
    assert result(found).sinks["newrelic"].expected == 2


@pytest.mark.parametrize("sink", ["archive", "newrelic"])
def test_one_record_missing_at_one_sink_is_a_loss(sink: str) -> None:
    found, rig = trial()
    rig.sinks[sink].arrivals.first.popitem()
    assert result(found).problems == (f"1 acknowledged records lost at {sink}",)


def test_a_record_that_was_not_acknowledged_is_no_loss() -> None:
    found, rig = trial()
    uid, _ = rig.sinks["newrelic"].arrivals.first.popitem()
    found.ledger.acknowledged.discard(uid)
    assert result(found).passed


def test_a_record_that_came_twice_is_counted_and_no_problem() -> None:
    found, rig = trial()
    uid = next(iter(rig.sinks["archive"].arrivals.times))
    rig.sinks["archive"].arrivals.times[uid] += 2
    assert result(found).sinks["archive"].duplicates == 2
    assert result(found).passed


def test_a_healthy_sink_that_gets_slow_during_the_fault_is_affected() -> None:
    found, rig = trial()
    late = list(rig.sinks["archive"].arrivals.first)[-1]
    rig.sinks["archive"].arrivals.first[late] += 10
    assert "archive was affected: p99 rose from 0.50 s to 10.50 s" in result(found).problems


def test_a_refusal_during_the_fault_is_a_problem_unless_the_spill_was_full() -> None:
    found, _ = trial()
    found.ledger.answered([], "503", 2.0)
    assert result(found).problems == ("1 requests refused although no spill was full",)
    assert result(found, spill_holds=False).passed


def test_an_answer_upon_which_a_client_gives_up_is_a_problem() -> None:
    found, _ = trial()
    found.ledger.answered([], "500", 2.0)
    assert "500" in result(found).problems[0]


def test_a_record_nobody_sent_is_a_problem() -> None:
    found, rig = trial()
    rig.sinks["archive"].arrivals.first["stranger"] = 1.0
    assert result(found).problems == ("1 records arrived that were never sent",)


def test_a_mark_of_the_spill_that_reaches_a_sink_is_a_problem() -> None:
    found, rig = trial()
    rig.sinks["newrelic"].arrivals.marks_left = 3
    assert result(found).problems == ("3 records at newrelic bear the spill's mark",)


def test_a_trial_that_proves_nothing_fails() -> None:
    found, rig = trial()
    found.ledger.acknowledged.clear()
    rig.archive.objects.clear()
    problems = result(found, spill_holds=False).problems
    assert Counter("proves nothing" in item for item in problems)[True] == 2


def test_what_a_sink_refused_for_good_is_shown_as_dropped_unless_a_hop_sends_it_again() -> None:
    found, rig = trial()
    rig.page = 'otelcol_exporter_send_failed_log_records{error_permanent="true",exporter="otlp_http/newrelic"} 7\n'
    assert result(found).dropped == {"refused by newrelic": 7}
    rig.config["exporters"]["otlp_http/hop-newrelic"] = {}
    assert result(found).dropped == {}


def test_the_long_form_keeps_each_case_and_makes_its_fault_ten_minutes() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    for case in CASES:
        long = lengthened(case)
        assert long.seconds == 600
        assert long.scale.queue_bytes >= case.scale.queue_bytes
        assert long.scale.spill_bytes >= case.scale.spill_bytes
