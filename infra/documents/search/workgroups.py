"""Which reader group asks which questions of which tables: from policy's `readers.archived`, nothing else. Pure."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from infra.context import Context
from infra.documents.search.questions import QUESTIONS, Question, Subject, classes_for
from infra.documents.search.statement import whole
from infra.documents.search.tables import Source, Table, table_name, tables

GIB = 1024**3


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
    for asked in QUESTIONS:
        able = classes_for(asked, [(name, data_classes.classes[name]) for name in classes])
        if asked.subject is Subject.READS and trail:
            found.append(_query(asked, Source.READS, (), late))
        elif able:
            found.append(_query(asked, Source.COLLECTED, able, late))
    return found


@functools.cache  # sqlglot takes a tenth of a second for each, and stacks ask the same of the same classes
def _query(asked: Question, source: Source, classes: tuple[str, ...], late_hours: int) -> NamedQuery:
    statement = whole(asked, source, classes, late_hours)
    order = ", ".join(statement.parameters)
    text = f"-- {asked.asks}\n-- Parameters, each a text in single quotes, in this order: {order}\n{statement.athena()}"
    return NamedQuery(asked.name, asked.asks, text)
