"""All of the store at once: what a list, a sum and a collection ask of every derivation.

Each folder is looked at once, and the index is asked one question. A row of the index that speaks
of the folder's present state is handed on as it is: taking all rows apart would take longer than
everything else together.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from pylightnix.core.refs import DRef, RRef

from .books import Shelf, row_tails, rrefs_in_row
from .layout import Store, parse_drv
from .shelf import TABLE, shelf_of


def survey(
    store: Store, wanted: Callable[[str], bool] | None = None
) -> Iterator[tuple[DRef, str | Shelf]]:
    """Give every derivation with what is known of it: its row of the index, or else its shelf.

    Args:
        store: where.
        wanted: given the name of a folder, `<hash>-<name>`, tells whether to look at it.

    Returns:
        Sorted by hash. A row is true of this moment.

    Effects: those of `shelf_of`, for derivations that the index does not know as they are.
    """
    with os.scandir(store.objects) as listing:
        found = {
            f"dref:{entry.name}": entry for entry in listing if not wanted or wanted(entry.name)
        }
    rows = {} if store.index is None else store.index.load(TABLE, found)
    tails = row_tails(store.durability != "none")
    for key in sorted(found):
        row = rows.get(key)
        if row is not None and _is_true(row, found[key], tails):
            yield str.__new__(DRef, key), row
        elif (dref := parse_drv(key[5:])) is not None:
            shelf = shelf_of(store, dref)
            if shelf is not None:
                yield dref, shelf


def _is_true(row: str, entry: os.DirEntry[str], tails: tuple[str, ...]) -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:  # it was collected, or `shelf_of` says what is the matter
        return False
    state = f"{status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns} "
    return row.startswith(state) and row.startswith(tails, len(state))


def all_rrefs(store: Store, wanted: Callable[[str], bool] | None = None) -> list[RRef]:
    """Give the whole realizations of all derivations that have a config, sorted by derivation."""
    found: list[RRef] = []
    for dref, known in survey(store, wanted):
        if isinstance(known, str):
            found += rrefs_in_row(dref, known)
        elif known.has_config:
            found += [book.rref for book in known.books]
    return found
