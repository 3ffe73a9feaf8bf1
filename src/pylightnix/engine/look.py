"""Look at a derivation whose dependencies are settled: is there something to use, or not?

`realize` and `plan` pass the same function to `core.plan.advance`, so neither can say of the store
what the other does not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from pylightnix.core.plan import Choose, Chosen
from pylightnix.core.refs import DRef
from pylightnix.store.layout import Store
from pylightnix.store.query import rrefs

from .registry import Derivation
from .workshop import choose


def looker(
    store: Store,
    derivations: Iterable[Derivation],
    force: Collection[DRef] = (),
    on_hit: Callable[[DRef, Chosen], None] | None = None,
) -> Choose:
    """Make the function that chooses among what a store has.

    Args:
        store: where to look; nothing is written to it.
        derivations: all that may be asked about.
        force: of these nothing will do that the store has.
        on_hit: told of each derivation for which there is something.
    """
    known = {drv.dref: drv for drv in derivations}

    def look(dref: DRef, context: dict[DRef, Chosen]) -> Chosen | None:
        if dref in force:
            return None
        chosen = choose(store, known[dref], rrefs(store, dref, context))
        if chosen is not None and on_hit is not None:
            on_hit(dref, chosen)
        return chosen

    return look
