"""All of the store at once: what a list, a sum and a collection ask of every derivation.

Each folder is looked at once, and the index is asked one question. A row of the index that speaks
of the folder's present state is handed on as it is: taking all rows apart would take longer than
everything else together.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from stat import S_ISREG

from pylightnix.core.refs import DRef, RRef

from .books import TABLE, Shelf, outline_of_row, row_tails, rrefs_in_row
from .layout import Store, config_path, parse_drv
from .trouble import is_kind


def survey(
    store: Store, wanted: Callable[[str], bool] | None = None, *, configs: bool = False
) -> Iterator[tuple[DRef, str | Shelf]]:
    """Give every derivation with what is known of it: its row of the index, or else its shelf.

    Args:
        store: where.
        wanted: given the name of a folder, `<hash>-<name>`, tells whether to look at it.
        configs: what they say is wanted too.

    Returns:
        Sorted by hash. A row is true of this moment.

    Effects: those of `shelf_of`, for derivations that the index does not know as they are.
    """
    fd = os.open(store.objects, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:  # by its descriptor, so that no look has to walk down the whole path again
        with os.scandir(fd) as listing:
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
                from .shelf import shelf_of  # nothing is loaded of it where the index knows all

                shelf = shelf_of(store, dref, config=configs)
                if shelf is not None:
                    yield dref, shelf
    finally:
        os.close(fd)


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


def sizes(store: Store) -> dict[DRef, tuple[int, dict[RRef, int]]]:
    """Give the bytes of every derivation and of each of its realizations, in order of hashes.

    Metadata is included.
    """
    return {dref: (n_bytes, parts) for dref, n_bytes, parts, _ in outlines(store)}


def outlines(store: Store) -> Iterator[tuple[DRef, int, dict[RRef, int], str]]:
    """Give what a listing says of every derivation that has a config, in order of hashes.

    Returns:
        The derivation; its bytes; those of each realization; when the last build of one of these
        ended, as text that sorts, empty if nobody knows.
    """
    for dref, known in survey(store, configs=True):
        outline = outline_of_row(dref, known) if type(known) is str else None
        if outline is None:
            from .shelf import shelf_of
            from .usage import size_of

            shelf = known if isinstance(known, Shelf) else shelf_of(store, dref)
            has_config = shelf is not None and shelf.config is not None
            if not has_config and not is_kind(config_path(store, dref), S_ISREG):
                continue
            stops = [] if shelf is None else [book.stop for book in shelf.books]
            outline = *size_of(store, dref, shelf), max(stops, default="")
        yield dref, *outline
