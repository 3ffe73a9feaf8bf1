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
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from pylightnix.core.errors import RealizeError

from . import frames
from .job import Call

P = ParamSpec("P")
T = TypeVar("T")


class WorkerDied(RealizeError):
    """The process that ran a call ended without an answer."""

    def __init__(self, status: int, pid: int) -> None:
        super().__init__(status, pid)
        self.status, self.pid = status, pid

    def __str__(self) -> str:
        if self.status < 0:
            return f"its process was ended by signal {-self.status} ({_signal_name(-self.status)})"
        return f"its process ended with status {self.status} in the middle of the work"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


class ProcessPerCall(Executor):
    """Runs every call in a new process, up to `max_workers` at a time; a stateful handle.

    Args:
        max_workers: how many calls run at once; further ones wait.
        environ: what children get as their environment.
    """

    def __init__(self, max_workers: int, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)
        self._slots = threading.BoundedSemaphore(max_workers)
        self._lock = threading.Lock()
        self._running: dict[Future[Any], int] = {}
        self._threads: set[threading.Thread] = set()
        self._closed = False
        self._nursery: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call in a process of its own.

        Raises:
            Exception: what cloudpickle raises for what cannot travel.
            RuntimeError: after `shutdown`.
        """
        import cloudpickle

        if self._closed:
            raise RuntimeError("this executor was shut down")
        call = Call(cloudpickle.dumps(lambda: fn(*args, **kwargs)), os.getcwd(), self._environ)
        future: Future[T] = Future()
        thread = threading.Thread(target=self._attend, args=(future, call), daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()
        return future

    def _attend(self, future: Future[Any], call: Call) -> None:
        """Wait for a slot, hand the call over, and for its answer."""
        with self._slots:
            try:
                if not self._closed and future.set_running_or_notify_cancel():
                    self._converse(future, call)
            finally:
                if not future.done():
                    future.cancel()
                with self._lock:
                    self._threads.discard(threading.current_thread())

    def _converse(self, future: Future[Any], call: Call) -> None:
        answer: bytes | None = None
        status = 1
        try:
            with self._child() as link:
                frames.send(link, frames.JOB, pickle.dumps(call))
                while (frame := frames.receive(link)) is not None:
                    kind, body = frame
                    if kind == frames.PID:
                        self._started(future, int(body))
                    elif kind == frames.ANSWER:
                        answer = body
                    elif kind == frames.STATUS:
                        status = int(body)
        except OSError:
            pass  # the nursery is gone, and the child with it
        with self._lock:
            pid = self._running.pop(future, 0)
        if answer is None:
            future.set_exception(WorkerDied(status, pid))
            return
        worked, value = pickle.loads(answer)  # noqa: S301 of our own child
        if worked:
            future.set_result(value)
        else:
            future.set_exception(value)

    def _started(self, future: Future[Any], pid: int) -> None:
        with self._lock:
            self._running[future] = pid
        if self._closed:
            self.kill(future)

    def _child(self) -> socket.socket:
        """Ask the nursery for a child; gives our end of the socket to it."""
        ours, theirs = socket.socketpair()
        with self._lock:
            if self._control is None:
                self._open()
            control = self._control
            if control is None:
                raise OSError("there is no nursery")
            socket.send_fds(control, [b"j"], [theirs.fileno()])
        theirs.close()
        return ours

    def _open(self) -> None:
        ours, theirs = socket.socketpair()
        argv = [sys.executable, "-m", "pylightnix.executors.nursery"]
        self._nursery = subprocess.Popen(
            argv, stdin=theirs.fileno(), start_new_session=True, env=_with_path(self._environ)
        )
        theirs.close()
        frames.send(ours, frames.SETUP, pickle.dumps(sys.path))
        self._control = ours

    def kill(self, future: Future[Any]) -> None:
        """Kill the process group of a running call; its future gets `WorkerDied`."""
        with self._lock:
            pid = self._running.get(future)
        if pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End: take no more calls, and let those that run finish, or with `cancel_futures` kill them.

        Args:
            wait: until all calls have ended.
            cancel_futures: kill what runs, and cancel what waits.
        """
        if cancel_futures:
            self._closed = True
            for future in tuple(self._running):
                self.kill(future)
        for thread in tuple(self._threads) if wait else ():
            thread.join()
        self._closed = True
        with self._lock:
            control, self._control = self._control, None
        if control is not None:
            control.close()
        if self._nursery is not None:
            self._nursery.wait()


def _with_path(environ: Mapping[str, str]) -> dict[str, str]:
    """Let the nursery find this library where we found it, installed or not."""
    import pylightnix

    here = os.path.dirname(os.path.dirname(os.path.abspath(str(pylightnix.__file__))))
    before = environ.get("PYTHONPATH")
    return {**environ, "PYTHONPATH": here if not before else f"{here}{os.pathsep}{before}"}
