"""The nightly export ends complete and without duplicates, whatever crashes, fails, is slow or runs twice."""

import datetime
import gzip
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from infra.export import chain, days
from infra.export.ledger import World
from infra.export.problems import LaterError
from infra.export.step import Report, take_step
from infra.export.targets import Target
from tests.export_fake import TAKES, Account, Crash, FakeLogs, Watched, account_with
from tests.export_memory import MemoryKms, MemoryS3

START = datetime.datetime(2026, 11, 20, 9, tzinfo=datetime.UTC)
AUDIT = Target("audit", "/test/audit", "audit-archive", 90, 400, 800)
CLIENT = Target("client", "/test/client", "client-archive", 7, 400, 800)
TARGETS = [AUDIT, CLIENT]
QUARTER = datetime.timedelta(minutes=15)


class Run:
    """One run of the export, which crashes or meets another run at a certain call."""

    def __init__(self, account: Account, assignment: Any, at: int | None = None, then: Any = None) -> None:
        self.account, self.calls, self.at, self.then = account, 0, at, then
        clients = (FakeLogs(account), account.s3, account.kms)
        self.world = World(assignment, *(Watched(client, self._tell) for client in clients))

    def _tell(self) -> None:
        self.calls += 1
        if self.calls == self.at:
            self.then()

    def take(self) -> Report | None:
        """Take one step; None when it crashed or was told to come later."""
        try:
            return take_step(self.world, self.account.now)
        except (Crash, LaterError):
            return None


def links(account: Account, target: Target) -> list[chain.Link]:
    """Return a group's chain, the first link first."""
    listed = account.s3.list_objects_v2(Bucket=target.bucket, Prefix=chain.folder(target)).get("Contents", [])
    found = []
    for item in reversed(listed):
        stored = account.s3.get_object(Bucket=target.bucket, Key=item["Key"])["Body"].read()
        found.append(chain.loads(stored, item["Key"], target))
    return found


def exported(account: Account, target: Target, link: chain.Link) -> Counter[str]:
    """Return the uids in the objects that a manifest names."""
    uids: Counter[str] = Counter()
    for item in link.body["objects"]:
        text = gzip.decompress(account.s3.get_object(Bucket=target.bucket, Key=item["key"])["Body"].read()).decode()
        uids.update(json.loads(line.split(" ", 1)[1])["uid"] for line in text.splitlines())
    return uids


def settle(account: Account, assignment: Any) -> None:
    """Run as the schedule does until nothing is left to do."""
    for _ in range(400):
        report = Run(account, assignment).take()
        assert report is None or not report.problems, report
        if report is not None and report.kind == "nothing":
            return
        account.advance(TAKES if report is not None and report.kind == "wait" else QUARTER)
    raise AssertionError("the plan never became empty")


class Export(RuleBasedStateMachine):
    """Two groups: one with counts of the collector's archive, one that CloudWatch keeps for a week only."""

    afterwards = (20, datetime.timedelta(hours=20))
    """How often, and after how long each time, the schedule settles once the history has ended: until every day of it
    has its last export."""
    happened: Counter[str] = Counter()  # noqa: RUF012 - of all histories together
    """How often what goes wrong went wrong, in all histories."""

    def services(self) -> tuple[Any, Any]:
        """Return S3 and KMS that hold nothing yet."""
        return MemoryS3(), MemoryKms()

    @initialize()
    def begin(self) -> None:
        made = START - datetime.timedelta(days=2)
        self.account, self.assignment = account_with(TARGETS, START, made, *self.services())
        self.number = 0
        self.log(0, 30)
        self.log(1, 30)

    @rule(which=st.integers(0, 1), hours=st.integers(0, 14 * 24))
    def log(self, which: int, hours: int) -> None:
        """Send a record that is `hours` old to both archives."""
        target, moment = TARGETS[which], self.account.now - datetime.timedelta(hours=hours)
        self.number += 1
        uid = f"{target.cls}-{self.number}"
        if moment >= self.account.groups[target.log_group] and self.account.put(target.log_group, moment, uid):
            self.account.collect(str(target.bucket), moment, uid)

    @rule(hours=st.sampled_from([1, 3, 14, 26]))
    def wait(self, hours: int) -> None:
        self.account.advance(datetime.timedelta(hours=hours))

    @rule(runs=st.integers(1, 6))
    def run(self, runs: int) -> None:
        for _ in range(runs):
            Run(self.account, self.assignment).take()
            self.account.advance(QUARTER)

    @rule(call=st.integers(1, 40))
    def crash(self, call: int) -> None:
        def end() -> None:
            self.happened["crash"] += 1
            raise Crash

        Run(self.account, self.assignment, call, end).take()
        self.account.advance(datetime.timedelta(minutes=1))

    @rule(call=st.integers(1, 40))
    def meet_another_run(self, call: int) -> None:
        def meet() -> None:
            self.happened["another run"] += 1
            Run(self.account, self.assignment).take()

        Run(self.account, self.assignment, call, meet).take()
        self.account.advance(datetime.timedelta(minutes=1))

    @rule(outcomes=st.lists(st.sampled_from(["FAILED", "CANCELLED", "COMPLETED"]), max_size=3))
    def fail(self, outcomes: list[str]) -> None:
        self.account.outcomes = list(outcomes)

    @rule(calls=st.integers(1, 3))
    def throttle(self, calls: int) -> None:
        self.happened["throttled"] += calls
        self.account.throttled = calls

    @precondition(lambda self: hasattr(self, "account"))
    @invariant()
    def one_task_at_a_time(self) -> None:
        assert self.account.most_active <= 1

    def teardown(self) -> None:
        if not hasattr(self, "account"):
            return
        settle(self.account, self.assignment)
        newest = days.of(self.account.now)
        self.happened.update(task.state for task in self.account.tasks)
        times, pause = self.afterwards
        for _ in range(times):
            self.account.advance(pause)
            settle(self.account, self.assignment)
        for target in TARGETS:
            self.complete(target, newest)

    def complete(self, target: Target, newest: datetime.date) -> None:
        found = links(self.account, target)
        assert [link.sequence for link in found] == list(range(1, len(found) + 1))
        assert [link.body["previous"] for link in found] == [None, *(link.digest for link in found[:-1])]
        for link in found:
            assert self.account.kms.verify(
                KeyId=self.assignment.signing_key,
                Message=link.text,
                MessageType="RAW",
                Signature=link.signature,
                SigningAlgorithm="ECDSA_SHA_256",
            )["SignatureValid"]
        announced = {it["attributes"]["export.digest"] for it in self.account.announced}
        assert {link.digest for link in found} <= announced
        exports = [link.body for link in found if link.body["kind"] == "export"]
        attempts = Counter((body["day"], body["attempt"]) for body in exports)
        assert set(attempts.values()) <= {1}, "an attempt stands in two manifests"
        named = Counter(item["key"] for body in exports for item in body["objects"])
        assert set(named.values()) <= {1}, "an object stands in two manifests"
        state = found[-1].state
        assert state.first is not None
        by_day = {link.body["day"]: link for link in found if link.body["kind"] == "export"}
        gaps = {link.body["day"]: link for link in found if link.body["kind"] == "gap"}
        for day in days.days(state.first, newest):
            assert state.done(day), f"{day} of {target.log_group} is not done with"
            if lost := gaps.get(day.isoformat()):
                written = datetime.datetime.fromisoformat(lost.body["written"])
                assert days.gone(day, target.hot_days) <= written, f"{day} could still have been exported"
                continue
            link = by_day[day.isoformat()]
            taken = exported(self.account, target, link)
            assert set(taken.values()) <= {1}, "a record stands in an export twice"
            assert sum(taken.values()) == link.body["records"]
            begin, until = (int(it.timestamp() * 1000) for it in (days.start(day), days.end(day)))
            held = {it.uid for it in self.account.events.get(target.log_group, ()) if begin <= it.time_ms < until}
            kept_for_late_records = days.last(day, target.hot_days) >= days.end(day) + days.LATE
            if kept_for_late_records:
                assert set(taken) == held, f"{day} of {target.log_group}"
            else:
                task = datetime.datetime.fromisoformat(link.body["task"]["created"])
                came = {
                    it.uid
                    for it in self.account.events.get(target.log_group, ())
                    if begin <= it.time_ms < until and it.arrived < task
                }
                assert not link.body["whole"] or came <= set(taken) <= held


Export.TestCase.settings = settings(
    max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
test_any_history_ends_complete_and_without_duplicates = pytest.mark.timeout(300)(Export.TestCase)
