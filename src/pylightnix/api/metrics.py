"""Figures of realizations, read from their artifacts once and then remembered.

A realization never changes, so what was read of it stays true. It is kept in the index, a row for
each derivation: to open two small files for each of 2,000 realizations takes a quarter of a second.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from typing import Any, NamedTuple, TypeAlias

from pylightnix.core.codec import canonical_json, parse_json
from pylightnix.core.given import artifact_path
from pylightnix.core.refs import DRef
from pylightnix.store.books import Book
from pylightnix.store.layout import Store, rref_path
from pylightnix.store.query import provenance_of
from pylightnix.store.trouble import is_passing

Metrics: TypeAlias = "Mapping[str, str] | Iterable[str]"
TABLE = "figures"
MOST_BYTES = 1 << 26


class Reader(NamedTuple):
    """One figure: a word that tells it from others, and how to read it."""

    key: str
    read: Callable[[Store, Book], object]


def readers_of(metrics: Metrics) -> dict[str, Reader]:
    """Turn what a user wrote into column -> reader.

    Raises:
        InvalidValue: something is not the path of an artifact.
    """
    if not isinstance(metrics, Mapping):
        files = [metrics] if isinstance(metrics, str) else metrics
        metrics = {stem(file): file for file in files}
    return {name: _reader(name, spec) for name, spec in metrics.items()}


def stem(file: str) -> str:
    """Give the name of the column of an artifact: of its file, without what follows the last dot.

    >>> stem("out/score.txt"), stem("score"), stem("m.json:test.accuracy")
    ('score', 'score', 'm.test.accuracy')
    """
    path, colon, inner = os.fspath(file).partition(":")
    base = os.path.basename(path)
    name = base.rpartition(".")[0] or base
    return f"{name}.{inner}" if colon else name


def _reader(name: str, spec: str) -> Reader:
    file, colon, inner = os.fspath(spec).partition(":")
    path = artifact_path(f"metric {name!r}", file)
    if not colon:
        return Reader(
            spec, lambda store, book: _first_line(f"{rref_path(store, book.rref)}/{path}")
        )
    parts = inner.split(".") if inner else []
    return Reader(
        spec, lambda store, book: _inside_json(f"{rref_path(store, book.rref)}/{path}", parts)
    )


def _first_line(path: str) -> object:
    text = _read(path, 1000).partition(b"\n")[0].strip()
    try:
        number = float(text)
    except ValueError:
        return text.decode(errors="replace") or None
    return number if _is_finite(number) else None


def _is_finite(number: float) -> bool:
    return not isnan(number) and abs(number) != float("inf")


def _inside_json(path: str, parts: Sequence[str]) -> object:
    try:
        value: Any = parse_json(_read(path, MOST_BYTES))
        for part in parts:
            value = value[int(part) if isinstance(value, list) else part]
        canonical_json(value)
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return value


def _read(path: str, at_most: int) -> bytes:
    """Read the beginning of a file; nothing, if there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        if is_passing(error):
            raise
        return b""
    try:
        with open(fd, "rb", closefd=False) as file:
            return file.read(at_most)
    except IsADirectoryError:
        return b""
    finally:
        os.close(fd)


def _seconds(store: Store, book: Book) -> object:
    seconds = provenance_of(store, book.rref).get("seconds")
    good = isinstance(seconds, int | float) and _is_finite(seconds)
    return float(seconds) if good else None  # type: ignore[arg-type]


SECONDS = Reader("", _seconds)


def preload(store: Store, drefs: Sequence[DRef]) -> None:
    """Ask the index about many derivations at once."""
    if store.index is not None:
        store.index.load(TABLE, drefs)


class Memory:
    """What is remembered of one derivation; a stateful handle, whose news `keep` writes."""

    def __init__(self, store: Store, dref: DRef) -> None:
        self._store, self._dref, self._news = store, dref, False
        self._config: dict[str, Any] | None = None
        self._known: dict[str, dict[str, Any]] = {}
        row = None if store.index is None else store.index.get(TABLE, dref)
        try:
            self._config, self._known = parse_json((row or "").encode())  # type: ignore[misc]
        except ValueError:
            return

    def config(self, read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Give the fields of the config."""
        if self._config is None:
            self._config, self._news = read(), True
        return self._config

    def metric(self, book: Book, reader: Reader) -> Any:
        """Give a figure of a realization."""
        # One that was deleted and has come again was built at another time.
        known = self._known.setdefault(f"{book.rref[5:37]} {book.arrived_s}", {})
        if reader.key not in known:
            found = reader.read(self._store, book)
            if reader is SECONDS and not book.stop:
                return found  # a copy program may still bring what tells it
            known[reader.key], self._news = found, True
        return known[reader.key]

    def keep(self) -> None:
        """Remember what is new."""
        if self._news and self._store.index is not None:
            row = canonical_json([self._config, self._known])
            self._store.index.put(TABLE, self._dref, row.decode())
