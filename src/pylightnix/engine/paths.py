"""Through what one object depends on another: shortest paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from pylightnix.core.graph import shortest
from pylightnix.core.refs import DRef, RRef, rref2dref
from pylightnix.store.layout import Store
from pylightnix.store.query import config_of, context_of, require_rref, rrefs


def dependency_path(store: Store, a: DRef | RRef, b: DRef | RRef) -> Sequence[DRef | RRef]:
    """Give the shortest way from what depends to what it depends on, both included.

    Between derivations it goes along configs. If one of the two is a realization, it goes along
    contexts, and a derivation stands for any of its realizations.

    Raises:
        NotInStore, Corrupt: something on the way is not there, or not what its name says.
    """
    if isinstance(a, RRef):
        require_rref(store, a)
        return shortest([a], _below(store), _is(b))
    config_of(store, a)
    if isinstance(b, RRef):
        return shortest(rrefs(store, a), _below(store), _is(b))
    return shortest([a], lambda dref: config_of(store, dref).deps, lambda dref: dref == b)


def _below(store: Store) -> Callable[[RRef], Iterable[RRef]]:
    def below(rref: RRef) -> Iterable[RRef]:
        context = context_of(store, rref)
        return [dep for dref in sorted(context) for dep in context[dref]]

    return below


def _is(wanted: DRef | RRef) -> Callable[[RRef], bool]:
    if isinstance(wanted, RRef):
        return lambda rref: rref == wanted
    return lambda rref: rref2dref(rref) == wanted
