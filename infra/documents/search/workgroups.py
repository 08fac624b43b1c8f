"""Which reader group asks which questions of which tables: from policy's `readers.archived`, nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.context import Context
from infra.documents.search.questions import Question, classes_for
from infra.documents.search.saved import every, saved
from infra.documents.search.tables import Source, Table, table_name, tables

GIB = 1024**3
OF_EXPORT = "(Of what CloudWatch exported.)"


@dataclass(frozen=True)
class NamedQuery:
    """One saved question."""

    name: str
    description: str
    text: str


@dataclass(frozen=True)
class WorkGroup:
    """What one reader group searches with."""

    group: str
    name: str
    tables: tuple[str, ...]
    """Names of the tables that it may ask."""
    queries: tuple[NamedQuery, ...]


def workgroups(context: Context) -> dict[str, WorkGroup]:
    """Return a work group for each reader group that may read an archive."""
    data_classes = context.policy.data_classes
    found = {}
    for group in data_classes.reader_groups:
        classes = {name: cls for name, cls in data_classes.classes.items() if group in cls.readers.archived}
        if classes:
            # The trail of reads is open to those who may read the quarantine's class (program.py).
            trail = context.settings.audit_reads and data_classes.quarantine_class in classes
            found[group] = WorkGroup(
                group,
                context.name("search", group),
                tuple(_tables(context, classes, trail)),
                tuple(_queries(context, classes, trail)),
            )
    return found


def scan_limit_bytes(context: Context) -> int:
    """Return how much one question may read."""
    return int(context.policy.data_classes.search.scan_limit_gib.at(context.settings.environment) * GIB)


def _tables(context: Context, classes: Mapping[str, object], trail: bool) -> list[str]:  # noqa: FBT001 - a fact
    every: dict[str, Table] = tables(context)
    wanted = {table_name(cls, source) for cls in classes for source in (Source.COLLECTED, Source.EXPORTED)}
    return [name for name in every if name in wanted or (trail and name == Source.READS)]


def _queries(context: Context, classes: Mapping[str, object], trail: bool) -> list[NamedQuery]:  # noqa: FBT001 - a fact
    data_classes = context.policy.data_classes
    late = data_classes.search.late_hours
    found = []
    for asked, source in every():
        able = classes_for(asked, [(name, data_classes.classes[name]) for name in classes])
        if able or (trail and source is Source.READS):
            found.append(_query(asked, source, able, late))
    return found


def _query(asked: Question, source: Source, classes: tuple[str, ...], late_hours: int) -> NamedQuery:
    """Return a question with its name: its own, where the collector's archive or the reads are asked."""
    statement = saved(asked, source, classes, late_hours)
    order = ", ".join(statement.parameters)
    exported = source is Source.EXPORTED
    return NamedQuery(
        f"{asked.name}-{source.value}" if exported else asked.name,
        f"{asked.asks} {OF_EXPORT}" if exported else asked.asks,
        f"-- {asked.asks}\n-- Parameters, each a text in single quotes, in this order: {order}\n{statement.athena()}",
    )
