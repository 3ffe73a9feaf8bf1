"""Realize a closure: a loop round the plan."""

from __future__ import annotations

import time
from collections.abc import Collection

from pylightnix.core.plan import (
    Choose,
    Chosen,
    Plan,
    advance,
    finished,
    mkplan,
    ready,
    settled,
    started,
)
from pylightnix.core.refs import DRef
from pylightnix.core.value import changed

from .closure import Closure
from .events import Hit, ignore
from .look import looker
from .workshop import Workshop


def realize(closure: Closure, shop: Workshop, assert_realized: Collection[DRef] = ()) -> Plan:
    """Find or build every derivation of a closure, in dependency order, one after the other.

    Args:
        closure: as `instantiate` returned it.
        shop: the store and how to build.
        assert_realized: raise instead of building these.

    Returns:
        The finished plan; its `done` has the chosen realizations of every derivation.

    Raises:
        NotRealized: one of `assert_realized` would have to be built.
        RealizeError, StoreError: as `produce`.

    Effects: writes below the store's root only; holds one build lock at a time.
    Concept: derivations are found or built in dependency order (Dolstra 2006, chapter 5); here one
        may have several results, and which of them its dependents see is the matcher's choice.
    """

    def on_hit(dref: DRef, chosen: Chosen) -> None:
        shop.emit(Hit(dref, chosen, time.monotonic()))

    listened = None if shop.emit is ignore else on_hit
    look = looker(shop.store, closure.derivations, shop.force, listened)
    plan = advance(mkplan(closure.needs), look)
    return plan if finished(plan) else _built(plan, look, shop, closure, assert_realized)


def _built(
    plan: Plan,
    look: Choose,
    shop: Workshop,
    closure: Closure,
    assert_realized: Collection[DRef],
) -> Plan:
    """Build what is missing, one after the other."""
    # Most of the library is about building; where there is nothing to build it is not loaded.
    from pylightnix.store.lock import this_process

    from .produce import NotRealized, produce

    shop = changed(shop, who=this_process())
    known = {drv.dref: drv for drv in closure.derivations}
    while todo := ready(plan):
        absent = tuple(dref for dref in todo if dref in assert_realized)
        if absent:
            raise NotRealized(absent)
        for dref in todo:
            context = {dep: plan.done[dep] for dep in plan.needs[dref]}
            plan = settled(started(plan, dref), dref, produce(shop, known[dref], context))
        plan = advance(plan, look)
    return plan
