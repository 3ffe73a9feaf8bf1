"""A process for every call: chdir, environment and crashes stay inside, and it can be killed."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from pylightnix.core.errors import RealizeError
from pylightnix.engine.failures import WorkerDied

from . import frames
from .job import Call, Setup

_START = (
    "import sys; sys.path.insert(0, {!r}); from pylightnix.executors.nursery import main; main()"
)
P = ParamSpec("P")
T = TypeVar("T")


class NoWorkers(RealizeError):
    """Worker processes cannot be started on this machine."""

    def __init__(self, program: str, cause: str) -> None:
        super().__init__(program, cause)
        self.program, self.cause = program, cause

    def __str__(self) -> str:
        return (
            f"worker processes cannot be started with {self.program!r}: {self.cause}. "
            "Mend sys.executable, or realize with jobs=1"
        )


class _Ticket:
    """What is known of one call: its process, and whether it is to be killed."""

    __slots__ = ("pid", "unwanted")

    def __init__(self) -> None:
        self.pid, self.unwanted = 0, False


class ProcessPerCall(Executor):
    """Runs every call in a new process, up to `max_workers` at a time; a stateful handle.

    Args:
        max_workers: how many calls run at once; further ones wait.
        environ: what children get as their environment.
    """

    def __init__(self, max_workers: int, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)
        self._lock = threading.Lock()
        self._attendants = ThreadPoolExecutor(max_workers, "pylightnix")
        self._tickets: WeakKeyDictionary[Future[Any], _Ticket] = WeakKeyDictionary()
        self._nursery: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._broken: NoWorkers | None = None

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call in a process of its own.

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

    def _submit(self, function: Callable[..., T], tell: Callable[[Any], None] | None) -> Future[T]:
        import cloudpickle

        call = Call(cloudpickle.dumps(function), _cwd(), tell is not None)
        ticket = _Ticket()
        future: Future[T] = self._attendants.submit(self._converse, call, ticket, tell)
        self._tickets[future] = ticket
        return future

    def _converse(self, call: Call, ticket: _Ticket, tell: Callable[[Any], None] | None) -> Any:
        """Have a call made by a child, and give what it answers."""
        answer: bytes | None = None
        status: int | None = None
        with self._child() as link, suppress(OSError):
            frames.send(link, frames.JOB, pickle.dumps(call))
            while (frame := frames.receive(link)) is not None:
                kind, body = frame
                if kind == frames.PID:
                    self._started(ticket, int(body))
                elif kind == frames.EVENT and tell is not None:
                    tell(pickle.loads(body))  # noqa: S301 of our own child
                elif kind == frames.ANSWER:
                    answer = body
                elif kind == frames.STATUS:
                    status = int(body)
                    break
        with self._lock:
            pid, ticket.pid = ticket.pid, 0
        if status is None and pid:  # the nursery is gone, and cannot do it
            _kill_group(pid)
        if answer is None:
            raise WorkerDied(1 if status is None else status, pid)
        worked, value = pickle.loads(answer)  # noqa: S301 likewise
        if not worked:
            raise value
        return value

    def _started(self, ticket: _Ticket, pid: int) -> None:
        with self._lock:
            ticket.pid = pid
            if ticket.unwanted:
                _kill_group(pid)

    def _child(self) -> socket.socket:
        """Ask the nursery for a child; gives our end of the socket to it."""
        ours, theirs = socket.socketpair()
        try:
            with self._lock:
                control = self._control or self._open()
                socket.send_fds(control, [b"j"], [theirs.fileno()])
        except OSError as error:
            ours.close()
            raise NoWorkers(_program(), f"the nursery is gone ({error})") from error
        except NoWorkers:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours

    def _open(self) -> socket.socket:
        """Start the nursery; what went wrong once would go wrong for every call."""
        if self._broken is not None:
            raise self._broken
        try:
            self._nursery, self._control = _started_nursery(self._environ)
        except NoWorkers as error:
            self._broken = error
            raise
        return self._control

    def kill(self, future: Future[Any]) -> None:
        """Kill the process group of a running call; its future gets `WorkerDied`."""
        ticket = self._tickets.get(future)
        if ticket is None:
            return
        with self._lock:
            ticket.unwanted = True
            if ticket.pid:
                _kill_group(ticket.pid)

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
        if not wait:
            return  # whoever still talks to a child needs the nursery
        with self._lock:
            control, self._control = self._control, None
        if control is not None:
            control.close()
        if self._nursery is not None:
            self._nursery.wait()


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _cwd() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None


def _program() -> str:
    return sys.executable or ""


def _started_nursery(environ: Mapping[str, str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start a nursery and wait until it is ready."""
    ours, theirs = socket.socketpair()
    # -P: a socket.py in the working folder is none of ours.
    argv = [_program(), "-P", *(["-" + "O" * sys.flags.optimize] if sys.flags.optimize else [])]
    argv += [f"-W{option}" for option in sys.warnoptions]
    with theirs:
        try:
            process = subprocess.Popen(
                [*argv, "-c", _START.format(_home())],
                stdin=theirs.fileno(),
                start_new_session=True,
                env=dict(environ),
            )
        except OSError as error:
            ours.close()
            raise NoWorkers(_program(), str(error)) from error
    modules = [name for name in tuple(sys.modules) if name.startswith("pylightnix.")]
    with suppress(OSError):
        setup = Setup(list(sys.path), modules)
        frames.send(ours, frames.SETUP, pickle.dumps(setup))
    if frames.receive(ours) is None:
        ours.close()
        raise NoWorkers(_program(), f"it ended at once, with status {process.wait()}")
    return process, ours


def _home() -> str:
    """Where this library was found, installed or not."""
    import pylightnix

    return os.path.dirname(os.path.dirname(os.path.abspath(str(pylightnix.__file__))))
