"""What stays in the store and what goes: roots and garbage collection."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress

from pylightnix.core.errors import InvalidValue
from pylightnix.core.given import artifact_path, path_text, require_number
from pylightnix.core.graph import reachable
from pylightnix.core.reclaim import Policy, Ref
from pylightnix.core.refs import DRef, InvalidRef, RRef, isdref, isrref
from pylightnix.store import gc as _gc
from pylightnix.store import roots
from pylightnix.store.census import Score, census
from pylightnix.store.gc import Collection
from pylightnix.store.layout import NotInStore, Store
from pylightnix.store.lookup import resolve
from pylightnix.store.trouble import told

from .ambient import live_roots, resolved

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@told
def gcroot(name: str, ref: DRef | RRef | str, store: Store | None = None) -> None:
    """Give an object a name that keeps it, and all that it needs, from being collected.

    Args:
        name: 1 to 128 characters of `[A-Za-z0-9_-]`; a root of that name is replaced.
        ref: of a derivation all realizations are kept. A name or the beginning of a hash will do.
        store: by default the current one.

    Raises:
        InvalidName: the name cannot be one.
        NotInStore, Ambiguous, Corrupt: the object is not there, not clear, or damaged.
    """
    where = resolved(store)
    roots.add_root(where, name, resolve(where, ref))


@told
def gcroots(store: Store | None = None) -> Mapping[str, DRef | RRef]:
    """Give the named roots, sorted by name.

    Args:
        store: by default the current one.
    """
    return {str(name): ref for name, ref in roots.named_roots(resolved(store)).items()}


@told
def rmroot(name: str, store: Store | None = None) -> None:
    """Forget a named root; what it kept may be collected from now on.

    Args:
        name: as given to `gcroot`.
        store: by default the current one.

    Raises:
        NoSuchRoot: there is none of that name; those there are are listed.
    """
    roots.remove_root(resolved(store), name)


@told
def gc(
    keep: Iterable[DRef | RRef | str | os.PathLike[str]] = (),
    max_bytes: int | None = None,
    older_than_s: float | None = None,
    keep_last: int | None = None,
    keep_best: tuple[str, int] | None = None,
    grace_s: float = 3600.0,
    dry_run: bool = False,
    *,
    leftovers_only: bool = False,
    store: Store | None = None,
) -> Collection:
    """Collect what no root, link or process needs.

    Live is what can be reached from named roots (`gcroot`), from symlinks in registered folders
    (`linkrref`), from what other live processes use, and from `keep`. Without further arguments all
    the rest goes that is older than `grace_s`. It goes to the trash, from which `gc_undo` brings it
    back until the next collection.

    Args:
        keep: DRefs, RRefs, names, or folders: symlinks into the store found in or below those are
            roots. What is both a name and a folder is kept as both.
        max_bytes: collect only as much, longest ago built first, as brings the store down to this
            size.
        older_than_s: spare what came into the store in the last seconds.
        keep_last: of every derivation, spare as many realizations as were built last.
        keep_best: `(file, n)`: of every derivation, spare the n realizations with the highest
            number in the first line of that artifact.
        grace_s: spare what came in the last seconds: whoever needs it may be on its way.
        dry_run: tell what would go, and change nothing.
        leftovers_only: take away just what interrupted work left behind.
        store: by default the current one.

    Returns:
        `.dead`: for each victim `.ref`, `.bytes` and `.reason`, users first; `.freed_bytes`;
        `.kept`.

    Raises:
        InvalidValue: an argument cannot be meant.
        CollectorBusy: another collection is under way.

    Effects: renames into `var/trash`; deletes what was in it before, and what interrupted work left
        behind.
    Concept: deciding is pure and apart from acting, so a dry run is the same code.
    """
    where = resolved(store)
    filename, best = _best(keep_best)
    policy = Policy(grace_s, older_than_s, keep_last, best, max_bytes)
    _check(policy)
    refs, folders = _sorted_out(where, keep)
    live = live_roots(where)
    found = _gc.collect(
        where,
        policy,
        keep=refs,
        at_work=[ref for at_work in tuple(live.working) for ref in at_work],
        keep_folders=folders,
        score=None if filename is None else _scorer(filename),
        dry_run=dry_run,
        leftovers_only=leftovers_only,
        mine=live.path,
    )
    if where.index is not None:
        where.index.flush()
    return found


def _check(policy: Policy) -> None:
    for name in Policy.__annotations__:
        value = getattr(policy, name)
        if value is not None:
            require_number(f"gc: {name}", value, whole=name in ("keep_last", "keep_best"))


def _sorted_out(
    store: Store, keep: Iterable[DRef | RRef | str | os.PathLike[str]]
) -> tuple[list[DRef | RRef], list[str]]:
    """Tell references from folders."""
    refs: list[DRef | RRef] = []
    folders: list[str] = []
    single = isinstance(keep, (str, os.PathLike)) or not isinstance(keep, Iterable)
    for item in (keep,) if single else keep:
        text = path_text("gc: something to keep", item)
        if isdref(text) or isrref(text):
            refs.append(resolve(store, text))
        elif os.path.isdir(text):
            folders.append(text)
            # A name may be meant as well: to keep too much harms less than to delete.
            with suppress(NotInStore, InvalidRef):
                refs.append(resolve(store, text))
        else:
            refs.append(resolve(store, text))
    return refs, folders


def _scorer(filename: str) -> Score:
    from pylightnix.engine.matchers import number_in

    path = artifact_path("gc: the artifact of keep_best", filename)
    return lambda folder: number_in(f"{folder}/{path}")


def _best(keep_best: object) -> tuple[Any, Any]:
    """Take `keep_best` apart; what its parts are is checked by who uses them."""
    if keep_best is None:
        return None, None
    if isinstance(keep_best, tuple | list) and len(keep_best) == 2:
        return tuple(keep_best)
    raise InvalidValue(f"gc: keep_best cannot be {keep_best!r:.100}: give (file, number)")


@told
def gc_undo(store: Store | None = None) -> list[DRef | RRef]:
    """Bring the last collection back from the trash; gives what came back, sorted.

    Args:
        store: by default the current one.

    Raises:
        StoreError: the trash is empty.
    """
    return _gc.undo(resolved(store))


@told
def gc_empty_trash(store: Store | None = None) -> int:
    """Delete the last collection for good; gives the bytes freed.

    Args:
        store: by default the current one.
    """
    return _gc.empty_trash(resolved(store))


@told
def store_gc(
    keep_drefs: Iterable[DRef], keep_rrefs: Iterable[RRef], store: Store | None = None
) -> tuple[set[DRef], set[RRef]]:
    """Tell what could go if just these and what they need were kept; changes nothing.

    Args:
        keep_drefs: derivations, without their realizations.
        keep_rrefs: realizations, with their derivations.
        store: by default the current one.

    Returns:
        Derivations and realizations that could go.
    """
    needs = census(resolved(store)).stock.needs
    kept: list[Ref] = [*map(DRef, keep_drefs), *map(RRef, keep_rrefs)]
    live = reachable(kept, needs)
    gone = [ref for ref in needs if ref not in live]
    return (
        {ref for ref in gone if isinstance(ref, DRef)},
        {ref for ref in gone if isinstance(ref, RRef)},
    )
