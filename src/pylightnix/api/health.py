"""Is the store well? Verify, repair, and look it over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pylightnix.core.errors import PylightnixError
from pylightnix.core.reclaim import Ref
from pylightnix.core.refs import DRef, RRef, rref2dref
from pylightnix.engine.closure import Closure
from pylightnix.engine.events import Built
from pylightnix.store import verify as _verify
from pylightnix.store.doctor import Finding, examine
from pylightnix.store.layout import Store
from pylightnix.store.lookup import resolve
from pylightnix.store.losses import note_loss
from pylightnix.store.objects import put_derivation
from pylightnix.store.quarantine import quarantine
from pylightnix.store.query import config_of
from pylightnix.store.trouble import told
from pylightnix.store.verified import is_valid
from pylightnix.store.verify import Report

from .ambient import resolved
from .stage import realize_many


@told
def verify(
    refs: DRef | RRef | str | Iterable[DRef | RRef | str] | None = None,
    contents: bool = True,
    repair: bool = False,
    closure: Closure | None = None,
    *,
    store: Store | None = None,
) -> Report:
    """Compare objects with their names: every byte, size, kind, x bit and name, and every config.

    Args:
        refs: these; a derivation with all its realizations. By default everything.
        contents: hash the contents; otherwise compare kinds, sizes and x bits, which is quick.
        repair: put damaged objects into quarantine in `var/trash`, mend notices, and make again
            what `closure` can.
        closure: what can be rebuilt; without it damaged objects are lost, though not deleted.
        store: by default the closure's, otherwise the current one.

    Returns:
        `.damaged .incomplete .notices .repaired .lost`; `.ok` if no damage is left; `.failure`.

    Raises:
        NotInStore, Ambiguous: one of `refs` is not there, or not clear.

    Effects: with `repair` as said; otherwise only notes what is good and what is not.
    """
    where = resolved(closure.store if store is None and closure is not None else store)
    report = _verify.inspect(where, _parsed(where, refs), contents=contents)
    if not repair:
        return report
    mended = _verify.mend_notices(where, report)
    gone = quarantine(where, report)
    failure = "" if closure is None else _rebuild(where, gone, closure)
    again = tuple(ref for ref in gone if _whole(where, ref))
    lost = tuple(ref for ref in gone if ref not in again)
    for ref in lost:
        if isinstance(ref, DRef):
            note_loss(where, ref)
    return replace(report, repaired=(*mended, *again), lost=lost, failure=failure)


def _parsed(
    store: Store, refs: DRef | RRef | str | Iterable[DRef | RRef | str] | None
) -> list[Ref] | None:
    if refs is None:
        return None
    given: object = refs
    several = isinstance(given, Iterable) and not isinstance(given, str)
    wanted: Any = refs if several else (refs,)
    return [resolve(store, ref) for ref in wanted]


def _rebuild(store: Store, gone: Iterable[Ref], closure: Closure) -> str:
    """Write missing configs, realize; what does not come back by itself is forced, once.

    What was built just now, and came out otherwise, would do so again.

    Returns:
        Why that failed; empty if it did not.
    """
    for drv in closure.derivations:
        put_derivation(store, drv.dref, drv.config)
    known = {drv.dref for drv in closure.derivations}
    # What cannot be rebuilt is reported as lost, with the rest of the repair done.
    try:
        events: list[object] = []
        realize_many(closure, on_event=events.append)
        built = {event.dref for event in events if isinstance(event, Built)}
        again = [ref for ref in gone if isinstance(ref, RRef) and not _whole(store, ref)]
        if forced := known.intersection(map(rref2dref, again)) - built:
            realize_many(closure, force_rebuild=sorted(forced))
    except PylightnixError as error:
        return str(error)
    return ""


def _whole(store: Store, ref: Ref) -> bool:
    if isinstance(ref, RRef):
        return is_valid(store, ref)
    try:
        return config_of(store, ref).name == ref[38:]
    except PylightnixError:
        return False


@told
def doctor(contents: bool = False, *, store: Store | None = None) -> list[Finding]:
    """Look a store over: file system, clock, space, roots, left-overs, index, objects.

    Args:
        contents: hash the contents of every object, which may take long.
        store: by default the current one.

    Returns:
        Findings, good and bad, each with the command that mends it.
    """
    return examine(resolved(store), contents=contents)


@told
def rebuild_index(store: Store | None = None) -> int:
    """Throw the index away and make it anew; gives the number of derivations in it.

    Args:
        store: by default the current one.
    """
    from pylightnix.store.census import census

    where = resolved(store)
    if where.index is not None:
        where.index.clear()
    count = sum(isinstance(ref, DRef) for ref in census(where).stock.needs)
    if where.index is not None:
        where.index.flush()
    return count
