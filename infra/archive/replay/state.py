"""What a replay has done so far, on disk: a checkpoint that a crash at any moment leaves whole.

One SQLite file holds the place up to which records are done and the uids that were sent, changed in one transaction
for each batch that was acknowledged. So what a crash loses is at most that one transaction: its batch is sent again.
"""

import datetime
import fcntl
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from infra.archive.objects import Form
from infra.archive.replay.errors import ReplayStoppedError
from infra.archive.replay.reading import Place
from infra.archive.window import Window

_TABLES = """
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sent (uid TEXT PRIMARY KEY) WITHOUT ROWID;
"""


@dataclass
class Counts:
    """How many records, over all runs of one replay."""

    sent: int = 0
    """Taken by the collector in replay mode, which keeps them on disk."""
    seen_before: int = 0
    """Met a second time, and not sent again: the archive's forms hold the same records."""
    refused: Counter[str] = field(default_factory=Counter)
    """Taken, but not let through to the sink, by reason."""
    left_out: Counter[str] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)
    """What was said of objects that could not be read to their end and were passed over."""
    killed: int = 0
    """Runs that were ended before they could say what the collector had refused in them."""


class State:
    """The checkpoint of one replay."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.counts, self.place, self.finished = Counts(), None, ""
        self._read()

    place: Place | None
    finished: str
    """When the replay came to its end, as ISO 8601; empty while it has not."""

    def window(self, asked: Window) -> Window:
        """Return the window of the first run; `asked`, which may end now, is noted when this is the first."""
        both = [asked.start.isoformat(), asked.end.isoformat()]
        self._connection.execute("INSERT OR IGNORE INTO note VALUES ('window', ?)", [json.dumps(both)])
        (kept,) = self._connection.execute("SELECT value FROM note WHERE name = 'window'").fetchone()
        return Window(*map(datetime.datetime.fromisoformat, json.loads(kept)))

    def sent_before(self, uids: Sequence[str]) -> set[str]:
        """Return those of `uids` that a batch held that was acknowledged."""
        question = "SELECT uid FROM sent WHERE uid IN (SELECT value FROM json_each(?))"
        return {uid for (uid,) in self._connection.execute(question, [json.dumps(list(uids))])}

    def note(self, place: Place | None, sent: Collection[str]) -> None:
        """Note, all at once, that everything up to `place` is done, `sent` with it, and what the counts are now."""
        self.place = place
        counts = json.dumps(vars(self.counts))
        where = json.dumps(asdict(place)) if place else "null"
        with self._transaction():
            self._connection.executemany("INSERT OR IGNORE INTO sent VALUES (?)", [[uid] for uid in sent])
            self._connection.executemany(
                "INSERT OR REPLACE INTO note VALUES (?, ?)", [("counts", counts), ("place", where)]
            )

    def begin(self) -> None:
        """Note that a run has begun; one that never ends was killed."""
        self.counts.killed += 1
        self.note(self.place, [])

    def end(self) -> None:
        """Note that the run has ended and what was refused in it."""
        self.counts.killed -= 1
        self.note(self.place, [])

    def finish(self, now: datetime.datetime) -> None:
        """Note that everything was sent and arrived; the uids are no longer needed."""
        self.finished = now.isoformat(timespec="seconds")
        self.note(self.place, [])
        with self._transaction():
            self._connection.execute("INSERT OR REPLACE INTO note VALUES ('finished', ?)", [self.finished])
            self._connection.execute("DELETE FROM sent")
        self._connection.execute("VACUUM")

    def _read(self) -> None:
        notes = dict(self._connection.execute("SELECT name, value FROM note"))
        if "counts" in notes:
            found = json.loads(notes["counts"])
            self.counts = Counts(
                **{**found, "refused": Counter(found["refused"]), "left_out": Counter(found["left_out"])}
            )
        if place := json.loads(notes.get("place", "null")):
            self.place = Place(Form(place["form"]), place["key"], place["done"])
        self.finished = notes.get("finished", "")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


@contextmanager
def opened(directory: Path) -> Iterator[State]:
    """Yield the state in `directory`, which is made where it is missing and which one process at a time may hold.

    Raises ReplayStoppedError while another holds it, and for a file that is no state.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (directory / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ReplayStoppedError(f"this replay is running already, in another process ({directory})") from None
        path = directory / "state.sqlite"
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_TABLES)
            yield State(connection)
        except sqlite3.DatabaseError as error:
            raise ReplayStoppedError(
                f"{path} cannot be used ({error}); AGAIN=1 starts the replay anew, and what it sent before is sent twice"
            ) from None
        finally:
            connection.close()
            os.chmod(path, 0o600)
