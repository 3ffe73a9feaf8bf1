"""The store as a whole: init, du, rm."""

from __future__ import annotations

import os
from argparse import Namespace

from pylightnix.api.ambient import current_store, store_initialize
from pylightnix.api.bashlike import du as sizes_of_all
from pylightnix.api.bashlike import rmref
from pylightnix.core.errors import InvalidValue
from pylightnix.core.refs import DRef, RRef
from pylightnix.store.layout import NoStore, Store, initialize, opened
from pylightnix.store.lookup import resolve
from pylightnix.store.query import config_of, dref_of, require_rref
from pylightnix.store.removal import InUse
from pylightnix.store.usage import size_of

from .exits import DONE, NOT_SO
from .facts import realization_bytes
from .out import complain, say, say_json, say_lines
from .pick import browsed, short, store_at, store_of
from .text import columns, size

Sizes = dict[DRef, tuple[int, dict[RRef, int]]]


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


def du(args: Namespace) -> int:
    """Tell how much room things take."""
    with browsed(args) as store:
        ref = None if args.ref is None else resolve(store, args.ref)
        sizes = sizes_of_all(store) if ref is None else _sizes_of(store, ref)
    total = sum(n_bytes for n_bytes, _ in sizes.values())
    if args.json:
        drvs = {d: {"bytes": own, "realizations": parts} for d, (own, parts) in sizes.items()}
        say_json({"bytes": total, "derivations": drvs})
        return DONE
    rows = _rows(sizes, None if ref is None else dref_of(ref))
    if not isinstance(ref, RRef):
        rows.append((size(total), "total", ""))
    say_lines(columns(rows, right=(0,)))
    return DONE


def _rows(sizes: Sizes, dref: DRef | None) -> list[tuple[str, str, str]]:
    """Show derivations, or the realizations of one, by name."""
    if dref is None:
        listed = [(ref[38:], short(ref), n_bytes) for ref, (n_bytes, _) in sizes.items()]
    else:
        listed = [(ref[71:], short(ref), n_bytes) for ref, n_bytes in sizes[dref][1].items()]
    return [(size(n_bytes), name, hash_) for name, hash_, n_bytes in sorted(listed)]


def _sizes_of(store: Store, ref: DRef | RRef) -> Sizes:
    """Measure one derivation, or a realization alone."""
    if isinstance(ref, RRef):
        require_rref(store, ref)
        n_bytes = realization_bytes(store, ref)
        return {dref_of(ref): (n_bytes, {ref: n_bytes})}
    config_of(store, ref)
    return {ref: size_of(store, ref)}


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
