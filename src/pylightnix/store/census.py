"""A listing of the whole store as the collector wants it: sizes, ages, and who needs whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pylightnix.core.reclaim import Item, Ref
from pylightnix.core.refs import DRef

from .books import Shelf, decode_shelf
from .layout import Store, drv_path, rref_path
from .shelf import facts_of, shelf_of
from .survey import survey
from .trouble import status_of

Score = Callable[[str], float | None]


@dataclass(frozen=True, slots=True)
class Census:
    """The whole store.

    Attributes:
        items: every object, the remains of interrupted copies included.
        unsure: derivations in whose folders there may be other things as well.
    """

    items: Mapping[Ref, Item]
    unsure: Sequence[DRef]


def census(store: Store, score: Score | None = None) -> Census:
    """List everything.

    Args:
        store: where.
        score: given the folder of a realization, the number that it is judged by.
    """
    items: dict[Ref, Item] = {}
    unsure: list[DRef] = []
    for dref, known in survey(store):
        if isinstance(known, str):
            shelf = decode_shelf(dref, known)
        else:
            shelf = known
            unsure.append(dref)
        if shelf.config is None:
            shelf = shelf_of(store, dref) or shelf  # what is read of the config is to be remembered
        _count(store, dref, shelf, score, items)
    return Census(items, unsure)


def _count(
    store: Store, dref: DRef, shelf: Shelf, score: Score | None, items: dict[Ref, Item]
) -> None:
    facts = facts_of(store, dref, shelf)
    whole = facts.size_bytes >= 0
    arrived_s = facts.arrived_s if whole else _ctime(drv_path(store, dref))
    items[dref] = Item(max(0, facts.size_bytes), arrived_s, needs=facts.deps, whole=whole)
    for book in shelf.books:
        judged = None if score is None else score(rref_path(store, book.rref))
        items[book.rref] = Item(
            book.size_bytes, book.arrived_s, book.stop, (dref, *book.needs), score=judged
        )
    for rref in shelf.strange:
        items[rref] = Item(0, _ctime(rref_path(store, rref)), needs=(dref,), whole=False)


def _ctime(path: str) -> float:
    status = status_of(path)
    return 0.0 if status is None else status.st_ctime
