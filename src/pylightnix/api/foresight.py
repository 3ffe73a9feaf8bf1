"""Knowing what happens before it does, and why it did: `plan`, `why`, `why_depends`."""

from __future__ import annotations

from collections.abc import Iterable

from pylightnix.core.explain import Why
from pylightnix.core.outlook import Plan
from pylightnix.core.refs import DRef, RRef
from pylightnix.core.value import changed
from pylightnix.engine.closure import Closure
from pylightnix.engine.history import Past, why_derivation, why_realization
from pylightnix.engine.outlook import Substituter, outlook
from pylightnix.engine.paths import dependency_path
from pylightnix.engine.prospect import why_closure
from pylightnix.store.layout import Store
from pylightnix.store.lookup import resolve
from pylightnix.store.query import preload

from .ambient import resolved
from .given import Force, check_closure, forced


def plan(
    closure: Closure, force_rebuild: Force = (), substituters: Iterable[Substituter] = ()
) -> Plan:
    """Tell what `realize` would do with a closure, and do nothing of it.

    The same steps are taken as by `realize`, up to where something would have to be built.

    Args:
        closure: as `instantiate` returned it.
        force_rebuild: `True` for the targets, or DRefs: as if `realize` were told so.
        substituters: asked, in order, what they have of what the store does not have; nothing is
            fetched.

    Returns:
        `.items`, one for each derivation, dependencies first, with `.verdict` (`hit`, `fetch`,
        `build`, or `unknown` where that depends on how a dependency comes out), `.rrefs`,
        `.reason` and `.seconds`; `.seconds`, an estimate of the whole. `str()` of it is a tree.

    Raises:
        InvalidValue: an argument is not what it should be.
        UnknownTarget: a DRef was named that the closure does not have.
        MatcherUnsatisfied: a matcher refuses what there is; `realize` would raise the same.

    Effects: none but notes of realizations that were never seen before and found to be whole. No
        lock is taken, and the store may be read-only.
    Concept: what is shown is what is driven; `realize` advances the same plan.
    """
    check_closure("plan", closure)
    force = forced(closure, force_rebuild)
    preload(closure.store, [drv.dref for drv in closure.derivations])
    return outlook(closure, force, tuple(substituters))


def why(ref: DRef | RRef | str | Closure, store: Store | None = None) -> Why:
    """Tell why something was built, or would be: what differs from before, and where that began.

    Args:
        ref: of a derivation: how it differs from the nearest earlier one of its name. Of a
            realization: whether it is the first, or had other dependencies, or was built again with
            the same. A name or the beginning of a hash will do. Of a closure: why its targets would
            be built.
        store: by default the closure's, otherwise the current one.

    Returns:
        `.reason`, a sentence; `.against`, what it was compared with (of several as near as each
        other the one that was built last); `.changes`, each with `.path .old .new`; `.causes`, each
        with `.dref .against .changes`: the derivations in which it began. What changed only because
        a dependency did is no cause. `str()` of it tells all that.

    Raises:
        NotInStore, Ambiguous, Corrupt: it is not there, not clear, or not what its name says.

    Effects: those of `plan`.
    """
    if isinstance(ref, Closure):
        closed = ref if store is None else changed(ref, store=resolved(store))
        preload(closed.store, [drv.dref for drv in closed.derivations])
        return why_closure(closed)
    where = resolved(store)
    found = resolve(where, ref)
    past = Past(where)
    return why_realization(past, found) if isinstance(found, RRef) else why_derivation(past, found)


def why_depends(
    a: DRef | RRef | str, b: DRef | RRef | str, store: Store | None = None
) -> list[DRef | RRef]:
    """Tell through what one object depends on another.

    Args:
        a: what depends; a name or the beginning of a hash will do.
        b: what it depends on. If one of the two is a realization the path is one of realizations,
            and a derivation stands for any of its realizations.
        store: by default the current one.

    Returns:
        The shortest path, from `a` to `b` with both, each depending directly on the next. An empty
        list if `a` does not depend on `b`, so that `if why_depends(a, b):` asks just that.

    Raises:
        NotInStore, Ambiguous, Corrupt: an object is not there, not clear, or not what its name
            says.
    """
    where = resolved(store)
    return list(dependency_path(where, resolve(where, a), resolve(where, b)))
