"""Work: build what a plan lacks, with one worker or many."""

from __future__ import annotations

import heapq
import time
from collections.abc import Collection
from typing import TYPE_CHECKING

from pylightnix.core.errors import StoreError
from pylightnix.core.plan import (
    Chosen,
    Plan,
    advance,
    blocked,
    failed,
    given_back,
    ready,
    settled,
    started,
)
from pylightnix.core.refs import DRef, RRef
from pylightnix.core.value import changed
from pylightnix.store.lock import this_process

from .closure import Closure
from .crew import Crew, Ended, Hire, Job
from .events import CutOff, Failed, Finished, Queued, Skipped
from .failures import BuildsFailed, NotBegun
from .listening import ignore, tell
from .look import looker
from .produce import BuildFailed, NotRealized, PromiseBroken, produce
from .workshop import Workshop

if TYPE_CHECKING:
    from .follow import Follower
    from .hands import Hands


def work(
    closure: Closure, plan: Plan, shop: Workshop, hire: Hire, asserted: Collection[DRef]
) -> Plan:
    """Build what a plan lacks; arguments, errors and effects are those of `realize`.

    Args:
        closure: what is realized.
        plan: advanced as far as the store goes.
        shop: the store and how to build.
        hire: makes the workers.
        asserted: raise instead of building these.
    """
    absent = tuple(dref for dref in ready(plan) if dref in asserted)
    if absent:
        raise NotRealized(absent)
    new: set[RRef] = set()
    shop = changed(shop, who=this_process(), on_new=new.add)
    follower = None
    if shop.emit is not ignore:
        from .follow import Follower

        follower = Follower(shop.store, shop.emit)
        shop = changed(shop, emit=follower)
    with hire() as crew:
        run = _Run(closure, plan, shop, crew, follower)
        run.asserted, run.new = frozenset(asserted), new
        try:
            run.all()
        except BaseException:
            run.abandon()
            raise
        finally:
            if follower is not None:
                follower.close()
    return run.end()


class _Run:
    """One realize under way: the plan, what is queued, what is running, what failed.

    Attributes:
        asserted: what must not be built.
        new: realizations that were built by this run.
        known, order: derivation -> all of it; -> its place in the closure, dependencies first.
        queue: a heap of weight, place and attempt; the lightest is built first.
        look: asks the store, where there may be something to use.
        hands: the builds that workers are busy with; None if this thread does all.
    """

    def __init__(
        self, closure: Closure, plan: Plan, shop: Workshop, crew: Crew, follower: Follower | None
    ) -> None:
        self.targets, self.plan, self.shop, self.crew = closure.targets, plan, shop, crew
        self.follower = follower
        self.asserted: frozenset[DRef] = frozenset()
        self.new: set[RRef] = set()
        self.known = {drv.dref: drv for drv in closure.derivations}
        self.drefs = tuple(self.known)
        self.order = {dref: i for i, dref in enumerate(self.drefs)}
        self.queue: list[tuple[float, int, int]] = []
        self.errors: list[Exception] = []
        on_hit = None if follower is None else self.cut_off
        self.look = looker(shop.store, closure.derivations, shop.force, on_hit)
        self.hands: Hands | None = None
        if crew.executor is not None:
            from .hands import Hands

            self.hands = Hands(shop, crew, crew.executor, closure.making)

    def all(self) -> None:
        """Build until nothing is left that can be built."""
        for dref in ready(self.plan):
            self.enqueue(dref, 0)
        while self.queue or self.busy():
            self.hand_out()
            self.collect()

    def cut_off(self, dref: DRef, chosen: Chosen) -> None:
        tell(self.shop.emit, CutOff, dref, chosen)

    def proceed(self) -> None:
        """Look at what a build has made ready; queue what has to be built."""
        missing: dict[DRef, Exception | None] = {}

        def ask(dref: DRef, context: dict[DRef, Chosen]) -> Chosen | None:
            try:
                # Nothing has been made with what was not there a moment ago; if another process was
                # that quick, it is found under the lock.
                chosen = None if self.is_news(context) else self.look(dref, context)
            except Exception as error:  # builds that run must not be lost by it
                missing[dref] = error
                return None
            if chosen is None:
                missing[dref] = NotRealized((dref,)) if dref in self.asserted else None
            return chosen

        self.plan = advance(self.plan, ask)
        for dref, error in missing.items():
            if error is None:
                self.enqueue(dref, 0)
            else:
                self.plan = started(self.plan, dref)
                self.fail(dref, error)

    def is_news(self, context: dict[DRef, Chosen]) -> bool:
        """Tell whether something in a context was built here just now, and was not there before."""
        if self.asserted:
            return False  # the asking is in earnest
        return any([rref in self.new for chosen in context.values() for rref in chosen])

    def enqueue(self, dref: DRef, attempt: int) -> None:
        """Put a build into the queue: longest first, where durations are asked for."""
        if self.errors and not self.crew.keep_going:
            return
        duration = self.crew.duration
        weight = 0.0 if duration is None else -duration(dref)
        heapq.heappush(self.queue, (weight, self.order[dref], attempt))
        tell(self.shop.emit, Queued, dref)

    def busy(self) -> bool:
        return self.hands is not None and bool(self.hands.running)

    def hand_out(self) -> None:
        """Give builds to free workers; without workers, build one."""
        while self.queue and (self.hands is None or len(self.hands.running) < self.crew.jobs):
            _, position, attempt = heapq.heappop(self.queue)
            dref = self.drefs[position]
            self.plan = started(self.plan, dref)
            context = self.context(dref)
            job = Job(dref, attempt, time.time_ns())
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

    def context(self, dref: DRef) -> dict[DRef, Chosen]:
        """What the direct dependencies of a derivation became."""
        return {dep: self.plan.done[dep] for dep in self.plan.needs[dref]}

    def collect(self) -> None:
        """Wait for news of builds, and take them in."""
        if self.hands is None or not self.hands.running:
            return
        for item in self.hands.hear():
            if isinstance(item, Ended):
                self.settle(item)
            else:
                # The clock of another machine started at another time.
                self.shop.emit(changed(item, time_s=time.monotonic()))
        if self.follower is not None:
            self.follower.poll()

    def settle(self, ended: Ended) -> None:
        """Take what came of a build."""
        job = ended.job
        if ended.error is None:
            self.plan = settled(self.plan, job.dref, ended.chosen)
            self.proceed()
        elif isinstance(ended.error, NotBegun):
            self.plan = given_back(self.plan, job.dref)
        elif job.attempt < self.crew.retries and _may_pass(ended.error):
            self.plan = given_back(self.plan, job.dref)
            self.enqueue(job.dref, job.attempt + 1)
        else:
            self.fail(job.dref, ended.error)

    def fail(self, dref: DRef, error: Exception) -> None:
        """Note a failure; without `keep_going` nothing further is handed out."""
        if isinstance(error, BuildFailed | PromiseBroken):
            from .again import note

            note(self.shop, self.known[dref], self.context(dref), error.folder)
        self.plan = failed(self.plan, dref)
        self.errors.append(error)
        tell(self.shop.emit, Failed, dref, str(error))
        if not self.crew.keep_going:
            self.queue.clear()
            for waiting in self.hands.recall() if self.hands is not None else ():
                self.plan = given_back(self.plan, waiting)

    # The end

    def abandon(self) -> None:
        """End everything that runs: of our own will, or because of Ctrl-C."""
        if self.hands is not None:
            self.hands.stop()

    def end(self) -> Plan:
        """Tell what came of it all, or raise what went wrong."""
        skipped = self.skipped()
        for skip in skipped:
            self.shop.emit(skip)
        for target in self.targets:
            tell(self.shop.emit, Finished, target, self.plan.done.get(target, ()))
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


def _may_pass(error: Exception) -> bool:
    """Tell whether another attempt can end otherwise."""
    return isinstance(error, BuildFailed | PromiseBroken | StoreError)
