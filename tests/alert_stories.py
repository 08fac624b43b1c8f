"""What is done to a real collector, step by step, so that each alert on its metrics has a reason to fire."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.collector_run import Run, batch, collector_run, record
from tests.factories import context, policy
from tests.scrapes import Scrapes, hurried, page, samples

SERVICE = policy().alerts.services[0]
AUDIT = {"logger.name": "mysite.audit"}
QUEUE_BYTES, SPILL_BYTES = 1_000_000, 600_000
LOST_IN_ITS_CLASS, LOST_ON_ITS_WAY = "lost in its class", "lost on its way"
LOST = "otelcol_exporter_send_failed_log_records"
QUEUE_SIZE = 'otelcol_exporter_queue_size{data_type="logs"'
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
        until(self.taken, 90)

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
        """Return whether nothing waits for a sink; what a debug exporter holds is for none."""
        found = samples(page(self.run.collector.metrics_url), "now")
        sizes = [float(value) for name, value in found.items() if name.startswith(QUEUE_SIZE) and "debug/" not in name]
        return bool(sizes) and not any(sizes)


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


@contextmanager
def broken(directory: Path) -> Iterator[Story]:
    """Yield what was scraped while one thing after the other was broken and mended."""
    with collector_run(context("sandbox"), directory, tight) as run:
        story = Story(run)
        story.steps(22)
        story.mark("all is well")
        _sink_down(story)
        _losses(story)
        _killed(story)
        yield story


@contextmanager
def changing(directory: Path) -> Iterator[Story]:
    """Yield what was scraped while more and fewer records came than is usual, then while redaction did nothing."""
    with collector_run(context("sandbox"), directory, unredacted) as run:
        story = Story(run)
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


@contextmanager
def starved(directory: Path) -> Iterator[Story]:
    """Yield what was scraped of a collector that has too little memory."""
    with collector_run(context("sandbox"), directory, short_of_memory) as run:
        story = Story(run)
        until(lambda: not story.taken())
        story.silence(3)
        story.mark("it refuses")
        yield story


def unredacted(document: dict[str, Any]) -> None:
    """Hurry, lose what is told to, and take away every statement that redacts: what is found is then withheld."""
    tight(document)
    for exporter in ("otlp_http/newrelic", "otlp_http/spill-newrelic"):
        document["exporters"][exporter]["sending_queue"]["queue_size"] = 64 * 1024**2
    document["processors"]["transform/redact"]["log_statements"] = []


def short_of_memory(document: dict[str, Any]) -> None:
    """Give the collector less memory than it takes to stand still."""
    document["processors"]["memory_limiter"] = {"check_interval": "50ms", "limit_mib": 12, "spike_limit_mib": 2}


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
