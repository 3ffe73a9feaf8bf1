"""Why something in the store was built: told by configs, contexts, and the times of builds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pylightnix.core.config import Config, config_dict
from pylightnix.core.errors import StoreError
from pylightnix.core.explain import (
    Cause,
    Change,
    Pair,
    Why,
    config_changes,
    context_changes,
    follows,
    merged,
    nearest,
    trace,
)
from pylightnix.core.refs import DRef, RRef, rref2dref
from pylightnix.store.books import Book
from pylightnix.store.layout import Store
from pylightnix.store.namesakes import namesakes
from pylightnix.store.query import config_of, context_of, preload, require_rref
from pylightnix.store.shelf import shelf_of


@dataclass(frozen=True, slots=True)
class Past:
    """What there is to compare with.

    Attributes:
        store: where.
        present: configs of derivations that belong together, some of which the store may not have;
            none of these is an earlier version of another.
    """

    store: Store
    present: Mapping[DRef, Config] = field(default_factory=dict)


def why_derivation(past: Past, dref: DRef) -> Why:
    """Tell how a derivation differs from the nearest earlier one of its name.

    Raises:
        NotInStore, Corrupt: its config is not there, or not what its name says.
    """
    fields = _fields(past, dref)
    before = _before(past, dref)
    earlier = {ref: old for ref in before if (old := _fields_or_none(past, ref)) is not None}
    against = nearest(fields, earlier, before, config_changes)
    if against is None:
        reason = "it is the first derivation of its name"
        return Why(dref, reason, None, (), (Cause(dref, None, ()),))

    def explain(new: DRef, old: DRef | None) -> tuple[tuple[Cause, ...], list[Pair[DRef]]]:
        return _config_step(past, new, old)

    changes = config_changes(earlier[against], fields)
    causes = trace(dref, against, explain)
    own = any(cause.dref == dref for cause in causes)
    reason = "its config was changed" if own else "something that it depends on was changed"
    return Why(dref, reason, against, changes, causes)


def _before(past: Past, dref: DRef) -> dict[DRef, str]:
    """Give the earlier derivations of the same name -> when they were last built before it.

    Those that were never built count only where there is no other.
    """
    name = str(dref[38:])
    listed = namesakes(past.store, [name])[name]
    limit = min((book.stop for book in books_of(past.store, dref)), default=None)
    others = [ref for ref in listed if ref != dref and ref not in past.present]
    preload(past.store, others)
    built: dict[DRef, str] = {}
    for ref in others:
        stops = [book.stop for book in books_of(past.store, ref)]
        stops = stops if limit is None else [stop for stop in stops if stop < limit]
        if stops:
            built[ref] = max(stops)
    if built or limit is not None:
        return built
    older = listed[listed.index(dref) + 1 :] if dref in listed else others
    # They come newest first, and only their order counts.
    return {ref: f"{len(older) - i:09}" for i, ref in enumerate(older) if ref in others}


def books_of(store: Store, dref: DRef) -> tuple[Book, ...]:
    """Give what is known of the realizations of a derivation."""
    shelf = shelf_of(store, dref)
    return () if shelf is None else shelf.books


def _fields(past: Past, dref: DRef) -> dict[str, object]:
    config = past.present.get(dref)
    return config_dict(config_of(past.store, dref) if config is None else config)


def _fields_or_none(past: Past, dref: DRef) -> dict[str, object] | None:
    try:
        return _fields(past, dref)
    except StoreError:  # collected meanwhile, or damaged: nothing to compare with
        return None


def _config_step(
    past: Past, new: DRef, old: DRef | None
) -> tuple[tuple[Cause, ...], list[Pair[DRef]]]:
    """Tell which changes of a derivation are its own, and which follow from dependencies."""
    before = None if old is None else _fields_or_none(past, old)
    now = _fields_or_none(past, new)
    if before is None or now is None:
        return (Cause(new, old, ()),), []
    changes = config_changes(before, now)
    below = [pair for change in changes if (pair := follows(change)) is not None]
    own = tuple(change for change in changes if follows(change) is None)
    return ((Cause(new, old, own),) if own else ()), list(below)


def why_realization(past: Past, rref: RRef) -> Why:
    """Tell why a realization was built although there were earlier ones, or that it was the first.

    Raises:
        NotInStore, Corrupt: it is not there, or not what its name says.
    """
    require_rref(past.store, rref)
    dref = rref2dref(rref)
    books = {book.rref: book for book in books_of(past.store, dref)}
    own = books[rref]
    earlier = [b for b in books.values() if b.rref != rref and (b.stop < own.stop or not own.stop)]
    if not earlier:
        base = why_derivation(past, dref)
        reason = f"it is the first realization of its derivation; {base.reason}"
        return Why(rref, reason, base.against, base.changes, base.causes)
    alike = [book for book in earlier if book.context == own.context]
    if alike:
        last = max(alike, key=_built).rref
        reason = "it was built again with the same dependencies (forced, or more were wanted)"
        return Why(rref, f"{reason} and came out differently", last, (), (Cause(dref, last, ()),))
    context = context_of(past.store, rref)
    against, changes, causes = other_context(past, dref, context, earlier)
    return Why(rref, "its dependencies had other realizations", against, changes, causes)


def _built(book: Book) -> tuple[str, RRef]:
    return book.stop, book.rref


def other_context(
    past: Past, dref: DRef, context: Mapping[DRef, Sequence[RRef]], earlier: Sequence[Book]
) -> tuple[RRef | None, tuple[Change, ...], tuple[Cause, ...]]:
    """Compare a context with those of earlier realizations of the same derivation.

    Returns:
        The nearest of these, how the context differs from its, and where that began.
    """
    contexts = {book.rref: context_of(past.store, book.rref) for book in earlier}
    built = {book.rref: book.stop for book in earlier}
    against = nearest(context, contexts, built, context_changes)
    if against is None:
        return None, (), ()

    def explain(new: RRef, old: RRef | None) -> tuple[tuple[Cause, ...], list[Pair[RRef]]]:
        return _context_step(past, new, old)

    own, below = _split(contexts[against], context)
    causes = merged([own, *(trace(new, old, explain) for new, old in below)])
    return against, context_changes(contexts[against], context), causes


def _context_step(
    past: Past, new: RRef, old: RRef | None
) -> tuple[tuple[Cause, ...], list[Pair[RRef]]]:
    """Tell whether a realization is another one by itself, or because its dependencies were."""
    dref = rref2dref(new)
    itself = context_changes({} if old is None else {dref: (old,)}, {dref: (new,)})
    began = (Cause(dref, old, itself),)
    if old is None:
        return began, []
    try:
        own, below = _split(context_of(past.store, old), context_of(past.store, new))
    except StoreError:  # what it was before was collected
        return began, []
    return (own, below) if own or below else (began, [])


def _split(
    old: Mapping[DRef, Sequence[RRef]], new: Mapping[DRef, Sequence[RRef]]
) -> tuple[tuple[Cause, ...], list[Pair[RRef]]]:
    """Tell dependencies of which some realizations are merely left out from those with new ones."""
    own: list[Cause] = []
    below: list[Pair[RRef]] = []
    for dref in sorted({*old, *new}):
        was, now = old.get(dref, ()), new.get(dref, ())
        come = [rref for rref in now if rref not in was]
        gone = [rref for rref in was if rref not in now] or list(was)
        if not come and len(was) != len(now):
            changes = context_changes({dref: was}, {dref: now})
            own.append(Cause(dref, None, changes))
        below += [(rref, gone[0] if gone else None) for rref in come]
    return tuple(own), below
