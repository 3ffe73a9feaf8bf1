"""Every single preemption: one operation is stopped at a call, and another gets its turn.

For every pair of operations and every call of the first that looks at or changes the store.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pylightnix as p

from . import audit, children
from .judge import Memory, faults_of, handed_out, litter
from .outcome import Outcome
from .points import Room, ordered_by
from .shim import CHANGE, LOOK, Action, Call, Shim, unavailable
from .worker import room, run_all
from .workload import plain

NAME = "interleave"
WANTED = "0 failures"
_PATIENCE_S = 30.0
_WAITS_S = 1.0
_KINDS = ("wrong", "lost", "stuck", "alarm", "raised", "litter")
# What a user is told to expect where others are at work on the same objects.
_EXPECTED = ("StoreBusy", "CollectorBusy", "InUse", "NotInStore")


def _stages() -> list[p.DRef]:
    """A diamond, and beside it a chain that shares its source."""
    source = plain("source")
    left, right = plain("left", source), plain("right", source)
    return [plain("top", left, right), plain("side", source)]


def _closure(store: p.Store) -> p.Closure:
    return p.instantiate(_stages, store=store)


def _realize(store: p.Store, say: children.Say) -> None:
    context = p.realize_context(_closure(store), lock_timeout_s=_PATIENCE_S)[1]
    say("have", sorted(rref for rrefs in context.values() for rref in rrefs))


def _collect(store: p.Store, say: children.Say) -> None:
    p.gc(grace_s=0.0, store=store)


def _verify(store: p.Store, say: children.Say) -> None:
    report = p.verify(repair=True, store=store)
    for fault in report.damaged:
        say("damaged", f"{fault.ref} {fault.path} {fault.what}")


def _delete(store: p.Store, say: children.Say) -> None:
    for dref in reversed(_closure(store).targets):
        for rref in p.store_rrefs(dref, store=store):
            p.rmref(rref, store=store)


OPERATIONS: dict[str, Callable[[p.Store, children.Say], None]] = {
    "realize": _realize,
    "gc": _collect,
    "verify": _verify,
    "rmref": _delete,
}
# How the store is when both begin: with nothing, with a part, with all, or with all and one object
# damaged.
STATES = ("empty", "part", "whole", "damaged")


@dataclass(frozen=True, slots=True)
class Switch:
    """One moment at which the second operation gets its turn."""

    first: str
    second: str
    state: str
    at: int
    site: str

    def __str__(self) -> str:
        return (
            f"{self.first} stopped before call {self.at} ({self.site}) for {self.second}, "
            f"in a store that is {self.state}"
        )


def prepare(where: Room, state: str) -> None:
    """Make the store as it is when both begin."""
    where.clear()

    def fill(say: children.Say) -> None:
        store = p.Store.open(where.root, create=True, durability="none")
        closure = _closure(store)
        if state == "part":
            p.realize(p.instantiate(lambda: plain("source"), store=store))
        elif state != "empty":
            rref = p.realize_many(closure)[1]
            if state == "damaged":
                text = f"{p.rref2path(rref, store)}/text"
                os.chmod(text, 0o644)
                with open(text, "ab") as file:
                    file.write(b"damage")
                # A foreign object, then: of its own ones the store believes what it noted.
                shutil.rmtree(f"{where.root}/var/verified")
                p.rebuild_index(store)

    child = children.start(fill)
    child.wait(_PATIENCE_S)
    if child.records:
        raise RuntimeError(f"a store cannot be prepared: {child.records}")


def _operate(where: Room, name: str, say: children.Say) -> None:
    store = p.Store.open(where.root, durability="none")
    try:
        OPERATIONS[name](store, say)
    except Exception as error:
        say("raised", type(error).__name__, str(error)[:300])
    say("end")


def record(shim: Shim, where: Room, first: str, state: str) -> list[Call]:
    """Do an operation undisturbed; gives its calls."""
    prepare(where, state)
    shim.reset()

    def do(say: children.Say) -> None:
        shim.arm(where.root, Action.COUNT, classes=CHANGE | LOOK)
        _operate(where, first, say)

    children.start(do).wait(_PATIENCE_S)
    return shim.trace()


def attempt(shim: Shim, where: Room, switch: Switch) -> Iterator[tuple[str, str]]:
    """Try a switch; gives what went wrong, as (kind, words)."""
    prepare(where, switch.state)
    shim.reset()
    hold, release = os.pipe()

    def do(name: str, *, stop: bool) -> Callable[[children.Say], None]:
        def work(say: children.Say) -> None:
            os.close(release)
            if stop:
                shim.arm(where.root, Action.STOP, switch.at, classes=CHANGE | LOOK)
            _operate(where, name, say)
            shim.disarm()
            os.read(hold, 1)  # what was returned is in use until both are done

        return work

    one = children.start(do(switch.first, stop=True))
    if not one.stops():
        # Shorter than it was when it was recorded: nothing to preempt.
        os.close(release)
        os.close(hold)
        one.wait(_PATIENCE_S)
        return
    other = children.start(do(switch.second, stop=False))
    waits = not _done(shim, other)
    os.kill(one.pid, signal.SIGCONT)
    in_time = all([_heard(child) for child in (one, other)])
    yield from (("waits", "") for _ in range(waits))
    if not in_time:
        yield "stuck", f"not done within {_PATIENCE_S:g} s"
    yield from _complaints(where, switch, one, other)
    os.close(release)
    os.close(hold)
    for child in (one, other):
        child.wait(_PATIENCE_S)
    yield from _afterwards(where)


def _done(shim: Shim, other: children.Child) -> bool:
    """Let the second operation work until it is done, or until it waits for a lock: then False."""
    until_s = time.monotonic() + _PATIENCE_S
    met = shim.busy
    while time.monotonic() < until_s:
        other.listen(0.002)
        if other.said("end"):
            return True
        if shim.busy > met + 1:
            return False
    return False


def _heard(child: children.Child) -> bool:
    until_s = time.monotonic() + _PATIENCE_S
    while not child.said("end"):
        if child.listen(0.05) or time.monotonic() > until_s:
            break
    return child.said("end")


def _complaints(
    where: Room, switch: Switch, one: children.Child, other: children.Child
) -> Iterator[tuple[str, str]]:
    """Check what both said, while both still live and use what they were given."""
    handed = list(handed_out(where.root))
    yield from faults_of(where.root, handed)
    for child, name in ((one, switch.first), (other, switch.second)):
        memory = Memory()
        for kind, *rest in child.records:
            match kind:
                case "have":
                    memory.must.update(rest[0])
                case "damaged" if switch.state != "damaged" or "side" not in rest[0]:
                    yield "alarm", f"{name}: {rest[0]}"
                case "raised" if rest[0] not in _EXPECTED:
                    yield "raised", f"{name}: {rest[0]}: {rest[1]}"
        for rref in memory.must.difference(handed):
            yield "lost", f"{name} returned {rref}, which is gone"
        for what in audit.lacking(f"{where.root}/store-v1", memory.must):
            yield "lost", f"{name} returned something that lacks {what}"


def _afterwards(where: Room) -> Iterator[tuple[str, str]]:
    """Check that the next run works, when both have ended."""

    def again(say: children.Say) -> None:
        store = p.Store.open(where.root, durability="none")
        _realize(store, say)
        p.gc(grace_s=0.0, leftovers_only=True, store=store)

    child = children.start(again)
    if not child.wait(_PATIENCE_S):
        yield "stuck", "the next run does not end"
    memory = Memory().learn(child.records)
    yield from (
        ("stuck", f"the next run raised {kind}: {text}") for _, kind, text, _ in memory.raised
    )
    yield from faults_of(where.root, sorted(memory.must))
    yield from (("litter", path) for path in litter(where.root))


def campaign(shim: Shim, points: int, seed: int, share: int, shares: int) -> dict[str, Any]:
    """Try switches of a seed: of each `shares` the one at `share`."""
    with room() as folder:
        where = Room(folder)
        every = [
            Switch(first, second, state, at, call.site)
            for first in OPERATIONS
            for state in STATES
            for at, call in enumerate(record(shim, where, first, state), 1)
            for second in OPERATIONS
        ]
        chosen = ordered_by(
            every, random.Random(seed), lambda one: (one.first, one.second, one.state, one.site)
        )[share::shares]
        failures: list[tuple[str, str, str]] = []
        waits = tried = 0
        for switch in chosen[:points]:
            tried += 1
            for kind, what in attempt(shim, where, switch):
                waits += kind == "waits"
                failures += [(str(switch), kind, what)] if kind != "waits" else []
    return {"tried": tried, "possible": len(every), "waits": waits, "failures": failures}


def prove(points: int, seed: int) -> Outcome:
    """Try switches, spread over the processors."""
    why = unavailable()
    if why is not None:
        return Outcome(NAME, WANTED, "", ok=True, points=0, skipped=why)
    begin_s = time.monotonic()
    shares = min(2, os.cpu_count() or 1)
    common = {"points": -(-points // shares), "seed": seed, "shares": shares}
    results = run_all("interleave", [{**common, "share": share} for share in range(shares)])
    failures = [failure for result in results for failure in result["failures"]]
    counts = Counter(kind for _, kind, _ in failures)
    tried, possible = sum(result["tried"] for result in results), results[0]["possible"]
    figure = ", ".join(f"{counts[kind]} {kind}" for kind in _KINDS)
    figure += (
        f" ({tried:,} of {possible:,} interleavings, in {sum(r['waits'] for r in results):,} of "
        f"them one waits for the other, {time.monotonic() - begin_s:.0f} s)"
    )
    figure += "".join(f"\n  {switch}: {kind}: {what}" for switch, kind, what in failures[:20])
    return Outcome(NAME, WANTED, figure, ok=not failures, points=tried)
