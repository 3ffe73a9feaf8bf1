"""What makes a store, and what deletes from it: init, rm."""

from __future__ import annotations

import os
from argparse import Namespace

from pylightnix.api.ambient import current_store, store_initialize
from pylightnix.api.bashlike import rmref
from pylightnix.core.errors import InvalidValue
from pylightnix.core.refs import DRef, RRef
from pylightnix.store.layout import NoStore, initialize, opened
from pylightnix.store.lookup import resolve
from pylightnix.store.query import dref_of
from pylightnix.store.removal import InUse

from .exits import DONE, NOT_SO
from .out import complain, say, say_json, say_lines
from .pick import store_at, store_of


def init(args: Namespace) -> int:
    """Make a store."""
    if args.path is not None and args.store is not None:
        raise InvalidValue("the place of the store is given twice: leave out PATH or --store")
    root = args.path if args.store is None else args.store
    before = _there(root)
    store = store_initialize() if root is None else initialize(store_at(root))
    if args.json:
        say_json({"created": not before, "objects": store.objects, "var": store.var})
        return DONE
    say(f"there was a store already: {store.objects}" if before else f"made {store.objects}")
    if root is not None and _there(None) != store.objects:
        from shlex import quote

        here = quote(os.path.abspath(root))
        say(f"to use it: `pylightnix --store {here} ...`, or `export PYLIGHTNIX_ROOT={here}`")
    return DONE


def _there(root: str | None) -> str | None:
    """Tell where the objects of a store are, or of the current one; None if it is not there."""
    try:
        return (current_store() if root is None else opened(store_at(root))).objects
    except NoStore:
        return None


def rm(args: Namespace) -> int:
    """Delete objects, those that depend on others before these."""
    store = store_of(args)
    named = dict.fromkeys(resolve(store, text) for text in args.refs)
    todo = [ref for ref in named if isinstance(ref, DRef) or dref_of(ref) not in named]
    deleted: list[DRef | RRef] = []
    kept: dict[DRef | RRef, InUse] = {}
    while todo:
        kept = {}
        for ref in todo:
            try:
                rmref(ref, args.force, store)
                deleted.append(ref)
            except InUse as error:
                kept[ref] = error
        # What was deleted just now may be what kept the others.
        todo = [] if len(kept) == len(todo) else list(kept)
    if args.json:
        say_json({"deleted": deleted, "kept": {ref: why.holders for ref, why in kept.items()}})
    else:
        say_lines(f"deleted {ref}" for ref in deleted)
    for why in kept.values():
        complain(str(why))
    return NOT_SO if kept else DONE
