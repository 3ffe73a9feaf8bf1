"""The store from end to end: ls without a reference, find, du."""

from __future__ import annotations

import time
from argparse import Namespace

from pylightnix.api.listing import du as sizes_of_all
from pylightnix.api.listing import find as find_rrefs
from pylightnix.core.legible import size
from pylightnix.core.refs import DRef, RRef
from pylightnix.store.layout import Store
from pylightnix.store.survey import outlines

from .exits import DONE
from .out import say_json, say_lines
from .pick import browsed, short
from .text import columns, count
from .times import age, seconds_of, since

Parts = dict[RRef, int]
Sizes = dict[DRef, tuple[int, Parts]]


def ls(args: Namespace) -> int:
    """List derivations."""
    with browsed(args) as store:
        listed = sorted(outlines(store), key=lambda drv: (drv[0][38:], drv[0]))
    if args.json:
        say_json([_drv_json(*drv) for drv in listed])
        return DONE
    now_s = time.time()
    say_lines(columns([_drv_row(*drv, now_s) for drv in listed], right=(2, 3)))
    return DONE


def _drv_json(dref: DRef, n_bytes: int, parts: Parts, newest: str) -> dict[str, object]:
    return {
        "dref": dref,
        "name": dref[38:],
        "newest": newest or None,
        "realizations": len(parts),
        "size_bytes": n_bytes,
    }


def _drv_row(dref: DRef, n_bytes: int, parts: Parts, newest: str, now_s: float) -> tuple[str, ...]:
    newest_s = seconds_of(newest) if newest else None
    many = count(len(parts), "realization")
    return dref[38:], short(dref), many, size(n_bytes), age(newest_s, now_s)


def find(args: Namespace) -> int:
    """Print the realizations that were asked for."""
    # Before 1970 there is nothing to tell apart, and `find` takes such a number for a time ago.
    newer = None if args.newer is None else max(since(args.newer, time.time()), 1e-6)
    with browsed(args) as store:
        found = find_rrefs(args.glob, newer, store)
    if args.json:
        say_json(found)
    else:
        say_lines(found)
    return DONE


def du(args: Namespace) -> int:
    """Tell how much room things take."""
    with browsed(args) as store:
        ref, sizes = (None, sizes_of_all(store)) if args.ref is None else _one(store, args.ref)
    total = sum(n_bytes for n_bytes, _ in sizes.values())
    if args.json:
        drvs = {d: {"bytes": own, "realizations": parts} for d, (own, parts) in sizes.items()}
        say_json({"bytes": total, "derivations": drvs})
        return DONE
    rows = _rows(sizes, single=ref is not None)
    if not isinstance(ref, RRef):
        rows.append((size(total), "total", ""))
    say_lines(columns(rows, right=(0,)))
    return DONE


def _rows(sizes: Sizes, *, single: bool) -> list[tuple[str, str, str]]:
    """Show derivations, or the realizations of a single one, by name."""
    if single:
        parts = [part for _, of_drv in sizes.values() for part in of_drv.items()]
        listed = [(ref[71:], short(ref), n_bytes) for ref, n_bytes in parts]
    else:
        listed = [(ref[38:], short(ref), n_bytes) for ref, (n_bytes, _) in sizes.items()]
    return [(size(n_bytes), name, hash_) for name, hash_, n_bytes in sorted(listed)]


def _one(store: Store, text: str) -> tuple[DRef | RRef, Sizes]:
    """Measure one derivation, or a realization alone."""
    from pylightnix.store.lookup import resolve
    from pylightnix.store.query import config_of, dref_of, require_rref
    from pylightnix.store.usage import size_of

    ref = resolve(store, text)
    if isinstance(ref, RRef):
        require_rref(store, ref)
        n_bytes = size_of(store, dref_of(ref))[1].get(ref, 0)
        return ref, {dref_of(ref): (n_bytes, {ref: n_bytes})}
    config_of(store, ref)
    return ref, {ref: size_of(store, ref)}
