"""Who needs what in the store, how much room it takes, and taking single objects out of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from pylightnix.core.errors import RealizeError, StoreError
from pylightnix.core.refs import DRef, RRef

from . import fsys
from .layout import NotInStore, Store, config_path, drv_path, rref_path
from .query import config_of, context_of, drefs, require_rref, rrefs


class InUse(StoreError):
    """Something was to be deleted that others need."""

    def __init__(self, ref: str, holders: tuple[str, ...]) -> None:
        super().__init__(ref, holders)
        self.ref, self.holders = ref, holders

    def __str__(self) -> str:
        listed = ", ".join(self.holders[:20])
        return f"{self.ref} is needed by {listed}: delete those first, or use force"


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


def users_of(store: Store, ref: DRef | RRef) -> list[DRef | RRef]:
    """Give those that depend on an object directly, sorted: derivations of a DRef, realizations of an RRef.

    Damaged and incomplete objects depend on nothing.
    """
    if isinstance(ref, RRef):
        return [user for user, context in _contexts(store) if ref in context]
    return [user for user in drefs(store) if user != ref and ref in _deps(store, user)]


def _deps(store: Store, dref: DRef) -> tuple[DRef, ...]:
    try:
        return config_of(store, dref).deps
    except StoreError:
        return ()


def _contexts(store: Store) -> Iterator[tuple[RRef, frozenset[RRef]]]:
    for dref in drefs(store):
        if not _deps(store, dref):
            continue
        for rref in rrefs(store, dref):
            yield (
                rref,
                frozenset(used for chosen in context_of(store, rref).values() for used in chosen),
            )


def delete(store: Store, ref: DRef | RRef, *, force: bool = False) -> None:
    """Delete a realization, or a derivation with all its realizations.

    Raises:
        NotInStore: it is not there.
        InUse: others depend on it, and `force` is not set.

    Effects: moves it into `var/trash` by one rename, then deletes it there.
    """
    path = rref_path(store, ref) if isinstance(ref, RRef) else drv_path(store, ref)
    if not os.path.lexists(path):
        raise NotInStore(ref, "nothing to delete")
    holders = [] if force else users_of(store, ref)
    if holders:
        raise InUse(ref, tuple(holders))
    fsys.delete_tree(fsys.to_trash(store, path))


def sizes(store: Store) -> dict[DRef, tuple[int, dict[RRef, int]]]:
    """Give the bytes of every derivation and of each of its realizations, metadata included, in order of names."""
    return {dref: size_of(store, dref) for dref in drefs(store)}


def size_of(store: Store, dref: DRef) -> tuple[int, dict[RRef, int]]:
    """Give the bytes of a derivation (config and realizations) and of each realization."""
    parts = {rref: tree_bytes(rref_path(store, rref)) for rref in rrefs(store, dref)}
    own = 0
    with suppress(FileNotFoundError):
        own = os.lstat(config_path(store, dref)).st_size
    return own + sum(parts.values()), parts


def tree_bytes(path: str) -> int:
    """Add up the lengths of all files below a folder, in bytes; links are not followed.

    What another process deletes meanwhile takes no room.
    """
    total = 0
    with suppress(FileNotFoundError), os.scandir(path) as listing:
        for entry in listing:
            with suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    total += tree_bytes(entry.path)
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
