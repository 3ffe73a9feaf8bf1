"""What a matcher is offered: the realizations of a derivation that were made in one context."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from pylightnix.core.manifest import META, context_key, context_prefix
from pylightnix.core.refs import DRef, RRef

from .books import TABLE, is_of, rrefs_in_context
from .fsys import read_bytes
from .layout import Store, drv_path, parse_rref, rref_path
from .shelf import identity_of, is_bare, shelf_in, status_of_folder


def in_context(
    store: Store, dref: DRef, context: Mapping[DRef, Sequence[RRef]]
) -> list[RRef] | None:
    """Give the whole realizations that have a context, sorted; None if there is no folder.

    Effects: those of `shelf_of`.
    """
    index = store.index
    if index is None:
        return _begun_with(store, dref, context_prefix(dref, context))
    status = status_of_folder(store, dref)
    if status is None:
        return None
    if is_bare(store, status):
        return []
    identity, durable = identity_of(status), store.durability != "none"
    asked = identity, durable, context
    last = index.answers.get(dref)
    if last is not None and last[0] == asked:
        return list(last[1])
    # A row of the index need not be taken apart for that.
    row = index.get(TABLE, dref)
    if row is not None and is_of(row, identity, durable):
        found = rrefs_in_context(dref, row, context_key(context))
        frozen = {dep: tuple(chosen) for dep, chosen in context.items()}
        index.answers[dref] = (identity, durable, frozen), tuple(found)
        return found
    key, shelf = context_key(context), shelf_in(store, dref, status)
    return [book.rref for book in shelf.books if book.context == key]


def _begun_with(store: Store, dref: DRef, prefix: bytes) -> list[RRef] | None:
    """Give the whole realizations whose manifest begins so, sorted; None if there is no folder.

    Where nothing can be remembered, reading more of them would be in vain.
    """
    try:
        names = os.listdir(drv_path(store, dref))
    except (FileNotFoundError, NotADirectoryError):
        return None
    found = (rref for name in names if (rref := parse_rref(dref, name)) is not None)
    return sorted(rref for rref in found if _begins(store, rref, prefix))


def _begins(store: Store, rref: RRef, prefix: bytes) -> bool:
    from .verified import is_valid

    try:
        path = f"{rref_path(store, rref)}/{META}/manifest.json"
        return is_valid(store, rref) and read_bytes(path, len(prefix)) == prefix
    except (FileNotFoundError, NotADirectoryError):
        return False  # collected, or deleted, while we looked
