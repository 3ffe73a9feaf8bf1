"""What the folder of one derivation holds: its whole realizations, and what is known of each.

A shelf is read from the disk (`reading`), or taken from the index if the folder has not changed
since: names in a folder cannot come or go without its modification time telling.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from pylightnix.core.refs import DRef
from pylightnix.core.value import changed

from .books import (
    NOBODY,
    TABLE,
    Book,
    ConfigFacts,
    Shelf,
    decode_shelf,
    encode_shelf,
)
from .layout import Store, drv_path
from .reading import read_facts, read_shelf

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .index import Index

# Times of files come from a clock that ticks every few milliseconds. A folder that was changed a
# moment ago can change again without a new time, so what was read of it is not remembered (git
# calls such entries racy).
RACY_NS = 50_000_000


def shelf_of(store: Store, dref: DRef, *, config: bool = False) -> Shelf | None:
    """Give what a derivation's folder holds; None if there is no folder.

    If it has to be read, and `config` is true, then with what the config says: one row to write.

    Effects: checks the contents of realizations that were never seen before; remembers in the
        index, where there is one, what is certain to be noticed if it changes.
    """
    status = status_of_folder(store, dref)
    return None if status is None else shelf_in(store, dref, status, config=config)


def status_of_folder(store: Store, dref: DRef) -> os.stat_result | None:
    """Look at the folder of a derivation; None if there is none."""
    try:
        return os.stat(drv_path(store, dref))
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_bare(store: Store, status: os.stat_result) -> bool:
    """Tell whether it is certain that there are no subfolders, so no realizations."""
    if status.st_nlink != 2 or store.index is None:
        return False
    return store.index.folders_are_counted(store.objects)


def identity_of(status: os.stat_result) -> tuple[int, int, int]:
    """Give inode, modification and change time: no name can come or go without one telling."""
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def shelf_in(store: Store, dref: DRef, status: os.stat_result, *, config: bool = False) -> Shelf:
    """Give what `shelf_of` gives; `status` is of the folder as it was just now."""
    identity, index = identity_of(status), store.index
    known = None if index is None else _recalled(index, dref)
    durable = store.durability != "none"
    if known is not None and known.identity == identity and known.durable >= durable:
        return known
    if is_bare(store, status):
        return Shelf(identity, ())
    now_ns = time.time_ns()
    shelf = read_shelf(store, dref, identity, known, config)
    if index is not None:
        settled = shelf.tidy and now_ns - max(identity[1:]) > RACY_NS
        _remember(index, dref, shelf, certain=settled and not _may_grow(shelf))
    return shelf


def _may_grow(shelf: Shelf) -> bool:
    """Tell whether a copy may be under way, which fills a realization and not this folder."""
    return bool(shelf.strange) or not all(book.stop for book in shelf.books)


def _recalled(index: Index, dref: DRef) -> Shelf | None:
    """What is remembered of a derivation; its identity says of which state of the folder."""
    shelf = index.memory.get(dref)
    if isinstance(shelf, Shelf):
        return shelf
    row = index.get(TABLE, dref)
    if row is None:
        return None
    try:
        shelf = decode_shelf(dref, row)
    except ValueError:
        return None
    index.memory[dref] = shelf
    return shelf


def _remember(index: Index, dref: DRef, shelf: Shelf, *, certain: bool) -> None:
    """Remember a derivation; if it is not certain, only as a help for reading it again."""
    if certain:
        index.memory[dref] = shelf
        index.put(TABLE, dref, encode_shelf(shelf))
    else:
        index.memory[dref] = changed(shelf, identity=NOBODY)


def doubt(store: Store, dref: DRef) -> None:
    """Make everybody read a derivation's folder again: something in it was found to be damaged.

    The folder gets a new time, so that no process believes what it remembers; where that cannot be
    done, at least this one does not, nor whoever reads the index from now on.
    """
    with suppress(OSError):
        os.utime(drv_path(store, dref))
    if store.index is not None:
        store.index.memory.pop(dref, None)
        store.index.answers.pop(dref, None)
        store.index.put(TABLE, dref, "")
        store.index.flush()


def add_book(store: Store, dref: DRef, book: Book) -> None:
    """Remember a realization that was just made, as a help for reading its derivation again."""
    if store.index is None:
        return
    shelf = store.index.memory.get(dref)
    old = shelf.books if isinstance(shelf, Shelf) else ()
    others = tuple(known for known in old if known.rref != book.rref)
    store.index.memory[dref] = Shelf(NOBODY, (*others, book))


def facts_of(store: Store, dref: DRef, shelf: Shelf) -> ConfigFacts:
    """Give what the config of a derivation says, reading it only if the shelf does not know."""
    if shelf.config is not None:
        return shelf.config
    facts = read_facts(store, dref)
    if store.index is not None and facts.size_bytes >= 0:
        known = store.index.memory.get(dref)
        certain = isinstance(known, Shelf) and known.identity == shelf.identity
        _remember(store.index, dref, changed(shelf, config=facts), certain=certain)
    return facts
