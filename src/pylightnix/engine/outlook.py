"""What `realize` would do: the plan is advanced as far as it goes without building anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pylightnix.core import plan as core
from pylightnix.core.outlook import Plan, PlanItem, Verdict
from pylightnix.core.plan import Chosen
from pylightnix.core.refs import DRef, RRef
from pylightnix.store.layout import Store
from pylightnix.store.query import rrefs

from .closure import Closure
from .estimate import Estimates
from .look import looker
from .registry import Derivation
from .workshop import choose

NAMED = 3


class Substituter(Protocol):
    """Something that can supply realizations instead of building them."""

    def has(self, dref: DRef) -> tuple[RRef, ...]:
        """Tell which realizations of a derivation it can supply."""
        ...

    def fetch(self, rref: RRef, into: Path) -> None:
        """Put what belongs into a realization, metadata included, below an empty folder."""
        ...


@dataclass(frozen=True, slots=True)
class _Outlook:
    """What verdicts are made of."""

    store: Store
    known: Mapping[DRef, Derivation]
    state: core.Plan
    force: Collection[DRef]
    substituters: Sequence[Substituter]
    estimates: Estimates


def outlook(
    closure: Closure, force: Collection[DRef] = (), substituters: Sequence[Substituter] = ()
) -> Plan:
    """Tell what `realize` would do with a closure, derivation by derivation.

    Args:
        closure: as `instantiate` returned it.
        force: derivations that would be built even if something matches.
        substituters: asked, in order, for what the store does not have.

    Raises:
        MatcherUnsatisfied: a matcher refuses what there is, as it would in `realize`.
    """
    needs = closure.needs
    look = looker(closure.store, closure.derivations, force)
    state = core.advance(core.mkplan(needs), look)
    known = {drv.dref: drv for drv in closure.derivations}
    estimates = Estimates(closure.store, needs)
    view = _Outlook(closure.store, known, state, force, substituters, estimates)
    items: dict[DRef, PlanItem] = {}
    for dref in needs:
        items[dref] = _item(view, items, dref)
    return Plan(tuple(items.values()), needs, closure.targets)


def _item(view: _Outlook, below: Mapping[DRef, PlanItem], dref: DRef) -> PlanItem:
    """Judge a derivation; what is `below` it has been judged."""
    chosen = view.state.done.get(dref)
    if chosen is not None:
        return PlanItem(dref, "hit", chosen, _hit(chosen), 0.0)
    there = rrefs(view.store, dref)
    verdict, supplied, reason = _verdict(view, below, dref, there)
    return PlanItem(dref, verdict, supplied, reason, view.estimates.of(dref, built=bool(there)))


def _verdict(
    view: _Outlook, below: Mapping[DRef, PlanItem], dref: DRef, there: Sequence[RRef]
) -> tuple[Verdict, Chosen, str]:
    """Judge a derivation for which nothing was chosen."""
    if dref in view.force:
        return "build", (), "it is forced"
    waits = [dep for dep in view.state.needs[dref] if dep not in view.state.done]
    if all(below[dep].verdict == "fetch" for dep in waits):
        supplied = _supplied(view, dref)
        if supplied:
            return "fetch", supplied, f"a substituter has {_count(len(supplied))} of it"
    if not waits:
        return "build", (), _missing(view, dref, there)
    after = f"after {_names(waits)}"
    # Where there is no realization at all, the matcher will be shown none, whatever comes out of
    # the dependencies.
    if not there and choose(view.store, view.known[dref], ()) is None:
        return "build", (), f"nothing of it is in the store; it is built {after}"
    return "unknown", (), f"whether {_count(len(there))} of it can be used is known {after}"


def _supplied(view: _Outlook, dref: DRef) -> Chosen:
    for substituter in view.substituters:
        supplied = tuple(substituter.has(dref))
        if supplied:
            return supplied
    return ()


def _hit(chosen: Chosen) -> str:
    return f"the store has {_count(len(chosen))}" if chosen else "its matcher chooses none"


def _missing(view: _Outlook, dref: DRef, there: Sequence[RRef]) -> str:
    """Say why nothing will do that the store has."""
    if not there:
        return "nothing of it is in the store"
    context = {dep: view.state.done[dep] for dep in view.state.needs[dref]}
    fitting = len(rrefs(view.store, dref, context))
    if fitting:
        return f"its matcher is not content with {_count(fitting)}"
    return f"{_count(len(there))} of it had other realizations of its dependencies"


def _count(n: int) -> str:
    return "1 realization" if n == 1 else f"{n:,} realizations"


def _names(drefs: Sequence[DRef]) -> str:
    more = len(drefs) - NAMED
    named = [f"{dref[38:]} {dref[5:13]}" for dref in drefs[:NAMED]]
    return ", ".join([*named, *([f"{more} more"] if more > 0 else [])])
