"""Where an object of the store is, how much room it takes, and which one a derivation has."""

from __future__ import annotations

import os
from contextlib import suppress

from pylightnix.core.errors import RealizeError
from pylightnix.core.refs import DRef, RRef

from .books import Shelf
from .layout import NotInStore, Store, drv_path
from .query import config_of, require_rref, rrefs
from .shelf import facts_of, shelf_of


class AmbiguousResult(RealizeError):
    """One realization is wanted and there are several, or none."""

    def __init__(self, ref: str, rrefs: tuple[str, ...]) -> None:
        super().__init__(ref, rrefs)
        self.ref, self.rrefs = ref, rrefs

    def __str__(self) -> str:
        if not self.rrefs:
            return f"{self.ref}: one realization is wanted, and its matcher chose none"
        listed = "\n  ".join(self.rrefs[:50])
        return (
            f"{self.ref}: one is wanted and there are {len(self.rrefs)}; name one, ask for all "
            f"(`realize_many`, `build_paths`), or use a matcher that takes one:\n  {listed}"
        )


def size_of(store: Store, dref: DRef, shelf: Shelf | None = None) -> tuple[int, dict[RRef, int]]:
    """Give the bytes of a derivation (config and realizations) and of each realization."""
    shelf = shelf_of(store, dref) if shelf is None else shelf
    if shelf is None:
        return 0, {}
    parts = {book.rref: book.size_bytes for book in shelf.books}
    return max(0, facts_of(store, dref, shelf).size_bytes) + sum(parts.values()), parts


def tree_bytes(path: str) -> int:
    """Add up the lengths of all files below a folder, in bytes; links are not followed.

    What another process deletes meanwhile takes no room.
    """
    total, todo = 0, [path]
    while todo:
        with suppress(FileNotFoundError), os.scandir(todo.pop()) as listing:
            for entry in listing:
                with suppress(FileNotFoundError):
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
    return total


def path_of(store: Store, ref: DRef | RRef) -> str:
    """Give the folder of an object that is in the store.

    Raises:
        NotInStore: it is not there.
        Corrupt: a realization is there and is not what its name says.
    """
    if isinstance(ref, RRef):
        return require_rref(store, ref)
    config_of(store, ref)
    return drv_path(store, ref)


def only_rref(store: Store, ref: DRef | RRef) -> RRef:
    """Give a realization; of a derivation, the only one that it has.

    Raises:
        NotInStore: the derivation has none.
        AmbiguousResult: it has several; they are listed.
    """
    if isinstance(ref, RRef):
        return ref
    found = rrefs(store, ref)
    if not found:
        config_of(store, ref)
        raise NotInStore(ref, "the derivation is there and has no realization yet")
    if len(found) > 1:
        raise AmbiguousResult(ref, tuple(found))
    return found[0]
