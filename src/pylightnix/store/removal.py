"""Take single objects out of the store, unless somebody needs them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from pylightnix.core.errors import StoreError
from pylightnix.core.reclaim import Ref
from pylightnix.core.refs import DRef, RRef, rref2dref

from . import fsys
from .books import Shelf, decode_shelf
from .collector import collector_lock
from .gc import all_roots
from .layout import NotInStore, Store, drv_path, rref_path
from .roots import live_refs
from .shelf import facts_of
from .survey import survey
from .verified import forget


class InUse(StoreError):
    """Something was to be deleted that others need."""

    def __init__(self, ref: str, holders: tuple[str, ...]) -> None:
        super().__init__(ref, holders)
        self.ref, self.holders = ref, holders

    def __str__(self) -> str:
        listed = ", ".join(self.holders[:20])
        return f"{self.ref} is needed by {listed}: delete those first, or use force"


def users_of(store: Store, ref: Ref) -> list[Ref]:
    """Give those that depend on an object directly, sorted.

    Of a DRef these are derivations, of an RRef realizations. A realization that is not whole
    depends on nothing; a derivation whose config cannot be read, on what its realizations need.
    """
    shelves = _shelves(store)
    if isinstance(ref, RRef):
        return [book.rref for _, shelf in shelves for book in shelf.books if ref in book.needs]
    return [dref for dref, shelf in shelves if dref != ref and ref in _deps(store, dref, shelf)]


def _shelves(store: Store) -> Iterator[tuple[DRef, Shelf]]:
    """Look at every folder: a config that could not be looked at once hid who needed what."""
    for dref, known in survey(store):
        yield dref, decode_shelf(dref, known) if isinstance(known, str) else known


def _deps(store: Store, dref: DRef, shelf: Shelf) -> set[DRef]:
    used = {rref2dref(rref) for book in shelf.books for rref in book.needs}
    return used.union(facts_of(store, dref, shelf).deps)


def delete(
    store: Store,
    ref: Ref,
    *,
    force: bool = False,
    mine: str = "",
    at_work: Iterable[Iterable[Ref]] = (),
    leaf: bool = False,
    wait_s: float = 60.0,
) -> None:
    """Delete a realization, or a derivation with all its realizations.

    Args:
        store: where.
        ref: what is to be deleted.
        force: even if others depend on it, or a root holds it.
        mine: the file of what this process uses; see `live_refs`.
        at_work: what calls of this process hold; it is looked at under the collector's lock.
        leaf: nothing is ever made of it; the store is not searched for what might be.
        wait_s: seconds to wait for others who hold that lock.

    Raises:
        NotInStore: it is not there.
        InUse: others depend on it or hold it, and `force` is not set.
        CollectorBusy: the lock could not be had in time.

    Effects: moves it into `var/trash` by one rename under the collector's lock, then deletes it
        there.
    """
    path = rref_path(store, ref) if isinstance(ref, RRef) else drv_path(store, ref)
    with collector_lock(store, shared=False, wait_s=wait_s):
        if not os.path.lexists(path):
            raise NotInStore(ref, "nothing to delete")
        if not force:
            used = dict.fromkeys([held for refs in tuple(at_work) for held in refs], "this process")
            used |= live_refs(store, mine)
            users = [] if leaf else users_of(store, ref)
            holders = [*users, *_held_by(store, ref, used)]
            if holders:
                raise InUse(ref, tuple(holders))
        trash = fsys.to_trash(store, path)
    if isinstance(ref, RRef):
        forget(store, ref)
    fsys.delete_tree(trash)


def _held_by(store: Store, ref: Ref, used: Mapping[Ref, str]) -> list[str]:
    """Say which roots hold an object itself; what those need further, `users_of` tells."""
    whole = rref2dref(ref) if isinstance(ref, RRef) else ref
    return [
        f"{held} ({why})"
        for held, why in all_roots(store, used=used).items()
        if held in (ref, whole) or (isinstance(held, RRef) and rref2dref(held) == ref)
    ]
