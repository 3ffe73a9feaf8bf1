"""The index: what was read of the store, remembered for the next time.

A cache that may be deleted at any moment. It is one SQLite file below `var`, on this machine and
never synced; the file system is the truth. Each row carries a checksum, since a flipped bit inside
a text is nothing that SQLite would notice; and what a row says, it says of one state of a file or
folder, which its reader compares. On any trouble the file is thrown away.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from zlib import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from typing import Any, TypeVar

    T = TypeVar("T")

VERSION = 6
TABLES = ("shelf", "file", "figures")
_BUSY_S = 0.2
_FILES = ("", "-journal", "-wal", "-shm")
# SQLite takes no more than so many keys in one query, in the oldest version that Python knows.
_KEYS = 999


class Index:
    """Remembers texts under keys; a stateful handle, one for each store and process.

    What is new is written by `flush`.

    Attributes:
        memory: what this process made of the texts, by key; for whoever reads them.
        answers: what it was asked last, by key, and what the answer was.
    """

    __slots__ = ("_counted", "_fresh", "_path", "_rows", "_seen", "_waited", "answers", "memory")

    def __init__(self, path: str) -> None:
        self._path = path
        self._rows: dict[str, dict[str, str]] = {table: {} for table in TABLES}
        self._fresh: dict[str, dict[str, str]] = {table: {} for table in TABLES}
        self._seen: dict[str, set[str]] = {table: set() for table in TABLES}
        self._counted = False
        self._waited = False
        self.memory: dict[str, object] = {}
        self.answers: dict[str, tuple[object, tuple[Any, ...]]] = {}

    def get(self, table: str, key: str) -> str | None:
        """Give what is remembered; whether that is still true is for the caller to check."""
        if key not in self._seen[table]:
            self.load(table, [key])
        return self._rows[table].get(key)

    def put(self, table: str, key: str, body: str) -> None:
        """Remember something."""
        self._seen[table].add(key)
        self._rows[table][key] = self._fresh[table][key] = body

    def load(self, table: str, keys: Iterable[str]) -> Mapping[str, str]:
        """Read many rows at once; gives all that are known of the table."""
        rows, fresh, seen = self._rows[table], self._fresh[table], self._seen[table]
        wanted = [key for key in keys if key not in seen]
        seen.update(wanted)
        if not wanted or not os.path.exists(self._path):
            return rows

        def read(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
            if len(wanted) > _KEYS:  # quicker than asking for them in many queries
                return connection.execute(f"SELECT key, body, checksum FROM {table}").fetchall()
            rows = []
            for start in range(0, len(wanted), _KEYS):
                some = wanted[start : start + _KEYS]
                marks = ",".join("?" * len(some))
                query = f"SELECT key, body, checksum FROM {table} WHERE key IN ({marks})"
                rows += connection.execute(query, some).fetchall()
            return rows

        # Written out, and not by `_checksum`: there may be tens of thousands.
        rows |= {
            key: body
            for key, body, checksum in self._guarded(read) or ()
            if type(key) is type(body) is str
            and checksum == crc32(body.encode(), crc32(key.encode()))
        } | fresh
        return rows

    def flush(self) -> None:
        """Write what is new; where that cannot be done, it is not remembered."""
        if not any(self._fresh.values()):
            return
        fresh, self._fresh = self._fresh, {table: {} for table in TABLES}

        def write(connection: sqlite3.Connection) -> None:
            for table, bodies in fresh.items():
                rows = [(key, body, _checksum(key, body)) for key, body in bodies.items()]
                connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", rows)
            connection.commit()

        self._guarded(write)

    def clear(self) -> None:
        """Forget everything, on the disk too."""
        for table in TABLES:
            for known in (self._rows[table], self._fresh[table], self._seen[table]):
                known.clear()
        self.memory.clear()
        self.answers.clear()
        for suffix in _FILES:
            _delete(self._path + suffix)

    def folders_are_counted(self, objects: str) -> bool:
        """Tell whether this file system counts subfolders in a folder's links (CIFS does not).

        The folder of all derivations is where to see it, as soon as there is one.
        """
        if not self._counted:
            self._counted = os.stat(objects).st_nlink > 2
        return self._counted

    def _guarded(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do something with the data base; on any trouble delete it and go on without."""
        import sqlite3

        try:
            with _connected(self._path, 0.0 if self._waited else _BUSY_S) as connection:
                return work(connection)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                self._waited = True  # once is enough: it is quicker to read the store
            elif not any(word in str(error) for word in ("readonly", "unable to open")):
                self._drop()
        except (sqlite3.Error, OverflowError, UnicodeError):
            self._drop()
        return None

    def _drop(self) -> None:
        for suffix in _FILES:
            with suppress(OSError):
                os.unlink(self._path + suffix)


def _delete(path: str) -> None:
    """Delete whatever it is: a folder there would stay for ever."""
    if os.path.isdir(path) and not os.path.islink(path):
        from shutil import rmtree

        rmtree(path, ignore_errors=True)
    with suppress(OSError):
        os.unlink(path)


def _checksum(key: str, body: str) -> int:
    return crc32(body.encode(), crc32(key.encode()))


@contextmanager
def _connected(path: str, wait_s: float = _BUSY_S) -> Iterator[sqlite3.Connection]:
    import sqlite3

    connection = sqlite3.connect(path, timeout=wait_s)
    try:
        # No flushing: what a power cut spoils is noticed by its checksum and made again.
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA journal_mode=MEMORY")
        if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            _create(connection)
        yield connection
    finally:
        connection.close()


def _create(connection: sqlite3.Connection) -> None:
    for table in TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
        columns = "key TEXT PRIMARY KEY, body TEXT, checksum INTEGER"
        connection.execute(f"CREATE TABLE {table} ({columns}) WITHOUT ROWID")
    connection.execute(f"PRAGMA user_version={VERSION}")
    connection.commit()


def sound(path: str) -> bool:
    """Tell whether an index can be read and its rows are as written.

    No file at all is sound, and so is one that another process is writing just now.
    """
    import sqlite3

    if not os.path.exists(path):
        return True
    try:
        with _connected(path) as connection:
            if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
                return False
            return all(
                checksum == _checksum(key, body)
                for table in TABLES
                for key, body, checksum in connection.execute(f"SELECT * FROM {table}")
            )
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except (sqlite3.Error, AttributeError, TypeError, OverflowError, UnicodeError):
        return False
