"""Realize a closure: look what is there, and have what is not there built."""

from __future__ import annotations

import time
from collections.abc import Collection

from pylightnix.core.plan import Chosen, Plan, advance, finished, mkplan
from pylightnix.core.refs import DRef

from .closure import Closure
from .crew import Hire, alone
from .events import Finished, Hit, Planned, ignore
from .look import looker
from .workshop import Workshop


def realize(
    closure: Closure, shop: Workshop, hire: Hire = alone, assert_realized: Collection[DRef] = ()
) -> Plan:
    """Find or build every derivation of a closure, each after all that it depends on.

    Args:
        closure: as `instantiate` returned it.
        shop: the store and how to build.
        hire: makes the workers; called only if there is something to build.
        assert_realized: raise instead of building these.

    Returns:
        The finished plan; its `done` has the chosen realizations of every derivation.

    Raises:
        NotRealized: one of `assert_realized` would have to be built.
        BuildsFailed: builds failed, with `keep_going`.
        RealizeError, StoreError: as `produce`, of the first that failed; what was running by then
            was waited for.

    Effects: writes below the store's root only; holds a build lock for each running build. What is
        running when it is interrupted is stopped.
    Concept: derivations are found or built in dependency order (Dolstra 2006, chapter 5); here one
        may have several results, and which of them its dependents see is the matcher's choice.
    """

    def on_hit(dref: DRef, chosen: Chosen) -> None:
        shop.emit(Hit(dref, chosen, time.monotonic()))

    listened = None if shop.emit is ignore else on_hit
    look = looker(shop.store, closure.derivations, shop.force, listened)
    plan = advance(mkplan(closure.needs), look)
    if finished(plan):
        if listened is not None:
            for target in closure.targets:
                shop.emit(Finished(target, plan.done[target], time.monotonic()))
        return plan
    for dref in plan.needs if listened is not None else ():
        if dref not in plan.done:
            shop.emit(Planned(dref, time.monotonic()))
    # Most of the library is about building; where there is nothing to build it is not loaded.
    from .work import work

    return work(closure, plan, shop, hire, assert_realized)
