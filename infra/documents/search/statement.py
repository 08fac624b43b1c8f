"""A question as one statement, from one text: for Athena and for DuckDB, each value by name.

The text is Trino's SQL; sqlglot reads it and writes both dialects. Values never become part of a statement by hand:
they are handed over beside it, or written as literals by sqlglot. What is saved in Athena is rendered here once and
committed (saved.py), so that no deployment waits for sqlglot.
"""

# ruff: noqa: S608 - what is put together here is this program's own text; values go beside it
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlglot
from sqlglot import exp

from infra.documents.search import records, saved
from infra.documents.search.questions import Question, Subject
from infra.documents.search.tables import Source

SOURCE_DIALECT = "trino"


@dataclass(frozen=True)
class Statement:
    """A question put to tables."""

    tree: exp.Expr

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return the names of the values, each once."""
        return tuple(sorted({found.name for found in _placeholders(self.tree)}))

    def athena(self) -> str:
        """Return Athena's text, with `:name` for each value."""
        return self.tree.sql("athena", pretty=True)

    def athena_with(self, values: Mapping[str, str]) -> str:
        """Return Athena's text with `values` in it as literals, to be pasted where nothing can be handed over beside."""
        tree = self.tree.copy()
        for found in _placeholders(tree):
            found.replace(exp.Literal.string(values[found.name]))
        return tree.sql("athena", pretty=True)

    def duckdb(self) -> str:
        """Return DuckDB's text, with `$name` for each value."""
        return self.tree.sql("duckdb")


def whole(asked: Question, source: Source, classes: Sequence[str], late_hours: int) -> Statement:
    """Return the whole question in one statement."""
    matching = _matching(asked, source, classes, late_hours)
    return _parsed(f"{matching}, {_found(asked, source)} {asked.answer}")


def first_half(asked: Question, source: Source, classes: Sequence[str], late_hours: int) -> Statement:
    """Return the statement that finds the records that match: what can be asked of one object after the other."""
    return _parsed(f"{_matching(asked, source, classes, late_hours)} SELECT * FROM matching")


def second_half(asked: Question, source: Source) -> Statement:
    """Return the statement that answers from a table `matching`, which holds what the first halves found."""
    return _parsed(f"WITH {_found(asked, source)} {asked.answer}")


def source_of(asked: Question, form: Source) -> Source:
    """Return what the question is put to, where records are asked for in `form`."""
    return Source.READS if asked.subject is Subject.READS else form


def rendered() -> dict[Path, str]:
    """Return path -> text of the statements that are saved in Athena, complete but for classes and hours (saved.py)."""
    return {
        saved.path(asked, source): f"{whole(asked, source, [saved.ANY_CLASS], saved.NO_HOURS).athena()}\n"
        for asked, source in saved.every()
    }


def columns(asked: Question, source: Source) -> tuple[str, ...]:
    """Return the columns of `matching`: those that the question names, and what tells records apart."""
    named = {"uid", "event_time", *re.findall(r"\w+", f"{asked.matching} {asked.answer}")}
    return tuple(column for column in records.columns(source) if column in named)


def _matching(asked: Question, source: Source, classes: Sequence[str], late_hours: int) -> str:
    return (
        f"WITH stored AS ({records.stored(source, classes)}), "
        f"everything AS ({records.rows(source, late_hours)}), "
        f"matching AS (SELECT {', '.join(columns(asked, source))} FROM everything "
        f"WHERE event_time >= :since AND event_time < :until AND {asked.matching})"
    )


def _found(asked: Question, source: Source) -> str:
    # Delivery is at least once, and an export may have been tried again: what has one uid is one record.
    shown = ", ".join(columns(asked, source))
    return (
        f"found AS (SELECT {shown} FROM (SELECT {shown}, row_number() OVER (PARTITION BY uid ORDER BY event_time) "
        f"AS copy FROM matching) AS copies WHERE copy = 1)"
    )


def _parsed(text: str) -> Statement:
    return Statement(sqlglot.parse_one(text, read=SOURCE_DIALECT))


def _placeholders(tree: exp.Expr) -> list[exp.Placeholder]:
    return list(tree.find_all(exp.Placeholder))
