"""The nursery: a process that has everything imported and forks a child for every job.

`processes` starts it as a program, with a socket as its standard input. A fresh interpreter for
every build would cost a tenth of a second; a fork of the coordinator would copy its threads' locks;
and `multiprocessing` would run the user's script again in every child. This costs a few
milliseconds and runs nothing of the user's but the job.

It imports this library and nothing else. A numpy that was imported here would give every build the
same random numbers.

It leads a session of its own, so that Ctrl-C reaches the coordinator alone. When the coordinator is
gone, however it went, its end of the socket closes and every child is killed; when the nursery
itself is, the kernel kills them.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import pickle
import select
import signal
import socket
import sys
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module

from pylightnix.engine.provenance import Clock, provenance
from pylightnix.executors import frames
from pylightnix.executors.job import Setup, do
from pylightnix.store.machine import boot_id

_PR_SET_PDEATHSIG = 1
# Loaded by every build, sooner or later.
_ALWAYS = ("cloudpickle", "encodings.ascii", "fcntl")


def main() -> None:
    """Serve until the coordinator is gone."""
    control = socket.socket(fileno=os.dup(0))
    control.set_inheritable(False)
    wake_r, wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    frame = frames.receive(control)
    if frame is None:
        return
    _prepare(pickle.loads(frame[1]))  # noqa: S301 from our own parent, over a private socket
    with contextlib.suppress(OSError):
        frames.send(control, frames.READY, b"")
    children: dict[int, socket.socket] = {}
    try:
        while True:
            ready, _, _ = select.select([control.fileno(), wake_r], [], [])
            if wake_r in ready:
                _drain(wake_r)
                _reap(children)
            if control.fileno() in ready and not _serve(control, children):
                return
    finally:
        for pid in children:
            _kill_group(pid)


def _prepare(setup: Setup) -> None:
    """Find modules where the coordinator does, and import what every job needs."""
    sys.path[:] = setup.path
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    for module in (*_ALWAYS, *setup.modules):
        with contextlib.suppress(ImportError):
            import_module(module)
    # What is asked once in a process and remembered (machine, user) need not be asked by each.
    provenance(None, Clock())
    boot_id()
    _prctl()
    # Children share these pages for as long as nobody writes to them, as the collector would.
    gc.collect()
    gc.freeze()


def _drain(wake: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(wake, 512):
            pass


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _reap(children: dict[int, socket.socket]) -> None:
    """Tell the coordinator how each finished child ended."""
    while children:
        try:
            # Look first and reap later: until it is reaped, nobody else can have its number.
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if found is None:
            return
        _kill_group(found.si_pid)  # what the job has left running in its group must not outlive it
        pid, status = os.waitpid(found.si_pid, 0)
        link = children.pop(pid, None)
        if link is not None:
            with contextlib.suppress(OSError):
                frames.send(link, frames.STATUS, str(os.waitstatus_to_exitcode(status)).encode())
            link.close()


def _serve(control: socket.socket, children: dict[int, socket.socket]) -> bool:
    """Fork a child for one job; false when the coordinator is gone."""
    try:
        data, fds, _, _ = socket.recv_fds(control, 1, 1)
    except ConnectionError:
        return False
    if not data or not fds:
        return False
    link = socket.socket(fileno=fds[0])
    link.set_inheritable(False)
    ours = os.getpid()
    try:
        pid = os.fork()
    except OSError:  # no more processes; the coordinator sees that its job never began
        link.close()
        return True
    if pid == 0:
        _child(ours, control, children, link)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.setpgid(pid, pid)
    children[pid] = link
    return True


def _child(
    parent: int, control: socket.socket, children: dict[int, socket.socket], link: socket.socket
) -> None:
    """Do one job and go, without running anything that was registered for the parent's end."""
    status = 1
    try:
        with contextlib.suppress(PermissionError):
            os.setpgid(0, 0)
        _die_with(parent)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        control.close()
        for other in children.values():
            other.close()
        do(link)
        status = 0
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


@lru_cache(maxsize=1)
def _prctl() -> Callable[..., int]:
    function: Callable[..., int] = getattr(ctypes.CDLL(None), "prctl", lambda *_: -1)
    return function


def _die_with(parent: int) -> None:
    """Let the kernel kill us when the nursery is gone; where it cannot, its end is not noticed."""
    with contextlib.suppress(OSError):
        _prctl()(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
