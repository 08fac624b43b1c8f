"""A question answered on this machine: DuckDB over the archive's objects, streamed, a bounded piece at a time.

The statement that Athena would be given is asked in two halves (infra/documents/search/statement.py): the first of
one batch of records after the other, the second of all that the first halves found.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.archive.errors import ArchiveError
from infra.archive.objects import ArchiveObject
from infra.archive.search_lines import lines
from infra.archive.search_places import partition_of
from infra.documents.search.questions import Question
from infra.documents.search.shapes import duckdb_type
from infra.documents.search.statement import columns, first_half, second_half
from infra.documents.search.tables import Source, Table

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ENGINE_MEMORY = "120MB"
"""What DuckDB may hold; beyond it, it writes to the directory that it is given."""
BATCH_BYTES = 2 * 1024**2
"""How much text is put to the engine at a time. It takes about 20 times as much memory for it (DuckDB 2.0, measured)."""
BATCH_PARTITIONS = 200
"""Each is an open file."""
LARGEST_LINE_BYTES = 4 * 1024**2
"""A record: the collector cuts one above 500,000 bytes, which JSON's escapes can make longer."""
NEEDS_RESTORE = ("GLACIER", "DEEP_ARCHIVE")
ROWS_AT_A_TIME = 500
NAMED = 5
"""Objects that somebody is told the names of."""


@dataclass
class Seen:
    """What was looked at on the way to an answer."""

    objects: int = 0
    stored_bytes: int = 0
    """Bytes read from S3, packed: what Athena bills by."""
    records: int = 0
    to_restore: int = 0
    """Objects in an archival class, which have to be restored before they can be read."""
    asleep: list[ArchiveObject] = field(default_factory=list)
    """The first of them, up to NAMED."""


@dataclass(frozen=True)
class Asked:
    """A question with everything that it needs to be put."""

    question: Question
    source: Source
    values: Mapping[str, str]
    """By parameter, pseudonyms in place; since and until are among them."""
    needles: tuple[bytes, ...]
    """Text that every record which answers holds: others need not be put to the engine."""
    late_hours: int


class Engine:
    """DuckDB in a directory of its own, which whoever makes it removes. Close it, or use it as a context."""

    def __init__(self, directory: Path) -> None:
        import duckdb  # noqa: PLC0415 - no other command on archives should wait for it

        self._batch = directory / "batch"
        self._connection = duckdb.connect(
            str(directory / "found.duckdb"),
            config={
                "memory_limit": ENGINE_MEMORY,
                "threads": 1,
                "temp_directory": str(directory / "spill"),
                "preserve_insertion_order": False,
            },
        )

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def gather(
        self,
        s3: "S3Client",
        asked: Asked,
        work: Iterable[tuple[str, Table, Iterable[ArchiveObject]]],
        done: Callable[[ArchiveObject], None],
    ) -> Seen:
        """Look through the objects of each (class, table), keep what matches, and return what was looked at.

        Raises ArchiveError for an object that cannot be read whole, unless it only has to be restored.
        """
        seen = Seen()
        declared = ", ".join(f"{name} VARCHAR" for name in columns(asked.question, asked.source))
        self._connection.execute(f"CREATE OR REPLACE TABLE matching ({declared})")
        for cls, table, items in work:
            put = self._putting(asked, cls, table)
            with closing(_Batch(self._batch / table.name)) as batch:
                for item in items:
                    try:
                        self._take(s3, asked, table, item, batch, seen, put)
                    except ArchiveError:
                        if item.storage_class not in NEEDS_RESTORE:
                            raise
                        seen.to_restore += 1
                        if seen.to_restore <= NAMED:
                            seen.asleep.append(item)
                    done(item)
                put(batch)
        return seen

    def answer(self, asked: Asked) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """Return the names of the answer's columns, and its rows as they are fetched."""
        statement = second_half(asked.question, asked.source)
        found = self._connection.execute(statement.duckdb(), _of(asked.values, statement.parameters))
        return [column[0] for column in found.description], _fetched(found)

    def _take(
        self,
        s3: "S3Client",
        asked: Asked,
        table: Table,
        item: ArchiveObject,
        batch: "_Batch",
        seen: Seen,
        put: "Callable[[_Batch], None]",
    ) -> None:
        seen.objects += 1
        seen.stored_bytes += item.size_bytes
        partition = partition_of(table, item.key)
        for line in lines(s3, item, asked.source):
            seen.records += 1
            if all(needle in line for needle in asked.needles):
                batch.add(partition, line)
                if batch.full:
                    put(batch)

    def _putting(self, asked: Asked, cls: str, table: Table) -> "Callable[[_Batch], None]":
        """Return what puts a batch of the class's records to the engine and empties it."""
        statement = first_half(asked.question, asked.source, [cls], asked.late_hours)
        text, values = f"INSERT INTO matching {statement.duckdb()}", _of(asked.values, statement.parameters)

        def put(batch: "_Batch") -> None:
            if batch.size:
                batch.close()
                self._connection.execute(view(table, batch.directory))
                self._connection.execute(text, values)
                batch.clear()

        return put


def view(table: Table, directory: Path) -> str:
    """Return DuckDB's statement that makes `table` of the JSON lines below `directory`, laid out by partition."""
    shapes = ", ".join(f"'{name}': '{duckdb_type(shape)}'" for name, shape in table.columns.items())
    options = (
        f"format = 'newline_delimited', columns = {{{shapes}}}, hive_partitioning = true, hive_types_autocast = false, "
        f"maximum_object_size = {LARGEST_LINE_BYTES}"
    )
    files = f"read_json('{directory}/**/*.json*', {options})"
    # Names and types are the program's own, and so is the directory.
    return f"CREATE OR REPLACE TEMP VIEW {table.name} AS SELECT * FROM {files}"  # noqa: S608


class _Batch:
    """Lines on disk, a file a partition, in directories named as Hive names partitions."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.size = directory, 0
        self._files: dict[Path, Any] = {}

    @property
    def full(self) -> bool:
        return self.size > BATCH_BYTES or len(self._files) > BATCH_PARTITIONS

    def add(self, partition: Mapping[str, str], line: bytes) -> None:
        path = self.directory.joinpath(*(f"{name}={value}" for name, value in partition.items()), "lines.json")
        if path not in self._files:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._files[path] = path.open("wb")
        self._files[path].write(line + b"\n")
        self.size += len(line)

    def close(self) -> None:
        for file in self._files.values():
            file.close()

    def clear(self) -> None:
        for path in self._files:
            path.unlink()
        self._files, self.size = {}, 0


def _of(values: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    return {name: values[name] for name in names}


def _fetched(found: Any) -> Iterator[tuple[Any, ...]]:
    while rows := found.fetchmany(ROWS_AT_A_TIME):
        yield from rows
