"""A file of a tenant that was loaded: its functions, each call of which is a run of its own."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any

from pylightnix.pods.client import PodFunction

from .refusals import JobClosed
from .run import Plan, Run

# As much as one message may have.
MOST_COLLECTED_BYTES = 1 << 28


class Runs:
    """Makes calls, each in a process of its own; a stateful handle, for any number of threads.

    The process that was started to see what the file offers makes the first call.

    Args:
        plan: what runs are made from.
        at_once: how many calls; more than that wait.
        held: closed with it: what it needs of the store.
    """

    def __init__(self, plan: Plan, at_once: int, held: ExitStack) -> None:
        self._plan, self._size = plan, at_once
        self._turn = threading.Semaphore(at_once)
        self._lock = threading.Lock()
        with held:
            self._spare = [Run(plan)]
            held = held.pop_all()
        self.functions = self._spare[0].functions
        # Who forgets to close must not leave a process behind; its threads still live by then.
        self._end = weakref.finalize(self, _end, self._spare, held)
        self._threads: ThreadPoolExecutor | None = None
        self._active: set[Run] = set()
        self._closed = False

    def call(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function and wait for its value."""
        with self._run(function) as run:
            return run.call(run.written(function, args, kwargs))

    def submit(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Future[Any]:
        """Have a function called; a generator's items are a list."""
        with self._lock:
            self._require_open(function)
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self._size, "tenant")
            threads = self._threads
        return threads.submit(self._collected, function, args, kwargs)

    def stream(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
        """Call a generator function; its items come while it runs."""
        with self._run(function) as run:
            yield from run.stream(run.written(function, args, kwargs))

    def map(self, function: str, every: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """Call a function once for each tuple of arguments."""
        futures = [self.submit(function, args, {}) for args in every]
        for future in futures:
            yield future.result()

    def close(self, *, stop: bool = False) -> None:
        """Let calls that run end, and end what waits for one.

        Args:
            stop: end what runs, too.
        """
        with self._lock:
            self._closed = True
            threads, self._threads = self._threads, None
            active = tuple(self._active) if stop else ()
        for run in active:
            run.stop()
        if threads is not None:
            threads.shutdown(cancel_futures=True)
        with self._lock:
            spare, self._spare[:] = self._spare[:], []
            is_idle = not self._active
        for run in spare:
            run.close()
        if is_idle:  # or else who reads a generator to its end needs the modules until then
            self._end()

    def _collected(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self.functions[function].get("streams"):
            with self._run(function) as run:
                written = run.written(function, args, kwargs)
                return list(run.stream(written, most_bytes=MOST_COLLECTED_BYTES))
        return self.call(function, args, kwargs)

    @contextmanager
    def _run(self, function: str) -> Iterator[Run]:
        with self._turn:
            run = self._fresh(function)
            with self._lock:
                self._active.add(run)
            try:
                yield run
            finally:
                run.close("stopped", "no call could be made")
                with self._lock:
                    self._active.remove(run)
                    is_last = self._closed and not self._active
                if is_last:
                    self._end()

    def _fresh(self, function: str) -> Run:
        with self._lock:
            self._require_open(function)
            spare = self._spare.pop() if self._spare else None
        if spare is not None:
            if spare.is_fresh():
                return spare
            spare.close()
        return Run(self._plan)

    def _require_open(self, function: str) -> None:
        if self._closed:
            raise JobClosed(function)


def _end(runs: list[Run], held: ExitStack) -> None:
    with held:
        while runs:
            runs.pop().close()


class Job:
    """A loaded file of a tenant; a stateful handle, made by `Tenant.load`.

    Its attributes are the functions in the global scope of the file, with their signatures and
    docstrings: see `PodFunction`. As a context manager it waits for calls that run, or ends them if
    an exception leaves the block.
    """

    def __init__(self, runs: Runs, file: str) -> None:
        shapes = runs.functions
        self.__dict__.update({name: PodFunction(runs, name, shapes[name]) for name in shapes})
        self.__runs, self.__file = runs, file

    def __getattr__(self, name: str) -> PodFunction:
        # Reached for what is not there; that attributes are functions is for type checkers.
        raise AttributeError(f"{self.__file} has no function {name}: it has {dir(self)}")

    def __enter__(self) -> Job:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__runs.close(stop=error is not None)

    def __dir__(self) -> list[str]:
        return sorted(key for key, item in vars(self).items() if type(item) is PodFunction)

    def __repr__(self) -> str:
        return f"<{self.__file}: {', '.join(dir(self))}>"
