"""Children: processes that make calls, as their coordinator sees them; they come from a nursery."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from pylightnix.core.errors import RealizeError
from pylightnix.core.value import value

from . import frames
from .job import Call, Setup

_START = (
    "import sys; sys.path.insert(0, {!r}); from pylightnix.executors.nursery import main; main()"
)


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


@value
class Said:
    """What a child said of a call.

    Attributes:
        answer: packed; None if it died over it.
        status: how the child ended; None if it lives, or if nobody can tell.
        last: why it makes no more calls; None if it does.
    """

    answer: bytes | None
    status: int | None
    last: str | None


class Child:
    """A child, seen through a socket; a stateful handle.

    Attributes:
        pid: its number and that of its process group; 0 until it has told.
    """

    __slots__ = ("_link", "pid")

    def __init__(self, link: socket.socket) -> None:
        self._link, self.pid = link, 0

    def make(
        self, call: Call, tell: Callable[[Any], None] | None, begun: Callable[[int], None]
    ) -> Said:
        """Have it make a call.

        Args:
            call: which.
            tell: given what the call tells.
            begun: given the number of the process when it has begun.
        """
        answer, status, last = None, None, None
        if self.pid:
            begun(self.pid)
        with suppress(OSError):
            frames.send(self._link, frames.JOB, pickle.dumps(call))
            while (frame := frames.receive(self._link)) is not None:
                kind, body = frame
                if kind == frames.PID:
                    self.pid = int(body)
                    begun(self.pid)
                elif kind == frames.EVENT and tell is not None:
                    tell(pickle.loads(body))  # noqa: S301 of our own child
                elif kind == frames.LAST:
                    last = body.decode()
                elif kind == frames.ANSWER:
                    answer = body
                    if last is None:
                        return Said(answer, None, None)
                elif kind == frames.STATUS:
                    status = int(body)
                    break
        return Said(answer, status, last or "it died")

    def alive(self) -> bool:
        """Tell whether it waits for calls; what is dead has said so, or has hung up."""
        try:
            self._link.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def leave(self) -> None:
        """Hang up; if it waits for calls it goes."""
        self._link.close()


class Children:
    """The children of one nursery, which is started with the first; a stateful handle.

    Args:
        environ: their environment.
        reuse: whether those that are clean after a call make more.

    Attributes:
        endings: why children made no more calls -> how many.
        nursery: the process that forks them; None before the first.
    """

    def __init__(self, environ: Mapping[str, str], *, reuse: bool) -> None:
        self._environ, self._reuse = dict(environ), reuse
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._closing = False
        self.endings: Counter[str] = Counter()
        self.nursery: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._broken: NoWorkers | None = None

    def take(self) -> Child:
        """Give one that is clean: the last that came back, or a new one.

        Raises:
            NoWorkers: there is none, and none can be made.
        """
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.alive():
                    return child
                child.leave()
        return Child(self._born())

    def give_back(self, child: Child, last: str | None) -> None:
        """Take one back that has made its call; it makes no more if there is a reason."""
        with self._lock:
            if last is not None:
                self.endings[last] += 1
            elif not self._closing:
                self._idle.append(child)
                return
        child.leave()

    def _born(self) -> socket.socket:
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
            self.nursery, self._control = _started_nursery(self._environ, self._reuse)
        except NoWorkers as error:
            self._broken = error
            raise
        return self._control

    def dismiss(self) -> None:
        """Let all go that have nothing to do, and those that have when they are done."""
        with self._lock:
            self._closing = True
            idle, self._idle = self._idle, []
        for child in idle:
            child.leave()

    def close(self) -> None:
        """End the nursery; nobody may talk to its children any more."""
        self.dismiss()
        with self._lock:
            control, self._control = self._control, None
        if control is not None:
            control.close()
        if self.nursery is not None:
            self.nursery.wait()


def kill_group(pid: int) -> None:
    """Kill a child, and what it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _program() -> str:
    return sys.executable or ""


def _started_nursery(
    environ: Mapping[str, str], reuse: bool
) -> tuple[subprocess.Popen[bytes], socket.socket]:
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
        setup = Setup(list(sys.path), modules, reuse)
        frames.send(ours, frames.SETUP, pickle.dumps(setup))
    if frames.receive(ours) is None:
        ours.close()
        raise NoWorkers(_program(), f"it ended at once, with status {process.wait()}")
    return process, ours


def _home() -> str:
    """Where this library was found, installed or not."""
    import pylightnix

    return os.path.dirname(os.path.dirname(os.path.abspath(str(pylightnix.__file__))))
