"""Why the targets of a closure would be built: told by the same outlook that `plan` shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pylightnix.core.explain import Cause, Why, merged
from pylightnix.core.graph import reachable
from pylightnix.core.outlook import Plan, PlanItem
from pylightnix.core.refs import DRef
from pylightnix.store.query import rrefs

from .closure import Closure
from .history import Past, books_of, other_context, why_derivation
from .outlook import outlook


@dataclass(frozen=True, slots=True)
class _Prospect:
    """An outlook, and the past to compare it with."""

    past: Past
    plan: Plan
    items: Mapping[DRef, PlanItem]


def why_closure(closure: Closure) -> Why:
    """Tell why the targets of a closure would be built, or that they would not.

    Raises:
        MatcherUnsatisfied: as `outlook`.
    """
    plan = outlook(closure)
    past = Past(closure.store, {drv.dref: drv.config for drv in closure.derivations})
    view = _Prospect(past, plan, {item.dref: item for item in plan.items})
    parts = tuple(_why(view, target) for target in closure.targets)
    if len(parts) == 1:
        return parts[0]
    todo = [part for part in parts if view.items[DRef(part.ref)].verdict != "hit"]
    first = (*todo, *parts)[0]
    reason = f"{len(todo):,} of {len(parts):,} targets would be built"
    causes = merged(part.causes for part in todo)
    return Why(first.ref, reason, first.against, first.changes, causes, parts)


def _why(view: _Prospect, dref: DRef) -> Why:
    item = view.items[dref]
    if item.verdict == "hit":
        return Why(dref, f"it would not be built: {item.reason}")
    there = books_of(view.past.store, dref)
    if not there:
        return why_derivation(view.past, dref)
    if item.verdict == "unknown":
        roots = _roots(view, dref)
        causes = merged(_why(view, root).causes for root in roots)
        return Why(dref, f"it may have to be built: {item.reason}", causes=causes)
    context = {dep: view.items[dep].rrefs for dep in view.plan.needs[dref]}
    if rrefs(view.past.store, dref, context):
        return Why(dref, item.reason, causes=(Cause(dref, None, ()),))
    against, changes, causes = other_context(view.past, dref, context, there)
    return Why(dref, "its dependencies have other realizations", against, changes, causes)


def _roots(view: _Prospect, dref: DRef) -> list[DRef]:
    """Give what would be built first of all that a derivation waits for."""
    needs = {
        ref: [dep for dep in view.plan.needs[ref] if view.items[dep].verdict != "hit"]
        for ref in view.plan.needs
        if view.items[ref].verdict != "hit"
    }
    wanted = reachable([dref], needs)
    return [ref for ref in needs if ref in wanted and not needs[ref]]
