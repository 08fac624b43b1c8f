"""Every alert on the collector's own metrics, seen to fire and to stay silent on a real collector.

The real pages are scraped step by step while things are broken and mended; the committed rule file is then evaluated
over those scrapes by promtool, with a minute between them (tests/scrapes.py says what is stretched). At every moment
that a test names, exactly the alerts it names are firing.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.documents.alerts.rules import rules_file
from infra.policy.alerts import Kind
from infra.policy.alerts.metrics import COLLECTOR_METRICS, Presence
from tests import alert_stories, promtool
from tests.alert_stories import Story
from tests.factories import ROOT, policy
from tests.promtool import Moment
from tests.scrapes import STEP_SECONDS, Scrapes

pytestmark = pytest.mark.collector
RULES = ROOT / rules_file("sandbox")


@pytest.fixture(name="broken", scope="module")
def _broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with alert_stories.broken(tmp_path_factory.mktemp("broken")) as story:
        yield story


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


@pytest.fixture(name="changing", scope="module")
def _changing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with alert_stories.changing(tmp_path_factory.mktemp("changing")) as story:
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


@pytest.fixture(name="starved", scope="module")
def _starved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with alert_stories.starved(tmp_path_factory.mktemp("starved")) as story:
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
