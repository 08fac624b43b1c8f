"""An answer as a table for people, as JSON lines or as CSV, row by row as it is fetched."""

import csv
import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import islice
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

ROWS_IN_A_TABLE = 1_000
"""Rows that a table shows at most: it has to be held to be laid out. The other forms have no limit."""
_RISKY = ("=", "+", "-", "@", "\t", "\r")


class Output(StrEnum):
    """How rows are written."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"


def write(output: Output, columns: Sequence[str], rows: Iterable[Sequence[Any]], to: TextIO) -> int:
    """Write `rows` to `to` and return how many there were."""
    match output:
        case Output.TABLE:
            return _table(columns, rows, to)
        case Output.JSONL:
            return _jsonl(columns, rows, to)
        case Output.CSV:
            return _csv(columns, rows, to)


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]], to: TextIO) -> int:
    following = iter(rows)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        # What somebody wants to copy is never cut.
        table.add_column(column, overflow="fold")
    shown = 0
    for row in islice(following, ROWS_IN_A_TABLE):
        table.add_row(*("" if value is None else _printable(str(value)) for value in row))
        shown += 1
    console = Console(file=to, highlight=False, markup=False, soft_wrap=False)
    if shown:
        console.print(table)
    rest = sum(1 for _ in following)
    if rest:
        console.print(f"... and {rest:,} more rows: ask for jsonl or csv")
    return shown + rest


def _jsonl(columns: Sequence[str], rows: Iterable[Sequence[Any]], to: TextIO) -> int:
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007 - the last one is how many there were
        to.write(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n")
    return count


def _csv(columns: Sequence[str], rows: Iterable[Sequence[Any]], to: TextIO) -> int:
    writer = csv.writer(to, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for count, row in enumerate(rows, start=1):  # noqa: B007 - the last one is how many there were
        writer.writerow([_no_formula(value) for value in row])
    return count


def _no_formula(value: Any) -> Any:
    """Return `value` so that a spreadsheet takes it for text: log text is written by strangers (CWE-1236)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_RISKY) else value


def _printable(text: str) -> str:
    """Return `text` without characters that a terminal acts on."""
    return "".join(character if character.isprintable() else " " for character in text)
