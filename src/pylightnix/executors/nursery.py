"""The nursery: a process that has everything imported and forks a child for every job.

Run as a program by `processes`, with a socket as its standard input. A fresh interpreter for every
build would cost a tenth of a second; a fork of the coordinator would copy its threads' locks; and
`multiprocessing` would run the user's script again in every child. This costs about two
milliseconds and runs nothing of the user's but the job.

It leads a session of its own, so that Ctrl-C reaches the coordinator alone; when the coordinator
is gone, however it went, its end of the socket closes and every child is killed.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import select
import signal
import socket
import sys
from importlib import import_module

from pylightnix.executors import frames


WARM = (
    "cloudpickle",
    "ctypes",
    "fcntl",
    "pwd",
    "pylightnix.api.stage",
    "pylightnix.engine.orders",
    "pylightnix.executors.job",
)


def main() -> None:
    """Serve until the coordinator is gone."""
    control = socket.socket(fileno=os.dup(0))
    control.set_inheritable(False)
    wake_r, wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    setup = frames.receive(control)
    if setup is None:
        return
    _prepare(setup[1])
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
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)


def _prepare(setup: bytes) -> None:
    """Find modules where the coordinator does, and import what every job needs."""
    path: list[str] = pickle.loads(setup)  # noqa: S301 from our own parent, over a private socket
    sys.path[:] = path
    with open(os.devnull) as null:
        os.dup2(null.fileno(), 0)
    # Everything that a build loads, once and not in every child.
    for module in WARM:
        import_module(module)
    gc.collect()
    gc.freeze()


def _drain(wake: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(wake, 512):
            pass


def _reap(children: dict[int, socket.socket]) -> None:
    """Tell the coordinator how each finished child ended."""
    while children:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        link = children.pop(pid, None)
        if link is not None:
            # What the job has left running in its group must not outlive it.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
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
    pid = os.fork()
    if pid == 0:
        _child(control, children, link)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.setpgid(pid, pid)
    children[pid] = link
    return True


def _child(control: socket.socket, children: dict[int, socket.socket], link: socket.socket) -> None:
    """Do one job and go, without running anything that was registered for the parent's end."""
    status = 1
    try:
        with contextlib.suppress(PermissionError):
            os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        control.close()
        for other in children.values():
            other.close()
        import_module("pylightnix.executors.job").do(link)
        status = 0
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
