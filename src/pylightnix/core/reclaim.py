"""What of a store can be collected, and why.

Pure: a listing goes in, victims come out; dry run and real run share it.

Live is what a root reaches. Dead is the rest, and a policy can spare some of the dead: what is
spared spares in turn all that it needs, so that nothing which stays has lost a dependency.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from .graph import reachable
from .refs import DRef, RRef, rref2dref
from .value import value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

Ref: TypeAlias = "DRef | RRef"


@value
class Stock:
    """The whole store, as the collector sees it: a column for each thing to know of its objects.

    There may be tens of thousands: to make a value of each would take longer than to decide.

    Attributes:
        needs: what must stay as long as an object stays; every object is in here.
        size_bytes: of every object itself; of a derivation, of its config.
        arrived_s: when each came into this store, in seconds since 1970.
        stops: when builds ended, as text that sorts; empty or missing if nobody knows.
        remains: of copies, which no reader uses.
        scores: the metric that `keep_best` asks for, where it was found.
    """

    needs: dict[Ref, tuple[Ref, ...]]
    size_bytes: dict[Ref, int]
    arrived_s: dict[Ref, float]
    stops: dict[Ref, str]
    remains: set[Ref]
    scores: dict[Ref, float]


@value
class Policy:
    """Which of the dead are spared.

    Attributes:
        grace_s: those that came in the last seconds: their users may be on their way.
        older_than_s: those that came in the last seconds, for a reason of the caller's own.
        keep_last: per derivation, as many of its realizations as were built last.
        keep_best: per derivation, as many of its realizations as have the highest score.
        max_bytes: as many as fit, the ones built last first.
    """

    grace_s: float = 3600.0
    older_than_s: float | None = None
    keep_last: int | None = None
    keep_best: int | None = None
    max_bytes: int | None = None


@value
class Victim:
    """One object that can go: how large it is and why it is dead."""

    ref: Ref
    size_bytes: int
    reason: str

    @property
    def bytes(self) -> int:
        """Its size in bytes."""
        return self.size_bytes


def dead(stock: Stock, roots: Iterable[Ref], policy: Policy, now_s: float) -> tuple[Victim, ...]:
    """Decide what can go.

    Args:
        stock: the whole store.
        roots: what is kept with all that it needs; of a derivation also all its realizations.
        policy: which of the dead are spared.
        now_s: seconds since 1970.

    Returns:
        Victims in the order in which they must go: what needs others before what it needs.
    """
    given = set(roots)
    if any(isinstance(root, DRef) for root in given):
        of_roots = [ref for ref in stock.needs if isinstance(ref, RRef)]
        given.update([rref for rref in of_roots if rref2dref(rref) in given])
    kept = given | _spared(stock, policy, now_s)
    live = reachable(kept.intersection(stock.needs), stock.needs)
    order = _users_first([ref for ref in stock.needs if ref not in live], stock)
    if policy.max_bytes is not None:
        excess = sum(stock.size_bytes.values()) - policy.max_bytes
        order = _until(order, stock.size_bytes, excess)
    sizes = stock.size_bytes
    plain, remains = _reason(policy), "the remains of an interrupted copy, or damaged"
    return tuple(
        [Victim(ref, sizes[ref], remains if ref in stock.remains else plain) for ref in order]
    )


def _spared(stock: Stock, policy: Policy, now_s: float) -> set[Ref]:
    young_s = max(policy.grace_s, policy.older_than_s or 0.0)
    spared = {ref for ref, arrived_s in stock.arrived_s.items() if now_s - arrived_s < young_s}
    if policy.keep_last is None and policy.keep_best is None:
        return spared
    by_drv: dict[DRef, list[RRef]] = {}
    for ref in sorted(stock.needs):
        if isinstance(ref, RRef) and ref not in stock.remains:
            by_drv.setdefault(rref2dref(ref), []).append(ref)
    for whole in by_drv.values():
        latest = sorted(whole, key=lambda rref: stock.stops.get(rref, ""), reverse=True)
        spared.update(latest[: policy.keep_last or 0])
        scored = [rref for rref in whole if rref in stock.scores]
        scored.sort(key=lambda rref: stock.scores[rref], reverse=True)
        spared.update(scored[: policy.keep_best or 0])
    return spared


def _users_first(dying: Iterable[Ref], stock: Stock) -> list[Ref]:
    """Put each before what it needs; otherwise what was built longest ago first."""
    needs, stops = stock.needs, stock.stops
    waiting = dict.fromkeys(dying, 0)
    for ref in waiting:
        for need in needs[ref]:
            if need in waiting:
                waiting[need] += 1
    unneeded = [(stops.get(ref, ""), ref) for ref, count in waiting.items() if not count]
    unneeded.sort(reverse=True)
    # Nearly all are of the first kind, and a heap of all would cost more than the rest of it.
    freed: list[tuple[str, Ref]] = []
    order: list[Ref] = []
    while freed or unneeded:
        later = freed and (not unneeded or freed[0] < unneeded[-1])
        _, ref = heapq.heappop(freed) if later else unneeded.pop()
        order.append(ref)
        for need in needs[ref]:
            if need in waiting:
                waiting[need] -= 1
                if not waiting[need]:
                    heapq.heappush(freed, (stops.get(need, ""), need))
    return order


def _until(order: Iterable[Ref], sizes: Mapping[Ref, int], excess_bytes: int) -> list[Ref]:
    """Take from the front until enough is freed; the rest stays."""
    taken = []
    for ref in order:
        if excess_bytes <= 0:
            break
        taken.append(ref)
        excess_bytes -= sizes[ref]
    return taken


def _reason(policy: Policy) -> str:
    words = ["no root, link or process needs it"]
    if policy.older_than_s is not None:
        words.append(f"it came more than {policy.older_than_s:g} s ago")
    if policy.keep_last is not None:
        words.append(f"it is not among the last {policy.keep_last} of its derivation")
    if policy.keep_best is not None:
        words.append(f"it is not among the best {policy.keep_best} of its derivation")
    if policy.max_bytes is not None:
        words.append(f"the store is over {policy.max_bytes} bytes")
    return ", ".join(words)
