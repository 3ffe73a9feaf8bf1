"""Realize a closure: a loop round the plan, with one worker or many."""

from __future__ import annotations

import heapq
import time
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from pylightnix.core.errors import StoreError
from pylightnix.core.plan import (
    Chosen,
    Plan,
    advance,
    blocked,
    failed,
    given_back,
    mkplan,
    settled,
    started,
)
from pylightnix.core.refs import DRef

from .closure import Closure
from .crew import BuildsFailed, Crew, Ended, Job
from .events import CutOff, Event, Failed, Finished, Hit, Planned, Queued, Skipped, ignore
from .look import looker
from .produce import BuildFailed, NotRealized, PromiseBroken, produce
from .workshop import Workshop

if TYPE_CHECKING:
    from .follow import Follower
    from .hands import Hands


def realize(
    closure: Closure, shop: Workshop, crew: Crew, assert_realized: Collection[DRef] = ()
) -> Plan:
    """Find or build every derivation of a closure, each after all that it depends on.

    Args:
        closure: as `instantiate` returned it.
        shop: the store and how to build.
        crew: who builds, and what is done when a build fails.
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
    follower = None
    if shop.emit is not ignore:
        from .follow import Follower

        follower = Follower(shop.store, shop.emit)
        shop = replace(shop, emit=follower)
    run = _Run(closure, shop, crew, assert_realized, follower)
    try:
        run.look()
        while run.queue or run.busy():
            run.hand_out()
            run.collect()
    except BaseException:
        run.abandon()
        raise
    finally:
        if follower is not None:
            follower.close()
    return run.end()


class _Run:
    """One realize under way: the plan, what is queued, what is running, what failed."""

    def __init__(
        self,
        closure: Closure,
        shop: Workshop,
        crew: Crew,
        asserted: Collection[DRef],
        follower: Follower | None,
    ) -> None:
        self.closure, self.shop, self.crew, self.asserted = closure, shop, crew, asserted
        self.follower = follower
        self.known = {drv.dref: drv for drv in closure.derivations}
        self.drefs = tuple(self.known)
        self.order = {dref: i for i, dref in enumerate(self.drefs)}
        self.plan = mkplan(closure.needs)
        self.queue: list[tuple[float, int, int]] = []
        self.errors: list[Exception] = []
        self.hit: type[Hit | CutOff] = Hit
        self.ask = looker(shop.store, closure.derivations, shop.force, self.note_hit)
        self.hands: Hands | None = None
        if crew.executor is not None:
            from .hands import Hands

            self.hands = Hands(shop, crew, crew.executor, closure.making)

    # Looking

    def note_hit(self, dref: DRef, chosen: Chosen) -> None:
        if self.follower is not None:
            self.follower(self.hit(dref, chosen, time.monotonic()))

    def look(self) -> None:
        """Settle all that the store has; queue what has to be built."""
        missing: dict[DRef, Exception | None] = {}

        def ask(dref: DRef, context: dict[DRef, Chosen]) -> Chosen | None:
            try:
                chosen = self.ask(dref, context)
            except Exception as error:  # builds that run must not be lost by it
                missing[dref] = error
                return None
            if chosen is None:
                missing[dref] = None
            return chosen

        self.plan = advance(self.plan, ask)
        if self.hit is Hit:
            self.hit = CutOff
            self.announce()
        absent = tuple(dref for dref in missing if dref in self.asserted)
        if absent and not self.busy():
            raise NotRealized(absent)
        missing.update((dref, NotRealized((dref,))) for dref in absent)
        for dref, error in missing.items():
            if error is None:
                self.enqueue(dref, 0)
            else:
                self.plan = started(self.plan, dref)
                self.fail(dref, error)

    def announce(self) -> None:
        """Tell what there is to do, as far as anybody can know that before the first build."""
        for dref in self.drefs if self.follower is not None else ():
            if dref not in self.plan.done:
                self.shop.emit(Planned(dref, time.monotonic()))

    # Building

    def enqueue(self, dref: DRef, attempt: int) -> None:
        """Put a build into the queue: longest first, where durations are asked for."""
        if self.errors and not self.crew.keep_going:
            return
        duration = self.crew.duration
        weight = 0.0 if duration is None else -duration(dref)
        heapq.heappush(self.queue, (weight, self.order[dref], attempt))
        self.shop.emit(Queued(dref, time.monotonic()))

    def busy(self) -> bool:
        return self.hands is not None and bool(self.hands.running)

    def hand_out(self) -> None:
        """Give builds to free workers; without workers, build one."""
        while self.queue and (self.hands is None or len(self.hands.running) < self.crew.jobs):
            _, position, attempt = heapq.heappop(self.queue)
            dref = self.drefs[position]
            self.plan = started(self.plan, dref)
            context = {dep: self.plan.done[dep] for dep in self.plan.needs[dref]}
            job = Job(dref, attempt)
            if self.follower is not None:
                self.follower.expect(dref)
            if self.hands is not None:
                self.hands.give(job, self.known[dref], context)
                continue
            try:
                ended = Ended(job, produce(self.shop, self.known[dref], context))
            except Exception as error:  # it is kept, and raised in the end
                ended = Ended(job, error=error)
            self.settle(ended)

    def collect(self) -> None:
        """Wait for news of builds, and take them in."""
        if self.hands is None or not self.hands.running:
            return
        for item in self.hands.hear():
            if isinstance(item, Ended):
                self.settle(item)
            else:
                self.shop.emit(item)
        if self.follower is not None:
            self.follower.poll()

    def settle(self, ended: Ended) -> None:
        """Take what came of a build."""
        job = ended.job
        if ended.error is None:
            self.plan = settled(self.plan, job.dref, ended.chosen)
            self.look()
        elif job.attempt < self.crew.retries and _may_pass(ended.error):
            self.plan = given_back(self.plan, job.dref)
            self.enqueue(job.dref, job.attempt + 1)
        else:
            self.fail(job.dref, ended.error)

    def fail(self, dref: DRef, error: Exception) -> None:
        """Note a failure; without `keep_going` nothing further is handed out."""
        self.plan = failed(self.plan, dref)
        self.errors.append(error)
        self.shop.emit(Failed(dref, str(error), time.monotonic()))
        if not self.crew.keep_going:
            self.queue.clear()

    # The end

    def abandon(self) -> None:
        """End everything that runs: of our own will, or because of Ctrl-C."""
        if self.hands is not None:
            self.hands.stop()

    def end(self) -> Plan:
        """Tell what came of it all, or raise what went wrong."""
        skipped = self.skipped()
        for event in (*skipped, *self.ends()) if self.follower is not None else ():
            self.shop.emit(event)
        if self.errors and self.crew.keep_going:
            raise BuildsFailed(tuple(self.errors), tuple(skip.dref for skip in skipped)) from (
                self.errors[0]
            )
        if self.errors:
            raise self.errors[0]
        return self.plan

    def skipped(self) -> list[Skipped]:
        """What was not built because of a failure, in the order of the closure."""
        if not self.errors:
            return []
        waiting = blocked(self.plan)
        because: dict[DRef, DRef] = {dref: dref for dref in self.plan.failed}
        found: list[Skipped] = []
        for dref in self.drefs:
            if dref in waiting:
                because[dref] = next(because[n] for n in self.plan.needs[dref] if n in because)
                found.append(Skipped(dref, because[dref], time.monotonic()))
        return found

    def ends(self) -> list[Event]:
        done = self.plan.done
        return [Finished(t, done.get(t, ()), time.monotonic()) for t in self.closure.targets]


def _may_pass(error: Exception) -> bool:
    """Tell whether another attempt can end otherwise."""
    return isinstance(error, BuildFailed | PromiseBroken | StoreError)
