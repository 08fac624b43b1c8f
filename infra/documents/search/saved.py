"""Questions as they are saved in Athena: statements rendered once, completed with a stack's classes and hours.

`python -m infra.render` writes a file for each question and kind of table, from the text that DuckDB executes
(statement.py). A deployment only completes what is written there: sqlglot would take it most of a second.
"""

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.documents.search.questions import QUESTIONS, WINDOW, Question, Subject
from infra.documents.search.tables import Source, table_name

FOLDER = Path(__file__).parent / "athena"
ANY_CLASS, NO_HOURS = "any", 0
"""What a rendered statement has in the place of a class, and of the hours of `search.late_hours`."""
_CLASSES = re.compile(r"(?<=^WITH stored AS \(\n).*?(?=\n\), everything AS \($)", re.DOTALL | re.MULTILINE)
_UNION = "\n  UNION ALL\n"


@dataclass(frozen=True)
class Saved:
    """A question put to tables, as text for Athena with `:name` for each value."""

    asked: Question
    text: str

    @property
    def parameters(self) -> tuple[str, ...]:
        """Return the names of the values in the order in which Athena takes them, repetitions included."""
        return tuple(self._values().findall(self.text))

    def athena(self) -> str:
        """Return Athena's text, with a `?` for each of `parameters`."""
        return self._values().sub("?", self.text)

    def _values(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![\w:]):({'|'.join(item.name for item in (*self.asked.parameters, *WINDOW))})\b")


def sources(asked: Question) -> tuple[Source, ...]:
    """Return the kinds of tables that can answer: what the collector wrote and what CloudWatch exported, or the reads."""
    return (Source.READS,) if asked.subject is Subject.READS else (Source.COLLECTED, Source.EXPORTED)


def path(asked: Question, source: Source) -> Path:
    """Return the file of a question's rendered statement."""
    return FOLDER / f"{asked.name}.{source.value}.sql"


def every() -> Iterable[tuple[Question, Source]]:
    """Yield each question with each kind of table that can answer it."""
    for asked in QUESTIONS:
        for source in sources(asked):
            yield asked, source


def saved(asked: Question, source: Source, classes: Sequence[str], late_hours: int) -> Saved:
    """Return the whole question, put to the tables of `classes` (a question about reads is put to none of them)."""
    text = _rendered(path(asked, source)).replace(f"INTERVAL '{NO_HOURS}' HOUR", f"INTERVAL '{late_hours}' HOUR")

    def of_each(one: re.Match[str]) -> str:
        return _UNION.join(one[0].replace(table_name(ANY_CLASS, source), table_name(cls, source)) for cls in classes)

    return Saved(asked, text if source is Source.READS else _CLASSES.sub(of_each, text, count=1))


@functools.cache
def _rendered(file: Path) -> str:
    return file.read_text(encoding="utf-8").rstrip("\n")
