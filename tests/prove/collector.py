"""A collector that never rests, builders that are killed, roots that come and go: nothing that
anybody needs is lost.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from pylightnix import (
    DRef,
    NoSuchRoot,
    PylightnixError,
    RRef,
    Store,
    current_registry,
    gc,
    gcroot,
    gcroots,
    instantiate,
    realize_context,
    rmroot,
    store_rrefs,
    use_store,
)
from pylightnix.store.layout import Durability

from . import audit, crew
from .nodes import node
from .outcome import Outcome

BUILDERS = 4
ROOTS = 6
LIMIT_S = 3600.0


def forest(variant: int) -> list[DRef]:
    """Leave one of a few overlapping families of stages in the current registry."""
    base = node("base", size=10)
    left = node("left", base, variant=variant % 3)
    right = node("right", base, noisy=True, variant=variant % 4)
    top = node("top", left, right, variant=variant)
    return [left, right, top, node("over", top, variant=variant)]


def collector(store: Store, seed: int, count: str, errors: str) -> Callable[[], None]:
    """Collect again and again, each round a line in the file `count`."""

    def work() -> None:
        crew.new_process()
        rng = Random(f"gc {seed} {os.getpid()}")
        while True:
            last = rng.choice([None, None, None, 1])
            found = gc(grace_s=0, keep_last=last, leftovers_only=rng.random() < 0.1, store=store)
            crew.note(count, f"{len(found.dead)}")
            time.sleep(rng.choice([0, 0.01, 0.03]))

    return work


def builder(store: Store, seed: int, count: str) -> Callable[[], None]:
    """Realize at random; read what was handed out at once and again later; fail if it vanished."""

    def work() -> None:
        crew.new_process()
        rng = Random(f"builder {seed} {os.getpid()}")
        handed: list[RRef] = []
        with use_store(store), current_registry() as registry:
            for _ in range(rng.randint(1, 6)):
                target = rng.choice(forest(rng.randrange(8)))
                closure = instantiate(target, r=registry)
                force: Literal[True] | tuple[()] = True if rng.random() < 0.2 else ()
                durability: Durability = rng.choice(["none", "none", "batch"])
                _, context = realize_context(closure, force_rebuild=force, durability=durability)
                handed += [rref for rrefs in context.values() for rref in rrefs]
                require(store, handed[-1:])
                require(store, rng.sample(handed, min(3, len(handed))))
            require(store, handed)
        crew.note(count, f"{len(handed)}")

    return work


def require(store: Store, rrefs: list[RRef]) -> None:
    """Fail unless all of these are whole, and what they need is."""
    found = audit.lacking(store.objects, rrefs)
    if found:
        raise LookupError(f"vanished: {found[:3]}")


@dataclass
class Gardener:
    """Adds and removes named roots, and knows which there must be."""

    store: Store
    rng: Random
    planted: dict[str, RRef] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def work(self) -> None:
        """Add or remove one root, then look whether what a root holds is there."""
        name = f"root{self.rng.randrange(ROOTS)}"
        if name in self.planted and self.rng.random() < 0.5:
            del self.planted[name]
            self._try(lambda: rmroot(name, store=self.store))
        else:
            with current_registry() as registry:
                targets = forest(self.rng.randrange(8))
                dref = self.rng.choice(targets)
                del registry
            for rref in store_rrefs(dref, store=self.store)[-1:]:
                try:
                    gcroot(name, rref, store=self.store)
                    self.planted[name] = rref
                except PylightnixError:
                    continue  # it was collected before it became a root
        self.look()

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except NoSuchRoot as error:
            self.lost.append(f"lost root: {error}")

    def look(self) -> None:
        """Note roots that are gone, and what they held and is gone."""
        there = gcroots(store=self.store)
        for name, rref in self.planted.items():
            if there.get(name) != rref:
                self.lost.append(f"lost root: {name} -> {rref}, it is {there.get(name)}")
        for fault in audit.lacking(self.store.objects, set(self.planted.values())):
            self.lost.append(f"dangling: {fault}")


@dataclass
class Yard:
    """All that runs at once."""

    store: Store
    seed: int
    files: str
    builders: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    killed: int = 0
    collects: int = -1

    def start_builder(self) -> None:
        """Start one more builder."""
        self.seed += 1
        work = builder(self.store, self.seed, f"{self.files}/built")
        self.builders.append(crew.start(work, f"{self.files}/errors"))

    def start_collector(self) -> None:
        """Start the collector."""
        self.seed += 1
        work = collector(self.store, self.seed, f"{self.files}/rounds", f"{self.files}/errors")
        self.collects = crew.start(work, f"{self.files}/errors")

    def reap(self) -> None:
        """Replace builders that ended, noting those that failed."""
        for pid in list(self.builders):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self.builders.remove(pid)
                code = os.waitstatus_to_exitcode(status)
                if code not in (0, -signal.SIGKILL):
                    self.failures.append(f"builder failed ({code})")
                self.start_builder()
        if os.waitpid(self.collects, os.WNOHANG)[0]:
            self.failures.append("the collector failed")
            self.start_collector()

    def kill(self, rng: Random) -> None:
        """Kill one builder, or the collector, in whatever it is doing."""
        if rng.random() < 0.15:
            os.kill(self.collects, signal.SIGKILL)
            os.waitpid(self.collects, 0)
            self.start_collector()
        else:
            os.kill(rng.choice(self.builders), signal.SIGKILL)
        self.killed += 1

    def stop(self) -> None:
        """Kill everybody."""
        for pid in (self.collects, *self.builders):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    @property
    def rounds(self) -> int:
        """How many collections there were."""
        return len(crew.lines(f"{self.files}/rounds"))


def run(yard: Yard, gardener: Gardener, points: int, rng: Random, limit_s: float) -> str:
    """Let everything run for so many collections; gives why it ended before, if it did."""
    until_s, silent_s, before = time.monotonic() + limit_s, time.monotonic(), 0
    yard.start_collector()
    for _ in range(BUILDERS):
        yard.start_builder()
    try:
        while (done := yard.rounds) < points:
            if done > before:
                silent_s, before = time.monotonic(), done
            if time.monotonic() > until_s or time.monotonic() - silent_s > 60:
                return f"stuck after {done} rounds"
            yard.reap()
            gardener.work()
            if rng.random() < 0.3:
                yard.kill(rng)
            time.sleep(rng.random() * 0.05)
        return ""
    finally:
        yard.stop()


def prove(points: int, seed: int, limit_s: float = LIMIT_S) -> Outcome:
    """Collect `points` times beside 4 builders, with kill -9 at random."""
    begin_s, rng = time.monotonic(), Random(seed)
    with crew.room() as top:
        crew.new_process()
        store = Store.open(f"{top}/root", create=True, durability="none")
        yard, gardener = Yard(store, seed * 1_000_003, top), Gardener(store, Random(seed + 1))
        stuck = run(yard, gardener, points, rng, limit_s)
        gardener.look()
        gc(grace_s=0, store=store)
        gardener.look()
        rounds, built = yard.rounds, len(crew.lines(f"{top}/built"))
        victims = sum(int(line) for line in crew.lines(f"{top}/rounds"))
        told = crew.lines(f"{top}/errors")
    dangling = sum(line.startswith("dangling") for line in gardener.lost)
    figure = (
        f"{dangling} dangling, {len(gardener.lost) - dangling} lost roots, "
        f"{len(yard.failures)} failures ({rounds} rounds, {victims} collected, {built} builders "
        f"ended by themselves, {yard.killed} kills, {time.monotonic() - begin_s:.0f} s)"
    )
    for line in [*filter(None, [stuck]), *gardener.lost, *yard.failures, *told][:40]:
        figure += f"\n  {line}"
    ok = not (stuck or gardener.lost or yard.failures) and min(rounds, victims, built) > 0
    return Outcome("collector", "0 dangling, 0 lost roots", figure, ok, rounds)
