"""A pool: the workers of an open pod, the calls that wait for one, and those on their way."""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from .codec import codec
from .failures import PodClosed
from .pipeline import Order, conversation, fail, settle, value_of
from .process import Program
from .worker import Job, Worker, written

BOOT_LIMIT_S = 60.0


class Pool:
    """Workers of one program; a stateful handle, for any number of threads.

    A call is made by the thread that asks for it, if a worker is idle: no other thread is woken.
    Otherwise it waits in a queue, from which threads of the pool feed the workers.
    """

    def __init__(self, program: Program, workers: int) -> None:
        self._program, self._size = program, workers
        self._encode, _ = codec()
        self._numbers = itertools.count(1)
        self._change = threading.Condition(threading.Lock())
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._starting = 0
        self._queue: deque[Order] = deque()
        self._threads = 0
        self.closed = False

    def open(self) -> dict[str, Any]:
        """Start the workers; gives what the first one offers."""
        made: list[Worker] = []
        try:
            for _ in range(self._size):
                made.append(Worker(self._program))
            self._all.update(made)
            told = [worker.describe(self._program.limit_s or BOOT_LIMIT_S) for worker in made]
        except BaseException:
            self.close()
            for worker in made:
                worker.kill()
            raise
        self._encode = made[0].channel.encode  # they all run the same, so they speak the same
        self._idle += made
        return told[0]

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function and wait for its value."""
        job = written(self._encode, next(self._numbers), function, args, kwargs)
        worker = self._claimed(function)
        if worker is None:
            return self._enqueue(job).result()
        try:
            return worker.call(job)
        finally:
            self._release(worker)

    def submit(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future[Any]:
        """Have a function called; a generator's items are a list."""
        return self._enqueue(written(self._encode, next(self._numbers), function, args, kwargs))

    def stream(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
        """Call a generator function; its items come while it runs, on a worker of their own."""
        job = written(self._encode, next(self._numbers), function, args, kwargs)
        worker = self._awaited(function)
        try:
            yield from worker.stream(job)
        finally:
            self._release(worker)

    def map(self, function: str, every: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """Call a function once for each tuple of arguments; many calls are on their way at once."""
        if self._size > 1:
            yield from self._map_by_all(function, every)
            return
        source = (
            Order(written(self._encode, next(self._numbers), function, args, {}), None)
            for args in every
        )
        flight: deque[Order] = deque()
        while True:
            worker = self._awaited(function)
            try:
                again, flight = flight, deque()
                take = partial(_next_of, again, source)
                for order, doc in conversation(worker, take, flight):
                    yield value_of(worker, order, doc)
                return
            finally:
                if flight:
                    worker.kill()
                self._release(worker)

    def _map_by_all(self, function: str, every: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        ahead: deque[Future[Any]] = deque()
        try:
            for args in every:
                ahead.append(self.submit(function, args, {}))
                if len(ahead) >= 100 * self._size:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()

    def close(self) -> None:
        """End all workers; calls that wait or run fail with `PodClosed` or `WorkerDied`."""
        with self._change:
            self.closed = True
            waiting, self._queue = self._queue, deque()
            idle, busy = self._idle, self._all.difference(self._idle)
            self._idle, self._all = [], set()
            self._change.notify_all()
        for order in waiting:
            fail(order, PodClosed(order.job.function))
        for worker in busy:
            worker.stop()
        for worker in idle:
            worker.close()
        with suppress(OSError):
            if not os.stat(self._program.log).st_size:
                os.unlink(self._program.log)  # nobody said anything

    def _claimed(self, function: str, wait: bool = False) -> Worker | None:
        """Take an idle worker, or start one where one is missing; None if all are busy."""
        with self._change:
            while True:
                if self.closed:
                    raise PodClosed(function)
                if self._idle:
                    return self._idle.pop()
                if len(self._all) + self._starting < self._size:
                    self._starting += 1
                    break
                if not wait:
                    return None
                self._change.wait()
        return self._replacement()

    def _awaited(self, function: str) -> Worker:
        """Take a worker, as soon as there is one."""
        while (worker := self._claimed(function, wait=True)) is None:
            pass
        return worker

    def _replacement(self) -> Worker:
        worker: Worker | None = None
        try:
            worker = Worker(self._program)
            worker.describe(self._program.limit_s or BOOT_LIMIT_S)
            return worker
        except BaseException:
            if worker is not None:
                worker.kill()
            worker = None
            raise
        finally:
            with self._change:
                self._starting -= 1
                if worker is not None:
                    self._all.add(worker)
                self._change.notify()

    def _release(self, worker: Worker) -> None:
        with self._change:
            if self.closed or worker.dead:
                worker.kill()
                self._all.discard(worker)
            else:
                self._idle.append(worker)
            self._change.notify()

    def _enqueue(self, job: Job) -> Future[Any]:
        future: Future[Any] = Future()
        order = Order(job, future)
        with self._change:
            if self.closed:
                raise PodClosed(job.function)
            self._queue.append(order)
            if self._threads < self._size:
                self._threads += 1
                threading.Thread(target=self._attend, daemon=True).start()
            self._change.notify()
        return future

    def _attend(self) -> None:
        """Feed workers from the queue, until the pool is closed."""
        while True:
            with self._change:
                while not self._queue and not self.closed:
                    self._change.wait()
                if self.closed:
                    return
                first = self._queue[0]
            try:
                worker = self._awaited(first.job.function)
            except BaseException as error:
                order = self._next()
                if order is not None:
                    fail(order, error)
                continue
            self._feed(worker)
            self._release(worker)

    def _feed(self, worker: Worker) -> None:
        flight: deque[Order] = deque()
        try:
            for order, doc in conversation(worker, self._next, flight):
                try:
                    settle(order, value_of(worker, order, doc))
                except BaseException as error:
                    fail(order, error)
        except BaseException as error:
            # Calls are made one after the other: the first is the one that went wrong.
            if flight:
                fail(flight.popleft(), error)
            with self._change:
                self._queue.extendleft(reversed(flight))
        finally:
            if flight:
                worker.kill()

    def _next(self) -> Order | None:
        with self._change:
            while self._queue:
                order = self._queue.popleft()
                future = order.future
                # One that its worker did not get to before it died is running already.
                if future is None or future.running() or future.set_running_or_notify_cancel():
                    return order
        return None


def _next_of(again: deque[Order], source: Iterator[Order]) -> Order | None:
    """Give a call that has to be made again, or else the next one."""
    return again.popleft() if again else next(source, None)
