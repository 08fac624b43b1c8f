"""Every alert on the collector's own metrics, seen to fire and to stay silent on a real collector.

The real pages are scraped step by step while things are broken and mended; the committed rule file is then evaluated
over those scrapes by promtool, with a minute between them (tests/scrapes.py says what is stretched). At every moment
that a test names, exactly the alerts it names are firing.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.documents.alerts.rules import rules_file
from infra.policy.alerts import Kind
from infra.policy.alerts.metrics import COLLECTOR_METRICS, Presence
from tests import promtool
from tests.collector_run import Run, batch, collector_run, record
from tests.factories import ROOT, context, policy
from tests.promtool import Moment
from tests.scrapes import STEP_SECONDS, Scrapes, hurried

pytestmark = pytest.mark.collector
RULES = ROOT / rules_file("sandbox")
SERVICE = policy().alerts.services[0]
AUDIT = {"logger.name": "mysite.audit"}
QUEUE_BYTES, SPILL_BYTES = 1_000_000, 600_000
LOST_IN_ITS_CLASS, LOST_ON_ITS_WAY = "lost in its class", "lost on its way"
LOST = "otelcol_exporter_send_failed_log_records"
ENQUEUE_FAILED = "otelcol_exporter_enqueue_failed_log_records"
STEP = 0.1
"""Seconds that a step, a minute of the rules' time, takes."""


@dataclass
class Story:
    """A collector to which one thing after the other happens, and what was scraped meanwhile."""

    run: Run
    scrapes: Scrapes = field(default_factory=Scrapes)
    moments: dict[str, int] = field(default_factory=dict)
    """Name of a moment to its time (s)."""

    def steps(self, count: int, each: Callable[[], None] | None = None) -> None:
        """Let `count` minutes pass; every one brings the usual records, and what `each` does."""
        for _ in range(count):
            self.usual()
            if each:
                each()
            time.sleep(STEP)
            self.scrape()

    def silence(self, count: int) -> None:
        """Let `count` minutes pass in which nobody sends."""
        for _ in range(count):
            self.scrape()

    def scrape(self) -> None:
        self.scrapes.take([self.run.collector.metrics_url, self.run.counts_url])

    def usual(self) -> None:
        """Send what always comes, as a client does that sends again what was refused."""
        until(self.taken)

    def taken(self) -> bool:
        """Send twenty records, of classes that go to every sink, and return whether they were taken."""
        found = [record("b", {**AUDIT, "n": n}) for n in range(10)] + [record("b", {"n": n}) for n in range(10)]
        try:
            self.run.collector.send(batch(found, resource={"service.name": SERVICE}))
        except AssertionError:
            return False
        return True

    def mark(self, name: str) -> None:
        self.moments[name] = self.scrapes.now

    def idle(self) -> bool:
        return self.run.collector.metric("otelcol_exporter_queue_size", data_type="logs") == 0


def until(condition: Callable[[], bool], seconds: float = 25.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        time.sleep(0.05)


def tight(document: dict[str, Any]) -> None:
    """Hurry, leave one sink little room, and put a processor in the way that loses what it is told to lose.

    Its id is `filter` and not `filter/<rule>`: nothing counts what it drops.
    """
    hurried(document)
    for name, size in (("otlp_http/newrelic", QUEUE_BYTES), ("otlp_http/spill-newrelic", SPILL_BYTES)):
        document["exporters"][name]["sending_queue"]["queue_size"] = size
    document["exporters"]["otlp_http/newrelic"]["sending_queue"]["batch"]["max_size"] = 50_000
    lost = [f'body == "{LOST_IN_ITS_CLASS}"', f'body == "{LOST_ON_ITS_WAY}"']
    document["processors"]["filter"] = {"error_mode": "silent", "logs": {"log_record": lost}}
    pipelines = document["service"]["pipelines"]
    pipelines["logs/audit"]["processors"].insert(0, "filter")
    pipelines["logs/to-newrelic"]["processors"].insert(1, "filter")


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Yield what was scraped while one thing after the other was broken and mended."""
    with collector_run(context("sandbox"), tmp_path_factory.mktemp("alerts"), tight) as run:
        story = Story(run)
        story.steps(22)
        story.mark("all is well")
        _sink_down(story)
        _losses(story)
        _killed(story)
        yield story


def _sink_down(story: Story) -> None:
    run = story.run
    run.newrelic.stop()
    story.steps(8, lambda: padding(story))
    story.mark("a sink is down for seven minutes")
    story.steps(24, lambda: padding(story))
    story.mark("a sink is down for half an hour and its queue grows")
    until(lambda: fill(story) and run.collector.metric(ENQUEUE_FAILED, exporter="otlp_http/newrelic") > 0)
    story.steps(7)
    story.mark("its queue is full and the spill takes the rest")
    until(lambda: not fill(story))
    story.silence(2)
    story.mark("the spill is full")
    run.newrelic.start()
    until(story.idle)
    story.steps(20)
    story.mark("the sink is back")


def _losses(story: Story) -> None:
    run = story.run
    run.cloudwatch.faults.fail_next(400)
    run.collector.send(batch([record("refused for good", AUDIT)]))
    until(lambda: run.collector.metric(LOST, error_permanent="true") > 0)
    run.cloudwatch.faults.clear()
    story.steps(2)
    story.mark("a sink refused records for good")
    story.steps(17)
    story.mark("and a quarter of an hour later")
    run.collector.send(batch([record("b", {"note": "hmac-of=0"})]))
    story.steps(2)
    story.mark("a record was withheld")
    story.steps(17)
    story.mark("and nothing since")


def _killed(story: Story) -> None:
    run = story.run
    until(story.idle)
    run.collector.process.kill()
    run.collector.process.wait()
    story.silence(7)
    story.mark("the collector is dead")
    with run.again() as successor:
        run.collector = successor
        story.steps(3)
        story.mark("it was started again")
        story.steps(14)
        run.collector.send(batch([record(LOST_IN_ITS_CLASS, AUDIT)]))
        story.steps(13)
        story.mark("a record got lost in its class")


def padding(story: Story) -> None:
    """Add to the queue of the sink that all classes share."""
    story.run.collector.send(batch([record("x" * 9_000, {})], resource={"service.name": SERVICE}))


def fill(story: Story) -> bool:
    """Send a batch of some size and return whether it was taken."""
    try:
        story.run.collector.send(batch([record("x" * 20_000, {})], resource={"service.name": SERVICE}))
    except AssertionError:
        return False
    return True


LATE = {"send-failing", "delivery-late"}
FULL = {*LATE, "queue-filling", "queue-nearly-full", "spill-in-use"}
BROKEN: dict[str, set[str]] = {
    "all is well": set(),
    "a sink is down for seven minutes": {"send-failing"},
    "a sink is down for half an hour and its queue grows": {*LATE, "queue-full-soon"},
    "its queue is full and the spill takes the rest": {*FULL, "queue-full-soon"},
    "the spill is full": {*FULL, "queue-full-soon", "data-refused"},
    "the sink is back": set(),
    "a sink refused records for good": {"records-lost"},
    "and a quarter of an hour later": set(),
    "a record was withheld": {"records-quarantined"},
    "and nothing since": set(),
    "the collector is dead": {"collector-metrics-missing"},
    "it was started again": {"collector-restarted"},
    "a record got lost in its class": {"collector-restarted", "accounting-gap"},
}
CHANGING: dict[str, set[str]] = {
    "nothing is wrong with redaction": set(),
    "one record in a few is withheld": {"records-quarantined", "redaction-failing"},
    "and nothing since": set(),
    "a record got lost on its way to a sink": {"accounting-gap"},
}
COMPARED: dict[str, tuple[str, set[str]]] = {
    "as usual": ("usual", set()),
    "few": ("as usual", {"ingest-low"}),
    "many": ("few", {"ingest-high"}),
}
"""Name of a day to what came before it in the story, and what it makes fire."""
BY_CHANCE = {"its queue is full and the spill takes the rest": {"data-refused"}}
"""What may fire too: the failover connector can refuse a request in the moment in which it turns to the spill."""
STARVED = {"memory-limited", "data-refused"}
SILENT = {"service-silent"}


def test_exactly_these_fire_while_one_thing_after_the_other_is_broken_and_mended(broken: Story, tmp_path: Path) -> None:
    assert list(BROKEN) == list(broken.moments)
    moments = [
        Moment(name, broken.moments[name], firing, apart_from=BY_CHANCE.get(name, ()))
        for name, firing in BROKEN.items()
    ]
    promtool.evaluate(RULES, broken.scrapes.series(), STEP_SECONDS, moments, tmp_path)


def unredacted(document: dict[str, Any]) -> None:
    """Hurry, lose what is told to, and take away every statement that redacts: what is found is then withheld."""
    tight(document)
    for exporter in ("otlp_http/newrelic", "otlp_http/spill-newrelic"):
        document["exporters"][exporter]["sending_queue"]["queue_size"] = 64 * 1024**2
    document["processors"]["transform/redact"]["log_statements"] = []


@pytest.fixture(scope="module")
def changing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Yield what was scraped while more and fewer records came than is usual, then while redaction did nothing."""
    with collector_run(context("sandbox"), tmp_path_factory.mktemp("changing"), unredacted) as run:
        story = Story(run)
        story.mark("begin")
        for name, count, steps in (("usual", 200, 14), ("as usual", 200, 6), ("few", 16, 6), ("many", 900, 6)):
            for _ in range(steps):
                run.collector.send(batch([record("b", AUDIT)] * count, resource={"service.name": SERVICE}))
                time.sleep(STEP)
                story.scrape()
            story.mark(name)
        story.steps(20)
        story.mark("nothing is wrong with redaction")
        for _ in range(20):
            run.collector.send(batch([record("password=hunter2hunter2", AUDIT)]))
        story.steps(4)
        story.mark("one record in a few is withheld")
        story.steps(18)
        story.mark("and nothing since")
        until(story.idle)
        run.collector.send(batch([record(LOST_ON_ITS_WAY, {})]))
        until(story.idle)
        story.silence(13)
        story.mark("a record got lost on its way to a sink")
        for _ in range(14):
            run.collector.send(batch([record("b", AUDIT)], resource={"service.name": "somebody-else"}))
            story.scrape()
        story.mark("a service is silent")
        yield story


def test_exactly_these_fire_when_redaction_fails_and_when_a_record_gets_lost_on_its_way(
    changing: Story, tmp_path: Path
) -> None:
    moments = [Moment(name, changing.moments[name], firing) for name, firing in CHANGING.items()]
    promtool.evaluate(RULES, changing.scrapes.series(), STEP_SECONDS, moments, tmp_path)


def test_a_service_that_logged_and_stopped_is_told_of(changing: Story, tmp_path: Path) -> None:
    """Here a step is three minutes: half an hour is more than a story should take."""
    found, step = changing.scrapes, 180
    at = {name: second // STEP_SECONDS * step for name, second in changing.moments.items()}
    moments = [Moment(name, at[name], set(), SILENT) for name in ("usual", "many", "and nothing since")]
    moments += [Moment("a service is silent", at["a service is silent"], SILENT, SILENT)]
    promtool.evaluate(RULES, found.series(), step, moments, tmp_path)


@pytest.mark.parametrize("today", COMPARED)
def test_more_or_fewer_records_than_yesterday_are_told_of(changing: Story, tmp_path: Path, today: str) -> None:
    """Here a step is ten minutes, the idle hours in between are the last scrape again, and twenty tasks are alike."""
    step, tasks = 600, 20
    before, firing = COMPARED[today]
    steps = changing.scrapes.steps
    index = {name: second // STEP_SECONDS for name, second in changing.moments.items()}
    yesterday, fresh = steps[: index["usual"]], steps[index[before] + 1 : index[today] + 1]
    start = 24 * 3600 // step + 1 - len(fresh)
    idle = [steps[index["usual"]]] * (start // 2 - len(yesterday)) + [steps[index[before]]] * (start - start // 2)
    day = Scrapes([*yesterday, *idle, *fresh])
    series = {
        name.replace("collector-", f"task-{task}-"): values
        for name, values in day.series().items()
        if name.startswith("otelcol_receiver_accepted_log_records{")
        for task in range(tasks)
    }
    only = {"ingest-low", "ingest-high"}
    promtool.evaluate(RULES, series, step, [Moment(today, 24 * 3600, firing, only)], tmp_path)


def short_of_memory(document: dict[str, Any]) -> None:
    """Give the collector less memory than it takes to stand still."""
    document["processors"]["memory_limiter"] = {"check_interval": "50ms", "limit_mib": 12, "spike_limit_mib": 2}


@pytest.fixture(scope="module")
def starved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Yield what was scraped of a collector that has too little memory."""
    with collector_run(context("sandbox"), tmp_path_factory.mktemp("starved"), short_of_memory) as run:
        story = Story(run)
        time.sleep(0.2)
        for _ in range(3):
            assert not story.taken()
            story.scrape()
        story.mark("it refuses")
        yield story


def test_a_collector_short_of_memory_refuses_and_tells(starved: Story, tmp_path: Path) -> None:
    moment = Moment("it refuses", starved.moments["it refuses"], STARVED)
    promtool.evaluate(RULES, starved.scrapes.series(), STEP_SECONDS, [moment], tmp_path)


ON_THE_WAY_OUT = {"otelcol_processor_incoming_items": {"class", "reason"}} | {
    "otelcol_processor_outgoing_items": {"class", "reason"}
}
"""Labels that only those metrics have that leave for CloudWatch and Datadog (infra/documents/collector/own_metrics.py)."""


@pytest.mark.parametrize("name", COLLECTOR_METRICS)
def test_the_real_pages_have_every_metric_and_label_that_alerts_may_ask_for(
    broken: Story, changing: Story, starved: Story, name: str
) -> None:
    scraped = [key for story in (broken, changing, starved) for step in story.scrapes.steps for key in step]
    found = {key for key in scraped if key.split("{")[0] == name}
    assert found
    labels = {label for key in found for label in re.findall(r'([a-z_]+)="', key)} - {"instance", "job"}
    assert labels == set(COLLECTOR_METRICS[name].labels) - ON_THE_WAY_OUT.get(name, set())


def test_what_is_always_there_is_there_before_anything_happened_and_what_comes_with_an_event_is_not(
    broken: Story,
) -> None:
    healthy = {key.split("{")[0] for step in broken.scrapes.steps[:22] for key in step}
    for name, metric in COLLECTOR_METRICS.items():
        if metric.presence is Presence.EVENT and not metric.counted_by:
            assert name not in healthy
        else:
            assert name in healthy


def test_no_alert_on_the_collectors_metrics_is_missing_here() -> None:
    told = [*BROKEN.values(), *CHANGING.values(), *(firing for _, firing in COMPARED.values()), STARVED, SILENT]
    assert set().union(*told) == {
        name for name, alert in policy().alerts.alerts.items() if alert.kind is Kind.COLLECTOR
    }
