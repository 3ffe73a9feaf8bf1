"""Calls in processes: chdir, environment and crashes stay inside, and it can be killed."""

from __future__ import annotations

import os
import pickle
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from pylightnix.engine.failures import NotBegun, WorkerDied
from pylightnix.engine.travel import PackedError

from .children import Children, kill_group
from .job import Call

P = ParamSpec("P")
T = TypeVar("T")


class _Ticket:
    """What is known of one call: its process, and whether it is to be killed."""

    __slots__ = ("pid", "unwanted")

    def __init__(self) -> None:
        self.pid, self.unwanted = 0, False


class ProcessPerCall(Executor):
    """Runs every call in a process by itself, up to `max_workers` at a time; a stateful handle.

    The process is a new one, or one that is as the call before found it.

    Args:
        max_workers: how many calls run at once; further ones wait.
        environ: what the processes get as their environment.
        reuse: whether a process may make more than one call.
        until_failure: whether calls that wait while another one fails get `NotBegun`.
    """

    def __init__(
        self,
        max_workers: int,
        environ: Mapping[str, str],
        *,
        reuse: bool = True,
        until_failure: bool = False,
    ) -> None:
        self._lock = threading.Lock()
        self._attendants = ThreadPoolExecutor(max_workers, "pylightnix")
        self._tickets: WeakKeyDictionary[Future[Any], _Ticket] = WeakKeyDictionary()
        self._children = Children(environ, reuse=reuse)
        self._until_failure, self._failed = until_failure, False

    @property
    def endings(self) -> Counter[str]:
        """Why processes made no more calls -> how many."""
        return self._children.endings

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call in a process by itself.

        Raises:
            Exception: what cloudpickle raises for what cannot travel.
            RuntimeError: after `shutdown`.
        """
        return self._submit(partial(fn, *args, **kwargs), None)

    def submit_telling(
        self, tell: Callable[[Any], None], fn: Callable[..., T], /, *args: object
    ) -> Future[T]:
        """Run a call that takes, as its last argument, a function to tell by what happens.

        Args:
            tell: is given in this process, in some thread, what was told over there.
            fn: the function.
            args: its arguments but the last.

        Raises:
            Exception: as `submit`.
        """
        return self._submit(partial(fn, *args), tell)

    def _submit(self, function: partial[T], tell: Callable[[Any], None] | None) -> Future[T]:
        call = Call(_packed(function), _cwd(), tell is not None)
        ticket = _Ticket()
        future: Future[T] = self._attendants.submit(self._converse, call, ticket, tell)
        self._tickets[future] = ticket
        return future

    def _converse(self, call: Call, ticket: _Ticket, tell: Callable[[Any], None] | None) -> Any:
        """Have a call made by a child; gives what it answers, or raises how it failed."""
        if self._failed and self._until_failure:
            raise NotBegun
        try:
            answer = self._answered(call, ticket, tell)
        except BaseException:
            self._failed = True
            raise
        # Here and not where it is read: this very thread is going to take the next call.
        self._failed = self._failed or isinstance(answer, PackedError)
        return answer

    def _answered(self, call: Call, ticket: _Ticket, tell: Callable[[Any], None] | None) -> Any:
        child = self._children.take()
        last: str | None = "it was not heard to the end"
        try:
            said = child.make(call, tell, partial(self._started, ticket))
            last = said.last
        finally:
            with self._lock:
                pid, ticket.pid = ticket.pid, 0
                if ticket.unwanted:
                    last = last or "it was killed"
            self._children.give_back(child, last)
        if said.status is None and said.last is not None and pid:
            kill_group(pid)  # the nursery is gone, and cannot do it
        if said.answer is None:
            raise WorkerDied(1 if said.status is None else said.status, pid)
        worked, value = pickle.loads(said.answer)  # noqa: S301 of our own child
        if not worked:
            raise value
        return value

    def _started(self, ticket: _Ticket, pid: int) -> None:
        with self._lock:
            ticket.pid = pid
            if ticket.unwanted:
                kill_group(pid)

    def kill(self, future: Future[Any]) -> None:
        """Kill the process group of a running call; its future gets `WorkerDied`."""
        ticket = self._tickets.get(future)
        if ticket is None:
            return
        with self._lock:
            ticket.unwanted = True
            if ticket.pid:
                kill_group(ticket.pid)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End: take no more calls; let those that run finish, or kill them with `cancel_futures`.

        Args:
            wait: until all calls have ended.
            cancel_futures: kill what runs, and cancel what waits.
        """
        if cancel_futures:
            for future in tuple(self._tickets):
                self.kill(future)
        self._attendants.shutdown(wait, cancel_futures=cancel_futures)
        self._children.dismiss()
        if not wait:
            return  # whoever still talks to a child needs the nursery
        self._children.close()


def _packed(function: partial[Any]) -> bytes:
    ours = str(getattr(function.func, "__module__", "")).startswith("pylightnix.")
    if (
        ours
        and not function.keywords
        and all(isinstance(argument, str | bytes) for argument in function.args)
    ):
        return pickle.dumps(function)  # an order, which has all that is hard to pack in its bytes
    import cloudpickle

    packed: bytes = cloudpickle.dumps(function)
    return packed


def _cwd() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None
