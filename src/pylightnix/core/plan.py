"""The plan: what is left to realize, as a pure state machine.

Everything that affects its transitions is in this file. A derivation is in exactly one state:

    waiting --(its last dependency is settled)--> fresh
    fresh --advance--> done          a realization was chosen
    fresh --advance--> missing       it must be built or fetched
    missing --started--> running --settled--> done
                                `--failed--> failed           what waits for it waits for ever

Serial and parallel realize, the dry run, the REPL and the tests all drive these functions; nothing
computes what would run in a second way. (The shape is that of ninja's `Plan`, kept apart from
whatever runs commands.)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet

from .graph import reachable, users
from .refs import DRef, RRef
from .value import changed, value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias, TypeVar

    from pyrsistent import PMap

    from .growing import Growing

    V = TypeVar("V")

Chosen: TypeAlias = tuple[RRef, ...]
Choose: TypeAlias = Callable[[DRef, dict[DRef, Chosen]], "Chosen | None"]
"""Given a derivation and its dependencies' realizations: what to use, or None for a new one."""
_FEW = 64


@value
class Plan:
    """A closure on its way to being realized; made by `mkplan`.

    Attributes:
        needs: every derivation -> its direct dependencies.
        users: every derivation -> those that need it directly.
        left: waiting derivations, some of whose dependencies are settled -> how many are not.
        fresh: all dependencies settled, not yet looked at.
        done: settled ones -> their realizations.
        missing: looked at; nothing that the store has will do.
        running: handed out to be built.
        failed: could not be built.
    """

    needs: Mapping[DRef, tuple[DRef, ...]]
    users: Mapping[DRef, list[DRef]]
    left: Mapping[DRef, int]
    fresh: tuple[DRef, ...]
    done: Mapping[DRef, Chosen]
    missing: AbstractSet[DRef] = frozenset()
    running: AbstractSet[DRef] = frozenset()
    failed: AbstractSet[DRef] = frozenset()


def mkplan(needs: Mapping[DRef, tuple[DRef, ...]]) -> Plan:
    """Start a plan in which nothing is settled.

    Args:
        needs: every derivation of a closure -> its direct dependencies, without repetition; the
            order of keys is the order in which ready ones are handed out.
    """
    fresh = tuple(dref for dref, deps in needs.items() if not deps)
    return Plan(needs, users(needs), {}, fresh, {})


def advance(plan: Plan, choose: Choose) -> Plan:
    """Ask `choose` about every fresh derivation, and about those that become fresh by its answers.

    Each derivation is asked about once in the life of a plan, and after all that it depends on.
    """
    if not plan.fresh:
        return plan
    done: dict[DRef, Chosen] = {}
    left: dict[DRef, int] = {}
    missing: list[DRef] = []
    todo = list(plan.fresh)
    settled_before, needs = plan.done, plan.needs
    for dref in todo:  # grows while it is walked
        context = {dep: done[dep] if dep in done else settled_before[dep] for dep in needs[dref]}
        chosen = choose(dref, context)
        if chosen is None:
            missing.append(dref)
            continue
        done[dref] = chosen
        for user in plan.users[dref]:
            left[user] = count = (left[user] if user in left else _left(plan, user)) - 1
            if not count:
                todo.append(user)
    return Plan(
        needs,
        plan.users,
        _counted(plan.left, left),
        (),
        _merged(settled_before, done),
        _with(plan.missing, missing),
        plan.running,
        plan.failed,
    )


def _left(plan: Plan, dref: DRef) -> int:
    return plan.left[dref] if dref in plan.left else len(plan.needs[dref])


def _counted(old: Mapping[DRef, int], new: Mapping[DRef, int]) -> Mapping[DRef, int]:
    """Take new counts over, and leave out who waits for nothing any more."""
    if not new:
        return old
    if isinstance(old, dict) and len(old) <= _FEW:
        return {dref: count for dref, count in {**old, **new}.items() if count}
    for dref, count in new.items():
        if count:
            old = _steady(old).set(dref, count)
        elif dref in old:
            old = _steady(old).remove(dref)
    return old


def _merged(old: Mapping[DRef, V], new: Mapping[DRef, V]) -> Mapping[DRef, V]:
    if not new:
        return old
    if len(new) >= len(old):
        return {**old, **new}  # the everyday case is a plan that is settled in one go
    for dref, item in new.items():
        old = _growing(old).plus(dref, item)
    return old


def _growing(old: Mapping[DRef, V]) -> Growing[DRef, V]:
    """Give a mapping to which a step can add without copying it."""
    if type(old) is not dict:
        return old  # type: ignore[return-value]
    from .growing import Growing

    return Growing(old)


def _steady(old: Mapping[DRef, V]) -> PMap[DRef, V]:
    """Give a map of which each step makes a new one without copying it; items can leave it."""
    if not isinstance(old, dict):
        return old  # type: ignore[return-value]
    from pyrsistent import pmap

    return pmap(old)


def _with(old: AbstractSet[DRef], new: Collection[DRef]) -> AbstractSet[DRef]:
    # Copying a few is quicker than any step without copying.
    if isinstance(old, frozenset):
        if len(old) + len(new) <= _FEW:
            return old.union(new)
        from pyrsistent import pset

        return pset(old).update(new)
    return old.update(new)  # type: ignore[attr-defined, no-any-return]


def _without(old: AbstractSet[DRef], dref: DRef) -> AbstractSet[DRef]:
    if dref not in old:
        raise KeyError(dref)
    if isinstance(old, frozenset):
        return old - {dref}
    return old.remove(dref)  # type: ignore[attr-defined, no-any-return]


def ready(plan: Plan) -> tuple[DRef, ...]:
    """Give what can be built now, in the order of the closure."""
    if len(plan.missing) <= 1:
        return tuple(plan.missing)
    return tuple(dref for dref in plan.needs if dref in plan.missing)


def started(plan: Plan, dref: DRef) -> Plan:
    """Note that a missing derivation is being built."""
    missing, running = _without(plan.missing, dref), _with(plan.running, (dref,))
    return Plan(
        plan.needs, plan.users, plan.left, plan.fresh, plan.done, missing, running, plan.failed
    )


def settled(plan: Plan, dref: DRef, chosen: Iterable[RRef]) -> Plan:
    """Note the realizations of a running derivation; what waited for it alone becomes fresh."""
    left = {user: _left(plan, user) - 1 for user in plan.users[dref]}
    return Plan(
        plan.needs,
        plan.users,
        _counted(plan.left, left),
        (*plan.fresh, *[user for user, count in left.items() if not count]),
        _growing(plan.done).plus(dref, tuple(chosen)),
        plan.missing,
        _without(plan.running, dref),
        plan.failed,
    )


def given_back(plan: Plan, dref: DRef) -> Plan:
    """Note that a derivation that was running is going to be tried again."""
    missing, running = _with(plan.missing, (dref,)), _without(plan.running, dref)
    return changed(plan, missing=missing, running=running)


def failed(plan: Plan, dref: DRef) -> Plan:
    """Note that a derivation that was running could not be built."""
    running = _without(plan.running, dref)
    return changed(plan, running=running, failed=_with(plan.failed, (dref,)))


def blocked(plan: Plan) -> frozenset[DRef]:
    """Give what cannot be built because something that it needs, near or far, failed."""
    return reachable(plan.failed, plan.users) - frozenset(plan.failed)


def finished(plan: Plan) -> bool:
    """Tell whether every derivation is settled."""
    return len(plan.done) == len(plan.needs)
