"""The nursery: a process that has everything imported and forks a child for every job.

`processes` starts it as a program, with a socket as its standard input. A fresh interpreter for
every build would cost a tenth of a second; a fork of the coordinator would copy its threads' locks;
and `multiprocessing` would run the user's script again in every child. This costs a few
milliseconds and runs nothing of the user's but the job.

It imports this library and some of the standard one, and nothing else. A numpy that was imported
here would give every build the same random numbers.

It leads a session of its own, so that Ctrl-C reaches the coordinator alone. When the coordinator is
gone, however it went, its end of the socket closes and every child is killed; when the nursery
itself is, the kernel kills them.
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
import threading
from importlib import import_module

from pylightnix.engine.provenance import Clock, provenance
from pylightnix.executors import frames
from pylightnix.executors.child import live
from pylightnix.executors.inventory import Inventory, inventory
from pylightnix.executors.job import Setup
from pylightnix.executors.traces import libc
from pylightnix.store.machine import boot_id

# Loaded by every build, sooner or later; or by many, whose processes would be used up by that.
_ALWAYS = (
    *("cloudpickle", "encodings.ascii", "fcntl"),
    *("glob", "json", "math", "pathlib", "random", "shutil", "subprocess"),
)


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
    loaded = _prepare(pickle.loads(frame[1]))  # noqa: S301 from our own parent, over a private socket
    with contextlib.suppress(OSError):
        frames.send(control, frames.READY, b"")
    children: dict[int, socket.socket] = {}
    try:
        while True:
            ready, _, _ = select.select([control.fileno(), wake_r], [], [])
            if wake_r in ready:
                _drain(wake_r)
                _reap(children)
            if control.fileno() in ready and not _serve(control, children, loaded):
                return
    finally:
        for pid in children:
            _kill_group(pid)


def _prepare(setup: Setup) -> Inventory | None:
    """Find modules where the coordinator does, import what every job needs, and take it down."""
    sys.path[:] = setup.path
    # With its first thread a process catches one more signal, for good; what was inherited is no
    # trace.
    first = threading.Thread(target=int)
    first.start()
    first.join()
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    for module in (*_ALWAYS, *setup.modules):
        with contextlib.suppress(ImportError):
            import_module(module)
    # What is asked once in a process and remembered (machine, user) need not be asked by each.
    provenance(None, Clock())
    boot_id()
    libc()
    loaded = inventory() if setup.reuse else None
    # Children share these pages for as long as nobody writes to them, as the collector would.
    gc.collect()
    gc.freeze()
    return loaded


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


def _serve(
    control: socket.socket, children: dict[int, socket.socket], loaded: Inventory | None
) -> bool:
    """Fork a child; false when the coordinator is gone."""
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
        live(ours, link, [control, *children.values()], loaded)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.setpgid(pid, pid)
    children[pid] = link
    return True
