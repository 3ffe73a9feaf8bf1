"""From the words of a command line to a store, objects in it, and paths inside these."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from pylightnix.api.ambient import current_store, environment, resolved
from pylightnix.core.errors import StoreError
from pylightnix.core.refs import DRef, InvalidRef, RRef
from pylightnix.store.layout import SCHEMA, NotInStore, Store, mkstore, opened

MOST_LISTED = 50


class Several(StoreError):
    """One realization is wanted, and the derivation has several."""

    def __init__(self, dref: str, listing: tuple[str, ...]) -> None:
        super().__init__(dref, listing)
        self.dref, self.listing = dref, listing

    def __str__(self) -> str:
        listed = "\n  ".join(self.listing)
        return (
            f"{self.dref} has several realizations; give the hash of the one you mean, the newest "
            f"is the first:\n  {listed}"
        )


def store_at(root: str) -> Store:
    """Name the store that a folder holds, touching nothing."""
    durability = environment().get("PYLIGHTNIX_DURABILITY") or "batch"
    return mkstore(f"{root}/{SCHEMA}", f"{root}/var", durability)


def store_of(args: Namespace) -> Store:
    """Open the store that `--store` names, or the current one.

    Raises:
        NoStore: it is not there.
    """
    return current_store() if args.store is None else resolved(opened(store_at(args.store)))


def program(args: Namespace) -> str:
    """Say how to call this program for the same store, for commands that are suggested."""
    if args.store is None:
        return "pylightnix"
    from shlex import quote

    return f"pylightnix --store {quote(os.path.abspath(args.store))}"


@contextmanager
def browsed(args: Namespace) -> Iterator[Store]:
    """Open a store to look into much of it; what the index learns by that is kept."""
    store = store_of(args)
    yield store
    if store.index is not None:
        store.index.flush()


def short(ref: DRef | RRef) -> str:
    """Give the beginning of a reference's own hash: enough for people, and for `resolve`."""
    return ref[5:13]


def realization(store: Store, text: str) -> RRef:
    """Find the realization that is meant, or the only one of the derivation that is meant.

    Raises:
        Several: there are several; they are listed.
        NotInStore, Ambiguous, Corrupt, InvalidRef: it is not there, not clear, or no reference.
    """
    from pylightnix.store.lookup import resolve

    return only(store, resolve(store, text))


def only(store: Store, ref: DRef | RRef) -> RRef:
    """Give a realization; of a derivation, the only one. Raises as `realization`."""
    from pylightnix.store.usage import AmbiguousResult, only_rref

    try:
        return only_rref(store, ref)
    except AmbiguousResult as error:
        from .facts import facts_of
        from .text import columns
        from .times import moment

        _, found = facts_of(store, DRef(error.ref))
        rows = [(short(fact.rref), moment(fact.stop_s)) for fact in found[:MOST_LISTED]]
        raise Several(error.ref, tuple(columns(rows))) from None


def home(store: Store, text: str, *, derivation: bool) -> tuple[DRef | RRef, str]:
    """Find an object and its folder: of a derivation that of its only realization, or its own.

    Raises:
        Several, NotInStore, Ambiguous, Corrupt, InvalidRef: as `realization`.
    """
    from pylightnix.store.lookup import resolve
    from pylightnix.store.query import dref_of
    from pylightnix.store.usage import path_of

    ref = resolve(store, text)
    ref = dref_of(ref) if derivation else only(store, ref)
    return ref, path_of(store, ref)


def parts_of(text: str) -> list[str]:
    """Take a path inside an object apart; `.` and a slash at the end mean nothing.

    Raises:
        InvalidRef: it leads out of the object.
    """
    from pylightnix.core.confscan import is_part

    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or not all(map(is_part, parts)):
        raise InvalidRef("path inside an object", text, ("expected one as usr/bin/hello",))
    return parts


def inside(folder: str, ref: DRef | RRef, text: str | None) -> str:
    """Give the path of something inside an object.

    Raises:
        NotInStore: it is not there.
        InvalidRef: the path leads out of the object.
    """
    parts = [] if text is None else parts_of(text)
    path = os.path.join(folder, *parts)
    if not os.path.lexists(path):
        raise NotInStore(f"{ref}/{'/'.join(parts)}", "nothing of this name is in it")
    return path
