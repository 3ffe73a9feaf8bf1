"""What of a store can be collected, and why.

Pure: a listing goes in, victims come out; dry run and real run share it.

Live is what a root reaches. Dead is the rest, and a policy can spare some of the dead: what is
spared spares in turn all that it needs, so that nothing which stays has lost a dependency.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from .graph import reachable, users
from .refs import DRef, RRef, rref2dref

Ref: TypeAlias = "DRef | RRef"


@dataclass(frozen=True, slots=True)
class Item:
    """One object of the store, as the collector sees it.

    Attributes:
        size_bytes: of the object itself; of a derivation, of its config.
        arrived_s: when it came into this store, in seconds since 1970.
        stop: when its build ended, as text that sorts; empty if nobody knows.
        needs: what must stay as long as it stays.
        whole: False for the remains of a copy, which no reader uses.
        score: the metric that `keep_best` asks for; None if it was not asked or not found.
    """

    size_bytes: int
    arrived_s: float
    stop: str = ""
    needs: tuple[Ref, ...] = ()
    whole: bool = True
    score: float | None = None


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Victim:
    """One object that can go: how large it is and why it is dead."""

    ref: Ref
    size_bytes: int
    reason: str

    @property
    def bytes(self) -> int:
        """Its size in bytes."""
        return self.size_bytes


def dead(
    items: Mapping[Ref, Item], roots: Iterable[Ref], policy: Policy, now_s: float
) -> tuple[Victim, ...]:
    """Decide what can go.

    Args:
        items: the whole store.
        roots: what is kept with all that it needs; of a derivation also all its realizations.
        policy: which of the dead are spared.
        now_s: seconds since 1970.

    Returns:
        Victims in the order in which they must go: what needs others before what it needs.
    """
    needs = {ref: item.needs for ref, item in items.items()}
    by_drv = _realizations(items)
    given = set(roots)
    given.update(rref for root in tuple(given) for rref in by_drv.get(root, ()))
    spared = _spared(items, by_drv, policy, now_s)
    live = reachable((given | spared).intersection(items), needs)
    order = _users_first({ref: item for ref, item in items.items() if ref not in live})
    if policy.max_bytes is not None:
        excess = sum(item.size_bytes for item in items.values()) - policy.max_bytes
        order = _until(order, items, excess)
    # Tens of thousands have the same reason.
    reasons = {whole: _reason(whole, policy) for whole in (True, False)}
    return tuple(Victim(ref, (item := items[ref]).size_bytes, reasons[item.whole]) for ref in order)


def _realizations(items: Mapping[Ref, Item]) -> dict[Ref, list[RRef]]:
    found: dict[Ref, list[RRef]] = {}
    for ref in items:
        if isinstance(ref, RRef):
            found.setdefault(rref2dref(ref), []).append(ref)
    return found


def _spared(
    items: Mapping[Ref, Item], by_drv: Mapping[Ref, list[RRef]], policy: Policy, now_s: float
) -> set[Ref]:
    young_s = max(policy.grace_s, policy.older_than_s or 0.0)
    spared: set[Ref] = {ref for ref, item in items.items() if now_s - item.arrived_s < young_s}
    for rrefs in by_drv.values():
        whole = sorted(rref for rref in rrefs if items[rref].whole)
        if policy.keep_last is not None:
            latest = sorted(whole, key=lambda rref: items[rref].stop, reverse=True)
            spared.update(latest[: policy.keep_last])
        if policy.keep_best is not None:
            scored = [(score, rref) for rref in whole if (score := items[rref].score) is not None]
            scored.sort(key=lambda pair: pair[0], reverse=True)
            spared.update(rref for _, rref in scored[: policy.keep_best])
    return spared


def _users_first(dying: Mapping[Ref, Item]) -> list[Ref]:
    """Put each before what it needs; otherwise what was built longest ago first."""
    needs = {ref: [need for need in item.needs if need in dying] for ref, item in dying.items()}
    waiting = {ref: len(found) for ref, found in users(needs).items()}
    free = [(dying[ref].stop, ref) for ref, count in waiting.items() if not count]
    heapq.heapify(free)
    order: list[Ref] = []
    while free:
        _, ref = heapq.heappop(free)
        order.append(ref)
        for need in needs[ref]:
            waiting[need] -= 1
            if not waiting[need]:
                heapq.heappush(free, (dying[need].stop, need))
    return order


def _until(order: Iterable[Ref], items: Mapping[Ref, Item], excess_bytes: int) -> list[Ref]:
    """Take from the front until enough is freed; the rest stays."""
    taken = []
    for ref in order:
        if excess_bytes <= 0:
            break
        taken.append(ref)
        excess_bytes -= items[ref].size_bytes
    return taken


def _reason(whole: bool, policy: Policy) -> str:
    if not whole:
        return "the remains of an interrupted copy, or damaged"
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
