"""Realize a closure: a loop round the plan, with one worker or many."""

from __future__ import annotations

import heapq
import time
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import dataclass, replace
from glob import escape, glob

from pylightnix.core.errors import RealizeError, StoreError
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
from pylightnix.store.layout import log_path, var_path
from pylightnix.store.query import rrefs
from pylightnix.store.scratch import Scratch

from .closure import Closure
from .crew import BuildsFailed, Crew, Inline, TimedOut
from .events import CutOff, Failed, Finished, Hit, Planned, Queued, Skipped, Started, ignore
from .orders import Answer, Order, carry_out, carry_out_packed, pack
from .produce import BuildFailed, NotRealized, Workshop, choose, produce
from .registry import Derivation
from .run import tail


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
        RealizeError, StoreError: as `produce`; what was running by then was waited for.

    Effects: writes below the store's root only; holds a build lock for each running build.
    Concept: derivations are found or built in dependency order (Dolstra 2006, chapter 5); here one
        may have several results, and which of them its dependents see is the matcher's choice.
    """
    run = _Run(closure, shop, crew, assert_realized)
    try:
        run.look()
        while run.queue or run.running:
            run.hand_out()
            run.collect()
    except BaseException:
        run.abandon()
        raise
    return run.end()


@dataclass
class _Job:
    """A build that was handed out."""

    dref: DRef
    attempt: int
    until_s: float | None


class _Run:
    """One realize under way: the plan, what is queued, what is running, what failed."""

    def __init__(
        self, closure: Closure, shop: Workshop, crew: Crew, asserted: Collection[DRef]
    ) -> None:
        self.closure, self.shop, self.crew, self.asserted = closure, shop, crew, asserted
        self.known = {drv.dref: drv for drv in closure.derivations}
        self.plan = mkplan(closure.needs)
        self.order = {dref: i for i, dref in enumerate(self.known)}
        self.queue: list[tuple[float, int, int]] = []
        self.running: dict[Future[Answer], _Job] = {}
        self.errors: list[Exception] = []
        self.built_any = False
        self.drefs = tuple(self.known)

    def look(self) -> None:
        """Settle all that the store has; queue what has to be built."""
        missing: list[DRef] = []

        def ask(dref: DRef, context: dict[DRef, Chosen]) -> Chosen | None:
            chosen = None
            if dref not in self.shop.force:
                found = rrefs(self.shop.store, dref, context)
                chosen = choose(self.shop.store, self.known[dref], found)
            if chosen is None:
                missing.append(dref)
            elif self.shop.emit is not ignore:
                kind = CutOff if self.built_any else Hit
                self.shop.emit(kind(dref, chosen, time.monotonic()))
            return chosen

        first = not self.plan.done and not self.plan.missing
        self.plan = advance(self.plan, ask)
        if first and self.shop.emit is not ignore:
            for dref in self.drefs:
                if dref not in self.plan.done:
                    self.shop.emit(Planned(dref, time.monotonic()))
        absent = tuple(dref for dref in missing if dref in self.asserted)
        if absent:
            raise NotRealized(absent)
        for dref in missing:
            self.enqueue(dref, 0)

    def enqueue(self, dref: DRef, attempt: int) -> None:
        """Put a build into the queue: longest first, where durations are asked for."""
        duration = self.crew.duration
        weight = 0.0 if duration is None else -duration(dref)
        heapq.heappush(self.queue, (weight, self.order[dref], attempt))
        if self.shop.emit is not ignore:
            self.shop.emit(Queued(dref, time.monotonic()))

    def hand_out(self) -> None:
        """Give builds to free workers."""
        while self.queue and len(self.running) < self.crew.jobs:
            _, position, attempt = heapq.heappop(self.queue)
            dref = self.drefs[position]
            self.plan = started(self.plan, dref)
            limit_s = self.crew.timeout_s
            until_s = None if limit_s is None else time.monotonic() + limit_s
            self.running[self.submit(self.known[dref])] = _Job(dref, attempt, until_s)

    def submit(self, drv: Derivation) -> Future[Answer]:
        """Start one build."""
        context = {dep: self.plan.done[dep] for dep in self.plan.needs[drv.dref]}
        crew, shop = self.crew, self.shop
        if not crew.travels:
            alone = isinstance(crew.executor, Inline)
            return crew.executor.submit(_here if alone else _beside, shop, drv, context)
        order = Order(
            shop.store,
            drv,
            context,
            drv.dref in shop.force,
            shop.args.get(drv.dref, {}),
            shop.lock_timeout_s,
            shop.invoke,
            crew.capture,
        )
        packed = pack(order)
        if shop.emit is not ignore:
            shop.emit(Started(drv.dref, time.monotonic()))
        return crew.executor.submit(carry_out_packed, packed)

    def collect(self) -> None:
        """Wait until a build ends, or has taken too long."""
        if not self.running:
            return
        limits = [job.until_s for job in self.running.values() if job.until_s is not None]
        left_s = max(0.0, min(limits) - time.monotonic()) if limits else None
        done, _ = wait(self.running, left_s, FIRST_COMPLETED)
        for future in done:
            self.settle(future, self.running.pop(future))
        for future, job in tuple(self.running.items()):
            if job.until_s is not None and job.until_s <= time.monotonic():
                self.stop(future)
                del self.running[future]
                self.fail(job, TimedOut(job.dref, self.crew.timeout_s or 0.0))

    def stop(self, future: Future[Answer]) -> None:
        """End a build that runs, where that can be done."""
        future.cancel()
        if self.crew.kill is not None:
            self.crew.kill(future)

    def settle(self, future: Future[Answer], job: _Job) -> None:
        """Take what came of a build."""
        error = CancelledError() if future.cancelled() else future.exception()
        if error is not None:
            self.fail(job, _as_build_failure(self.shop, job.dref, error))
            return
        answer = future.result()
        for event in answer.events:
            if not isinstance(event, Started):
                self.shop.emit(event)
        self.plan = settled(self.plan, job.dref, answer.chosen)
        self.built_any = True
        self.look()

    def fail(self, job: _Job, error: Exception) -> None:
        """Try again, or note the failure; without `keep_going` nothing further is handed out."""
        if job.attempt < self.crew.retries and not isinstance(error, NotRealized):
            self.plan = given_back(self.plan, job.dref)
            self.enqueue(job.dref, job.attempt + 1)
            return
        self.plan = failed(self.plan, job.dref)
        self.errors.append(error)
        self.shop.emit(Failed(job.dref, str(error), time.monotonic()))
        if not self.crew.keep_going:
            self.queue.clear()

    def abandon(self) -> None:
        """End everything that runs: of our own will, or because of Ctrl-C."""
        for future in self.running:
            self.stop(future)

    def end(self) -> Plan:
        """Tell what came of it all, or raise what went wrong."""
        skipped = blocked(self.plan)
        for dref in sorted(skipped, key=self.order.__getitem__):
            self.shop.emit(Skipped(dref, _culprit(self.plan, dref), time.monotonic()))
        for target in self.closure.targets:
            chosen = self.plan.done.get(target, ())
            self.shop.emit(Finished(target, chosen, time.monotonic()))
        if self.errors and self.crew.keep_going:
            raise BuildsFailed(tuple(self.errors), tuple(sorted(skipped)))
        if self.errors:
            raise self.errors[0]
        return self.plan


def _here(shop: Workshop, drv: Derivation, context: dict[DRef, Chosen]) -> Answer:
    """Build in this process; events go where they go at once."""
    return Answer(produce(shop, drv, context), ())


def _beside(shop: Workshop, drv: Derivation, context: dict[DRef, Chosen]) -> Answer:
    """Build in this process beside other builds: each with a scratch folder of its own."""
    with Scratch(shop.store) as scratch:
        return _here(replace(shop, scratch=scratch), drv, context)


def _culprit(plan: Plan, dref: DRef) -> DRef:
    """Give what failed and is needed, near or far, by something that was skipped."""
    todo = list(plan.needs[dref])
    for need in todo:  # grows while it is walked
        if need in plan.failed:
            return need
        todo.extend(plan.needs[need])
    raise AssertionError(f"{dref} was skipped, and nothing that it needs failed")


def _as_build_failure(shop: Workshop, dref: DRef, error: BaseException) -> Exception:
    """Name the derivation in an error that only says how its worker ended."""
    if isinstance(error, (RealizeError, StoreError)) and not hasattr(error, "pid"):
        return error
    pid = getattr(error, "pid", None)
    tmp = var_path(shop.store, "tmp")
    folders = sorted(glob(f"{escape(tmp)}/*-{pid}-*")) if pid else []
    log = log_path(shop.store, dref)
    cause = f"{type(error).__name__}: {error}"
    failure = BuildFailed(dref, folders[0] if folders else tmp, log, cause, tail(log))
    failure.__cause__ = error
    return failure
