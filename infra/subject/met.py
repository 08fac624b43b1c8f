"""Which records were met already, however many there are: on disk, in a file that has no name and ends with the process."""

import sqlite3

CACHE_KIB = 16 * 1024


class Met:
    """A set of identities of sixteen bytes each. They tell nothing of what a record says."""

    def __init__(self) -> None:
        # An empty name is a temporary database of SQLite's own, which it spills to disk (SQLite, "In-Memory Databases").
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE met (identity BLOB PRIMARY KEY) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def new(self, identity: bytes) -> bool:
        """Add an identity, and return whether it was not there before."""
        return self._database.execute("INSERT OR IGNORE INTO met VALUES (?)", (identity,)).rowcount == 1

    def close(self) -> None:
        """Forget everything."""
        self._database.close()
