"""Labelled lines: what is sent, which values in it are sensitive and which texts must stay readable."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from infra.model import Model
from infra.problems import InputError, Problem, Refused, from_validation
from sandbox.score.leaves import pieces_missing, texts_of
from sandbox.score.readable import Readable

FORMAT = '{"id": ..., "line": ... or "record": {...}, "sensitive": [{"value": ..., "rule": ...}], "harmless": [...]}'
SHORTEST_VALUE = 3
"""Characters below which nothing could be said about a value's presence."""


class Label(Model):
    """One sensitive value that stands in the line, and the rule that is expected to find it."""

    value: Annotated[str, Field(min_length=SHORTEST_VALUE, repr=False)]
    rule: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{2,30}$")]


class Scope(Model):
    """An instrumentation scope as a record brings it."""

    name: str = ""
    version: str = ""
    attributes: dict[str, Any] = Field(default_factory=dict)


class Record(Model):
    """A log record as an SDK sends it; values are what JSON can hold."""

    body: Any = None
    attributes: dict[str, Any] = Field(default_factory=dict)
    resource: dict[str, Any] = Field(default_factory=dict)
    scope: Scope = Field(default_factory=Scope)
    event_name: str = ""
    severity_text: str = ""


class Labelled(Model):
    """One labelled line."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    line: Annotated[str | None, Field(repr=False)] = None
    """A line of container stdout: JSON or plain text."""
    record: Annotated[Record | None, Field(repr=False)] = None
    sensitive: tuple[Label, ...] = ()
    harmless: tuple[Annotated[str, Field(min_length=1)], ...] = ()

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.line is None) == (self.record is None):
            raise Refused("give exactly one of line and record", "line or record")
        return self

    @model_validator(mode="after")
    def _labels_stand_in_the_line(self) -> Self:
        # A label that is not there would count as well redacted whatever the collector does.
        texts = tuple(texts_of(self.sent))
        there = Readable(texts)
        for position, label in enumerate(self.sensitive):
            if label.value not in there:
                raise Refused(
                    "the value does not stand in the line", "a value that can be read in it", f"sensitive.{position}"
                )
        for position, text in enumerate(self.harmless):
            if pieces_missing(text, texts):
                raise Refused(
                    "the text does not stand in the line", "a text that can be read in it", f"harmless.{position}"
                )
        return self

    @property
    def sent(self) -> Any:
        """Return what is sent as a plain value: text, or the record's parts."""
        return self.line if self.record is None else self.record.model_dump()


@dataclass(frozen=True)
class Source:
    """A file of labelled lines as read."""

    name: str
    lines: tuple[Labelled, ...]


def read_labelled(*paths: Path) -> Source:
    """Return the labelled lines of `paths`. Raises InputError with every bad line's number and key, never a value."""
    problems: list[Problem] = []
    found = [line for path in paths for line in _lines(path, problems)]
    doubled = sum(count - 1 for count in Counter(line.id for line in found).values())
    shown = ", ".join(str(path) for path in paths) or "LABELLED"
    if doubled:
        problems.append(Problem(shown, "id", f"{doubled} ids stand twice", "an id of its own for each line"))
    if not found and not problems:
        problems.append(Problem(shown, "(whole file)", "no lines", FORMAT))
    if problems:
        raise InputError(problems)
    return Source(", ".join(path.name for path in paths), tuple(found))


def _lines(path: Path, problems: list[Problem]) -> list[Labelled]:
    try:
        raw = path.read_text(encoding="utf-8")
    except OSError as error:
        problems.append(Problem(str(path), "(whole file)", error.strerror or "cannot be read", "a readable file"))
        return []
    except UnicodeDecodeError:
        problems.append(Problem(str(path), "(whole file)", "not UTF-8", "JSON lines in UTF-8"))
        return []
    found: list[Labelled] = []
    for number, text in _numbered(raw):
        where = f"{path}:{number}"
        try:
            found.append(Labelled.model_validate(json.loads(text)))
        except json.JSONDecodeError as error:
            problems.append(Problem(where, f"column {error.colno}", "not JSON", FORMAT))
        except ValidationError as error:
            problems += [_with_format(item) for item in from_validation(where, error)]
    return found


def _numbered(raw: str) -> Iterator[tuple[int, str]]:
    # Not splitlines(): it also splits at characters that may stand inside a JSON string, as U+2028.
    return ((number, text) for number, text in enumerate(raw.split("\n"), 1) if text.strip())


def _with_format(problem: Problem) -> Problem:
    return (
        problem
        if problem.allowed and "policy/schemas" not in problem.allowed
        else Problem(problem.file, problem.key, problem.wrong, FORMAT)
    )
