"""The experiments table: a row for each realization, with its config, metrics and figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pylightnix.core.config import config_dict, selfref
from pylightnix.core.errors import InvalidValue, PylightnixError
from pylightnix.core.refs import DRef, isdref
from pylightnix.engine.closure import Closure
from pylightnix.store import query
from pylightnix.store.books import Book
from pylightnix.store.layout import Store
from pylightnix.store.namesakes import namesakes
from pylightnix.store.shelf import shelf_of
from pylightnix.store.trouble import told

from .ambient import resolved
from .metrics import SECONDS, Memory, Metrics, Reader, preload, readers_of
from .results import HIDDEN
from .stage import sketch
from .staged import Stage

if TYPE_CHECKING:
    import pandas

OURS = ("name", "built", "seconds", "size_bytes", "rref")


class NoPandas(PylightnixError):
    """A table is wanted as a data frame, and pandas is not installed."""

    def __init__(self) -> None:
        super().__init__()

    def __str__(self) -> str:
        return "pandas is not installed: it comes with the extra `table` (pylightnix[table])"


class Table(list[dict[str, Any]]):
    """Rows of the experiments table, as dictionaries.

    Attributes:
        columns: their keys, in order; a row has those that apply to it.
    """

    @property
    def columns(self) -> list[str]:
        """The keys of all rows, in the order in which they are met; ours frame the others."""
        inner = dict.fromkeys(key for row in self for key in row if key not in OURS)
        return [OURS[0], *inner, *OURS[1:]] if self else []

    def to_pandas(self) -> pandas.DataFrame:
        """Give it as a data frame.

        Raises:
            NoPandas: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise NoPandas from None
        return pandas.DataFrame(list(self), columns=self.columns)


@told
def table(
    what: Any = None,
    metrics: Metrics = (),
    *,
    sort: str | None = None,
    store: Store | None = None,
) -> Table:
    """List realizations with what they were made from and how good they are.

    Args:
        what: a name or a pattern (`"train*"`), a stage, a closure or a DRef; None for all. Of a
            stage, all derivations of its name.
        metrics: name of a column -> artifact: the number, or else the text, in the first line of
            `"score.txt"`; or `"m.json:test.accuracy"`, something inside a JSON file. A list of
            artifacts names each column by its file, without what follows the last dot.
        sort: a column; with a minus before it, the highest first. What a row lacks comes last.
        store: by default the current one.

    Returns:
        Rows, the latest built last: `name`, the fields of the config (of nested dictionaries with
        dots; what is promised is left out), the metrics, `built` (ISO 8601, UTC), `seconds`,
        `size_bytes`, `rref`. A field called like one of these is `config.<field>`; a metric that
        is called like a field hides it.

    Raises:
        InvalidValue: a metric is not the path of an artifact, or there is no such column.
    """
    where = resolved(store)
    readers = {_column(name): reader for name, reader in readers_of(metrics).items()}
    drefs = _drefs(where, what)
    query.preload(where, drefs)
    preload(where, drefs)
    pairs = [(book.stop, row) for dref in drefs for book, row in _rows_of(where, dref, readers)]
    pairs.sort(key=lambda pair: (pair[0], pair[1]["rref"]))
    if where.index is not None:
        where.index.flush()
    rows = Table(row for _, row in pairs)
    return rows if sort is None else _sorted(rows, sort)


def _drefs(store: Store, what: Any) -> list[DRef]:
    """The derivations that are meant."""
    if isinstance(what, Closure):
        names = {dref[38:] for dref in what.targets}
    elif isinstance(what, Stage):
        names = {what.name}
    elif isinstance(what, str):
        if isdref(what):
            return [DRef(what)]
        if not any(mark in what for mark in "*?["):
            names = {what}
        else:
            return [dref for dref in query.drefs(store) if fnmatchcase(dref[38:], what)]
    elif what is None:
        return query.drefs(store)
    elif callable(what):
        names = {dref[38:] for dref in sketch(what, store=store).targets}
    else:
        raise InvalidValue(f"table takes a name, a stage, a closure or a DRef, not {what!r:.100}")
    return [dref for listed in namesakes(store, names).values() for dref in listed]


def _rows_of(
    store: Store, dref: DRef, readers: Mapping[str, Reader]
) -> Iterator[tuple[Book, dict[str, Any]]]:
    shelf = shelf_of(store, dref)
    if shelf is None or not shelf.books:
        return
    memory = Memory(store, dref)
    fields = memory.config(lambda: _fields(config_dict(query.config_of(store, dref))))
    for book in shelf.books:
        row: dict[str, Any] = {"name": dref[38:], **fields}
        for name, reader in readers.items():
            row[name] = memory.metric(book, reader)
        row["built"] = book.stop or None
        row["seconds"] = memory.metric(book, SECONDS)
        row["size_bytes"] = book.size_bytes
        row["rref"] = book.rref
        yield book, row
    memory.keep()


def _fields(config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a config, nested ones with dots, but for its name and what it promises."""
    plain = {key: item for key, item in config.items() if key not in (*HIDDEN, "name")}
    flat = dict(_flat("", plain))
    return {f"config.{key}" if key in OURS else key: item for key, item in flat.items()}


def _flat(prefix: str, fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, item in fields.items():
        if isinstance(item, dict):
            yield from _flat(f"{prefix}{key}.", item)
        elif not (isinstance(item, list) and item and item[0] == selfref):
            yield prefix + key, item


def _column(name: str) -> str:
    if name in OURS:
        raise InvalidValue(f"the column {name!r} is there already: give the metric another name")
    return name


# --- order


def _sorted(rows: Table, by: str) -> Table:
    column, down = by.removeprefix("-"), by.startswith("-")
    if rows and column not in rows.columns:
        have = ", ".join(rows.columns)
        raise InvalidValue(f"the table has no column {column!r} to sort by; it has: {have}")
    there = [row for row in rows if row.get(column) is not None]
    there.sort(key=lambda row: _rank(row[column]), reverse=down)
    return Table([*there, *(row for row in rows if row.get(column) is None)])


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before text before the rest, so that anything can be sorted."""
    if isinstance(value, int | float):
        return 0, value
    return (1, value) if isinstance(value, str) else (2, repr(value))
