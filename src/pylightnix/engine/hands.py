"""Hands: how builds are given to workers, and what is heard of them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from pylightnix.core.errors import RealizeError, StoreError
from pylightnix.core.plan import Chosen
from pylightnix.core.refs import DRef
from pylightnix.core.value import changed
from pylightnix.store.layout import log_path, var_path
from pylightnix.store.lock import this_process
from pylightnix.store.scratch import Scratch, abandoned

from .closure import Making
from .crew import Crew, Ended, Job
from .events import Event, Started
from .failures import TimedOut, WorkerDied
from .follow import POLL_S
from .listening import ignore
from .orders import Answer, Order, carry_out_packed, packed_order, read_answer
from .produce import BuildFailed, produce
from .registry import Derivation
from .run import tail
from .travel import Packer
from .workshop import Workshop

SLOW_CLOCK_NS = 100_000_000


class Hands:
    """Builds that workers are busy with; a stateful handle.

    What workers tell arrives in their threads, and is handed to listeners only by `hear`, in the
    thread that realizes.

    Args:
        shop: what all builds have in common.
        crew: how they work.
        executor: the workers.
        making: how they may make the derivations themselves.

    Attributes:
        running: calls that have not ended -> which job, and until when it may take.
    """

    def __init__(
        self, shop: Workshop, crew: Crew, executor: Executor, making: Making | None
    ) -> None:
        self._shop, self._crew, self._executor = shop, crew, executor
        self._packer = Packer(making if crew.by_reference else None)
        self._listens = shop.emit is not ignore
        self._sender = this_process()
        self._inbox: SimpleQueue[Event | Future[Any] | Ended] = SimpleQueue()
        self.running: dict[Future[Any], tuple[Job, float | None]] = {}

    def give(self, job: Job, drv: Derivation, context: Mapping[DRef, Chosen]) -> None:
        """Give a build away; an error in doing so is what comes of it."""
        limit_s = self._crew.timeout_s
        until_s = None if limit_s is None else time.monotonic() + limit_s
        try:
            future = self._submitted(drv, context)
        except Exception as error:
            future = Future()
            future.set_exception(error)
        self.running[future] = job, until_s
        future.add_done_callback(self._inbox.put)

    def _submitted(self, drv: Derivation, context: Mapping[DRef, Chosen]) -> Future[Any]:
        crew, shop, executor = self._crew, self._shop, self._executor
        if not crew.travels:
            beside = changed(shop, emit=self._inbox.put if self._listens else ignore)
            return executor.submit(_beside, beside, drv, context)
        order = Order(
            store=shop.store,
            dref=drv.dref,
            drv=None,
            recipe=self._packer.recipe,
            context=context,
            force=drv.dref in shop.force,
            args=shop.args.get(drv.dref, {}),
            lock_timeout_s=shop.lock_timeout_s,
            invoke=shop.invoke,
            capture=crew.capture,
            sender=self._sender,
        )
        packed = packed_order(self._packer, order, drv)
        if self._listens and crew.telling is not None:
            return crew.telling(self._inbox.put, carry_out_packed, drv.dref, packed)
        if self._listens:
            self._inbox.put(Started(drv.dref, time.monotonic()))
        return executor.submit(carry_out_packed, drv.dref, packed)

    def hear(self) -> list[Event | Ended]:
        """Wait for news, though not for long if somebody listens or a build has a time limit.

        The times of events are those of the workers' clocks.
        """
        news: list[Event | Ended] = []
        waiting: deque[Any] = deque()
        with suppress(Empty):
            waiting.append(self._inbox.get(timeout=self._patience_s()))
            while True:
                waiting.append(self._inbox.get_nowait())
        for item in waiting:
            if isinstance(item, Future):
                news += self._ended(item)
            else:
                news.append(item)
        return news + self._late()

    def _patience_s(self) -> float | None:
        limits = [until_s for _, until_s in self.running.values() if until_s is not None]
        left_s = max(0.0, min(limits) - time.monotonic()) if limits else None
        if self._listens:
            return POLL_S if left_s is None else min(left_s, POLL_S)
        return left_s

    def _ended(self, future: Future[Any]) -> list[Event | Ended]:
        """What came of a call; nothing if it was stopped, which is known already."""
        job, _ = self.running.pop(future, (None, None))
        if job is None:
            return []
        try:
            answer = future.result()
            if self._crew.travels:
                answer = read_answer(answer)
        except BaseException as error:  # a worker's Ctrl-C is not ours
            return [Ended(job, error=self._named(job, error))]
        # That it started was told when it was given away.
        told = (event for event in answer.events if type(event) is not Started)
        return [*told, Ended(job, answer.chosen)]

    def _late(self) -> list[Event | Ended]:
        """Stop what has taken too long."""
        limit_s = self._crew.timeout_s
        if limit_s is None:
            return []
        late: list[Event | Ended] = []
        for future, (job, until_s) in tuple(self.running.items()):
            if until_s is not None and until_s <= time.monotonic():
                self._stop(future)
                del self.running[future]
                log = log_path(self._shop.store, job.dref)
                error = TimedOut(job.dref, limit_s, self._folder(job), log, tail(log))
                late.append(Ended(job, error=error))
        return late

    def recall(self) -> list[DRef]:
        """Take back what no worker has begun."""
        begun = {future: of for future, of in self.running.items() if not future.cancel()}
        taken = [job.dref for future, (job, _) in self.running.items() if future not in begun]
        self.running = begun
        return taken

    def stop(self) -> None:
        """End all that runs."""
        for future in self.running:
            self._stop(future)

    def _stop(self, future: Future[Any]) -> None:
        future.cancel()
        if self._crew.kill is not None:
            self._crew.kill(future)

    def _named(self, job: Job, error: BaseException) -> Exception:
        """Name the derivation in an error that only says how its worker ended."""
        if isinstance(error, RealizeError | StoreError) and not isinstance(error, WorkerDied):
            return error
        log = log_path(self._shop.store, job.dref)
        said = "its worker was lost" if isinstance(error, CancelledError) else str(error)
        cause = f"{type(error).__name__}: {said}"
        failure = BuildFailed(job.dref, self._folder(job), log, cause, tail(log))
        failure.__cause__ = error
        return failure

    def _folder(self, job: Job) -> str:
        """Where a lost worker was building; a new folder if it had none yet."""
        store = self._shop.store
        with suppress(OSError):
            # File systems have slower clocks than processes.
            found = abandoned(store, job.dref, job.since_ns - SLOW_CLOCK_NS)
            if found is not None:
                return found
            with Scratch(store) as scratch:
                return scratch.keep(job.dref)
        return var_path(store, "tmp")


def _beside(shop: Workshop, drv: Derivation, context: Mapping[DRef, Chosen]) -> Answer:
    """Build in this process beside other builds: each with a scratch folder of its own."""
    with Scratch(shop.store, drv.dref) as scratch:
        return Answer(produce(changed(shop, scratch=scratch), drv, context), ())
