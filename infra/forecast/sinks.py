"""What a month costs, line by line: each class at each sink that the policy lets it reach."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from infra.context import Context
from infra.forecast.archive import ArchiveCost, Packing, archive_cost, objects_a_day
from infra.forecast.prices import Cost, Prices, total
from infra.forecast.volume import Volume, percents
from infra.policy.archive import ArchiveRetention
from infra.policy.data_classes import DataClass
from infra.policy.destinations import Destination
from infra.sinks import ARCHIVE, archives

INDEXES = (3, 7, 15, 30)
"""Days for which Datadog has a price of its own; a time between two is billed as the longer."""
OWN = "own metrics"
"""In place of a class: what the collector says of itself."""
OWN_METRICS = "cloudwatch.otlp_metrics"


@dataclass(frozen=True)
class Line:
    """One amount of the bill."""

    sink: str
    cls: str
    what: str
    cost: Cost


@dataclass(frozen=True)
class Choice:
    """What holds for one class: the policy's values, or others that somebody asks about."""

    percents: Mapping[str, float]
    hot_days: int
    archive: ArchiveRetention
    sinks: frozenset[str]
    datadog_days: int


def choices(context: Context) -> dict[str, Choice]:
    """Return what the policy says of each class in this stack's environment."""
    environment = context.settings.environment
    return {
        name: Choice(
            percents(item, environment),
            item.hot_retention_days.at(environment),
            item.archive.at(environment),
            frozenset(_reachable(item)),
            item.datadog.retention_days.at(environment) if item.datadog else 0,  # never there: see sinks
        )
        for name, item in context.policy.data_classes.classes.items()
    }


def in_use(context: Context) -> tuple[str, ...]:
    """Return the priced sinks of this stack."""
    own = [str(name) for name in context.settings.destinations if name is not Destination.LOCAL]
    return (*own, *([ARCHIVE] if archives(context.settings) else []))


def bill(context: Context, volume: Volume, chosen: Mapping[str, Choice], prices: Prices) -> list[Line]:
    """Return every line, of the sinks that the stack does not use too; `in_use` tells which those are."""
    found: list[Line] = []
    for name, item in volume.classes.items():
        choice = chosen[name]
        records = item.kept(choice.percents)
        size = records * item.record_bytes
        lines = [
            *_cloudwatch(name, choice, size, prices),
            *_datadog(context, name, choice, records, size, prices),
            *_archive(context, name, volume, choice, size, prices),
            *_others(name, choice, size, prices),
        ]
        found += [line for line in lines if line.sink in choice.sinks]
    if archives(context.settings):
        # What the collector sends of its own metrics is not measured; with no price it is not known either way.
        found.append(Line(str(Destination.CLOUDWATCH), OWN, "metrics", Cost(unknown=frozenset([OWN_METRICS]))))
    return found


def summed(lines: Iterable[Line], *, sinks: Iterable[str] | None = None, cls: str | None = None) -> Cost:
    """Return the sum of the lines of these sinks and of this class."""
    wanted = set(sinks) if sinks is not None else None
    return total(
        [line.cost for line in lines if (wanted is None or line.sink in wanted) and (cls is None or line.cls == cls)]
    )


def _reachable(item: DataClass) -> list[str]:
    return [*(str(name) for name in item.destinations if name is not Destination.LOCAL), ARCHIVE]


def _cloudwatch(name: str, choice: Choice, size: float, prices: Prices) -> list[Line]:
    month, assumed = prices.assumptions.month_days, prices.assumptions
    sink = str(Destination.CLOUDWATCH)
    held = size * choice.hot_days
    # The log group of every class has a data protection policy (infra/components/log_store.py).
    return [
        Line(sink, name, "ingest", prices.cost("cloudwatch.ingest", size * month)),
        Line(sink, name, "storage", prices.cost("cloudwatch.storage", held * assumed.cloudwatch_stored_share)),
        Line(sink, name, "queries", prices.cost("cloudwatch.scan", held * assumed.scans_a_month)),
        Line(sink, name, "masking", prices.cost("cloudwatch.data_protection", size * month)),
    ]


def _datadog(context: Context, name: str, choice: Choice, records: float, size: float, prices: Prices) -> list[Line]:
    month, sink = prices.assumptions.month_days, str(Destination.DATADOG)
    limit = context.policy.budgets.classes[name].datadog_daily_events
    indexed = min(records, limit.at(context.settings.environment)) if limit else records
    days = next((known for known in INDEXES if choice.datadog_days <= known), choice.datadog_days)
    return [
        Line(sink, name, "ingest", prices.cost("datadog.ingest", size * month)),
        Line(sink, name, f"index {days} d", prices.cost(f"datadog.index.{days}", indexed * month)),
    ]


def packing(context: Context) -> Packing:
    """Return how policy has the collector pack what it archives."""
    objects = context.policy.data_classes.archive_objects
    return Packing(objects.close_at_bytes, objects.wait_seconds.at(context.settings.environment))


def archived(context: Context, name: str, volume: Volume, choice: Choice, prices: Prices) -> ArchiveCost:
    """Return what the archive of a class costs by tier."""
    item = volume.classes[name]
    records = item.kept(choice.percents)
    size = records * item.record_bytes
    return archive_cost(
        choice.archive,
        bytes_a_day=size,
        objects_a_day=objects_a_day(size, records, context.settings.collector.tasks.minimum, packing(context)),
        stored_share=volume.stored_share or prices.assumptions.archive_stored_share,
        prices=prices,
    )


def _archive(context: Context, name: str, volume: Volume, choice: Choice, size: float, prices: Prices) -> list[Line]:
    found = archived(context, name, volume, choice, prices)
    lines = [
        *(Line(ARCHIVE, name, tier, cost) for tier, cost in found.storage.items()),
        Line(ARCHIVE, name, "requests", found.requests),
    ]
    if context.settings.replica:
        sent = size * (volume.stored_share or prices.assumptions.archive_stored_share) * prices.assumptions.month_days
        lines += [
            Line(ARCHIVE, name, "replica", found.total),
            Line(ARCHIVE, name, "replication", prices.cost("s3.replicate", sent)),
        ]
    return lines


def _others(name: str, choice: Choice, size: float, prices: Prices) -> list[Line]:
    month = prices.assumptions.month_days
    return [
        Line(str(Destination.ELASTIC), name, "ingest", prices.cost("elastic.ingest", size * month)),
        Line(str(Destination.ELASTIC), name, "storage", prices.cost("elastic.retention", size * choice.hot_days)),
        Line(str(Destination.NEWRELIC), name, "ingest", prices.cost("newrelic.ingest", size * month)),
        Line(str(Destination.LOGGLY), name, "plan", prices.cost("loggly.plan", size * month)),
    ]
