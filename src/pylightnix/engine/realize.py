"""Realize a closure: look what is there, and have what is not there built."""

from __future__ import annotations

from collections.abc import Collection

from pylightnix.core.plan import Chosen, Plan, advance, finished, mkplan
from pylightnix.core.refs import DRef

from .closure import Closure
from .listening import ignore, tell
from .look import looker
from .workshop import Workshop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .crew import Hire


def realize(
    closure: Closure,
    shop: Workshop,
    hire: Hire | None = None,
    assert_realized: Collection[DRef] = (),
) -> Plan:
    """Find or build every derivation of a closure, each after all that it depends on.

    Args:
        closure: as `instantiate` returned it.
        shop: the store and how to build.
        hire: makes the workers, called only if there is something to build; None hires nobody.
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
    if shop.emit is not ignore:
        plan = _announced(closure, shop)
    else:
        plan = advance(mkplan(closure.needs), looker(shop.store, closure.derivations, shop.force))
    if finished(plan):
        return plan
    # Most of the library is about building; where there is nothing to build it is not loaded.
    from .crew import alone
    from .work import work

    return work(closure, plan, shop, hire or alone, assert_realized)


def _announced(closure: Closure, shop: Workshop) -> Plan:
    """Look what is there, and tell of it."""
    from .events import Finished, Hit, Planned

    def on_hit(dref: DRef, chosen: Chosen) -> None:
        tell(shop.emit, Hit, dref, chosen)

    look = looker(shop.store, closure.derivations, shop.force, on_hit)
    plan = advance(mkplan(closure.needs), look)
    if finished(plan):
        for target in closure.targets:
            tell(shop.emit, Finished, target, plan.done[target])
    for dref in plan.needs:
        if dref not in plan.done:
            tell(shop.emit, Planned, dref)
    return plan
