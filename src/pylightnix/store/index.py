"""The index: what was read of the store, remembered for the next time.

It is a cache that may be deleted at any moment.

It is one SQLite file below `var`, on this machine and never synced; the file system is the truth.
Each row carries a checksum, since a flipped bit inside a text is nothing that SQLite would notice;
and each says of which state of a file or folder it speaks, so that a stale row is not believed. On
any trouble the file is thrown away.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar
from zlib import crc32

from pylightnix.core.refs import DRef

from .shelf import Book, ConfigFacts, Shelf, decode_shelf, encode_shelf

if TYPE_CHECKING:
    import sqlite3

VERSION = 1
NOBODY = (0, 0, 0)
_TABLES = ("shelf", "file")
_BUSY_S = 0.2
T = TypeVar("T")


class Index:
    """Remembers shelves and hashes of outside files; one stateful handle per store and process.

    Everything read is kept in memory; what is new is written by `flush`.
    """

    __slots__ = ("_fresh", "_path", "_rows", "_seen", "_shelves")

    def __init__(self, path: str) -> None:
        self._path = path
        self._rows: dict[tuple[str, str], str] = {}
        self._shelves: dict[DRef, Shelf] = {}
        self._fresh: dict[tuple[str, str], str] = {}
        self._seen: set[str] = set()

    def get(self, dref: DRef) -> Shelf | None:
        """Give what is remembered of a derivation; the caller checks whether it is still true."""
        shelf = self._shelves.get(dref)
        if shelf is not None:
            return shelf
        if dref not in self._seen:
            self.load([dref])
        row = self._rows.pop(("shelf", dref), None)
        if row is None:
            return None
        try:
            shelf = decode_shelf(dref, json.loads(row))
        except (ValueError, TypeError, LookupError):
            return None
        self._shelves[dref] = shelf
        return shelf

    def put(self, dref: DRef, shelf: Shelf, *, certain: bool) -> None:
        """Remember a derivation; if it is not certain, only as a help for reading it again."""
        self._seen.add(dref)
        if not certain:
            self._shelves[dref] = replace(shelf, identity=NOBODY)
            return
        self._shelves[dref] = shelf
        self._fresh["shelf", dref] = json.dumps(encode_shelf(shelf), separators=(",", ":"))

    def learn(self, dref: DRef, shelf: Shelf, facts: ConfigFacts) -> None:
        """Remember what a config says along with the rest of its derivation."""
        known = self._shelves.get(dref)
        certain = known is not None and known.identity == shelf.identity
        self.put(dref, replace(shelf, config=facts), certain=certain)

    def add(self, dref: DRef, book: Book) -> None:
        """Remember a realization that was just made, as a help for reading its derivation again."""
        shelf = self._shelves.get(dref)
        old = () if shelf is None else tuple(b for b in shelf.books if b.rref != book.rref)
        self._seen.add(dref)
        self._shelves[dref] = Shelf(NOBODY, (*old, book))

    def load(self, drefs: Iterable[DRef]) -> None:
        """Read the rows of many derivations in one query."""
        wanted = [dref for dref in drefs if dref not in self._seen]
        if wanted:
            self._seen.update(wanted)
            self._read("shelf", wanted)

    def hash_of(self, path: str, state: str) -> str | None:
        """Give the remembered hash of an outside file, if it was hashed in this state."""
        if ("file", path) not in self._rows:
            self._read("file", [path])
        row = self._rows.get(("file", path), "")
        remembered, _, digest = row.rpartition(" ")
        return digest if remembered == state and digest else None

    def put_hash(self, path: str, state: str, digest: str) -> None:
        """Remember the hash of an outside file in a certain state."""
        self._rows["file", path] = self._fresh["file", path] = f"{state} {digest}"

    def flush(self) -> None:
        """Write what is new; where that cannot be done, it is not remembered."""
        if not self._fresh:
            return
        fresh, self._fresh = self._fresh, {}

        def write(connection: sqlite3.Connection) -> None:
            for table in _TABLES:
                rows = [
                    (key, body, _checksum(key, body))
                    for (kind, key), body in fresh.items()
                    if kind == table
                ]
                connection.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", rows)
            connection.commit()

        self._guarded(write)

    def clear(self) -> None:
        """Forget everything, on the disk too."""
        for known in (self._rows, self._shelves, self._fresh, self._seen):
            known.clear()
        self._drop()

    def _read(self, table: str, keys: list[str] | list[DRef]) -> None:
        def read(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
            wanted = "SELECT value FROM json_each(?)"
            query = f"SELECT key, body, checksum FROM {table} WHERE key IN ({wanted})"
            return connection.execute(query, (json.dumps(keys),)).fetchall()

        if not os.path.exists(self._path):
            return
        for key, body, checksum in self._guarded(read) or ():
            if type(key) is str and type(body) is str and checksum == _checksum(key, body):
                self._rows[table, key] = body

    def _guarded(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do something with the data base; on any trouble delete it and go on without."""
        import sqlite3

        try:
            with _connected(self._path) as connection:
                return work(connection)
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "readonly" in str(error) or "unable to open" in str(error):
                return None
            self._drop()
        except (sqlite3.Error, OverflowError, UnicodeError):
            self._drop()
        return None

    def _drop(self) -> None:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with suppress(OSError):
                os.unlink(self._path + suffix)


def _checksum(key: str, body: str) -> int:
    return crc32(body.encode(), crc32(key.encode()))


@contextmanager
def _connected(path: str) -> Iterator[sqlite3.Connection]:
    import sqlite3

    connection = sqlite3.connect(path, timeout=_BUSY_S)
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
    for table in _TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
        connection.execute(
            f"CREATE TABLE {table} "
            "(key TEXT PRIMARY KEY, body TEXT, checksum INTEGER) WITHOUT ROWID"
        )
    connection.execute(f"PRAGMA user_version={VERSION}")
    connection.commit()


def sound(path: str) -> bool:
    """Tell whether an index can be read and all of its rows are as they were written.

    No file at all is sound.
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
                for table in _TABLES
                for key, body, checksum in connection.execute(f"SELECT * FROM {table}")
            )
    except (sqlite3.Error, AttributeError, TypeError, OverflowError, UnicodeError):
        return False
