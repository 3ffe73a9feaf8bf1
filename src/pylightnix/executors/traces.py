"""Traces: what of a process, beside its modules, a build can change and leave behind.

Each trace has a name and a value that can be compared. Where one cannot be read, as on systems
without `/proc`, the reading fails, and whoever asked has to take the process for unclean.
"""

from __future__ import annotations

import ctypes
import gc
import locale
import logging
import os
import resource
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache

from pylightnix.core.value import value

# How much larger than at first a process may be. Memory that a build did not give back is memory
# that the next ones may lack.
GROWTH_KIB = 32 * 1024
_STATUS = "/proc/self/status"
# What of it changes all the time and means nothing, or is looked at elsewhere.
_RESTLESS = (b"State", b"Vm", b"Rss", b"FDSize", b"SigQ", b"Hugetlb", b"volunt", b"nonvolunt")
_SIGNALS = (
    *(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD),
    *(signal.SIGPIPE, signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2),
)
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_LIMITS = tuple({getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")})
_PR_GET_CHILD_SUBREAPER, _PR_GET_PDEATHSIG = 37, 2


@value
class Traces:
    """What was found in a process at one time.

    Attributes:
        found: name of a trace -> its value.
        memory_kib: how much memory was in use.
    """

    found: Mapping[str, object]
    memory_kib: int


def dirt(before: Traces, after: Traces) -> str:
    """Name what is not as it was before; empty if all is."""
    for name, was in before.found.items():
        if name not in after.found:
            return name
        now = after.found[name]
        if now != was:
            return f"{name}: {_differing(was, now)}"
    for name in after.found:
        if name not in before.found:
            return name
    return "memory" if after.memory_kib - before.memory_kib > GROWTH_KIB else ""


def _differing(was: object, now: object) -> str:
    if isinstance(was, list) and isinstance(now, list):
        for one, other in zip(was, now, strict=False):
            if one != other:
                return f"{other!r:.60}"
    return f"{now!r:.60}"


def traces() -> Traces:
    """Read all traces of this process.

    Raises:
        Exception: one of them cannot be read.
    """
    found: dict[str, object] = {name: read() for name, read in _READERS.items()}
    status = _content(_STATUS)
    # Umask, user and groups, signals, processors, threads and more, as the kernel knows them.
    found["process status"] = [
        line for line in status.split(b"\n") if not line.startswith(_RESTLESS)
    ]
    return Traces(found, int(status.partition(b"VmRSS:")[2].split(None, 1)[0]))


def _content(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 1 << 16)
    finally:
        os.close(fd)


def _environment() -> list[bytes]:
    """The environment as programs that are started get it, whoever changed it."""
    block = _block()
    found: list[bytes] = []
    while bool(block) and (entry := block[len(found)]) is not None:
        found.append(entry)
    return found


@lru_cache(maxsize=1)
def libc() -> ctypes.CDLL:
    """Give the library whose functions Python does not have."""
    return ctypes.CDLL(None, use_errno=True)


@lru_cache(maxsize=1)
def _block() -> ctypes._Pointer[ctypes.c_char_p]:
    return ctypes.POINTER(ctypes.c_char_p).in_dll(libc(), "environ")


def _descriptors() -> dict[str, tuple[int, int]]:
    found = {}
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # that of the listing itself is closed by now
            status = os.fstat(int(name))
            found[name] = status.st_dev, status.st_ino
    return found


def _processes() -> bool:
    """Are there any below us, running or not waited for? Lost ones come to us."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _kernel() -> list[int]:
    """Tells whether lost processes come to us, and we go when the nursery does."""
    prctl, number, found = libc().prctl, ctypes.c_int(), []
    for question in (_PR_GET_CHILD_SUBREAPER, _PR_GET_PDEATHSIG):
        if prctl(question, ctypes.byref(number)):
            raise OSError("prctl")
        found.append(number.value)
    return found


def _root() -> tuple[int, int]:
    found = os.stat("/")
    return found.st_dev, found.st_ino


def _rank() -> list[object]:
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    return [nice, os.sched_getscheduler(0), _content("/proc/self/oom_score_adj"), os.getpgrp()]


def _handlers() -> list[object]:
    """Which functions handle signals; for the rarer ones, whether any does, is in the status."""
    wakes = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakes)
    return [wakes, *map(signal.getsignal, _SIGNALS)]


def _streams() -> list[object]:
    found: list[object] = []
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        for name in ("closed", "encoding", "errors", "line_buffering", "write_through", "newlines"):
            found.append(getattr(stream, name, None))
    return found


def _lists() -> list[object]:
    """What is changed in place; that another one was put there is seen among the modules."""
    return [[*sys.path], [*sys.argv], [*sys.meta_path], [*sys.path_hooks], [*sys.warnoptions]]


def _interpreter() -> list[object]:
    found = [sys.getrecursionlimit(), sys.getswitchinterval(), sys.get_int_max_str_digits()]
    hooks = [sys.gettrace(), sys.getprofile(), *sys.get_asyncgen_hooks(), sys.getdlopenflags()]
    collector = [gc.isenabled(), gc.get_threshold(), gc.get_debug(), [*gc.callbacks]]
    return [*found, *hooks, *collector, threading.stack_size(), socket.getdefaulttimeout()]


def _loggers() -> list[object]:
    manager = logging.Logger.manager
    found: list[object] = [manager.disable, [*manager.loggerDict]]
    for one in (logging.root, *manager.loggerDict.values()):
        if isinstance(one, logging.Logger):
            found += (one.level, one.propagate, one.disabled, [*one.handlers], [*one.filters])
    return found


def _registry() -> str:
    """What the stages of this process have left in the one registry that lives as long as it."""
    return repr(getattr(sys.modules.get("pylightnix.api.inplace"), "_global", None))


_READERS: Mapping[str, Callable[[], object]] = {
    "environment": _environment,
    "open files": _descriptors,
    "processes": _processes,
    "threads": threading.active_count,
    "root folder": _root,
    "priority": _rank,
    "limits": lambda: [*map(resource.getrlimit, _LIMITS)],
    "timers": lambda: [*map(signal.getitimer, _TIMERS)],
    "signal handlers": _handlers,
    "wards of the kernel": _kernel,
    "streams": _streams,
    "lists of sys": _lists,
    "interpreter": _interpreter,
    "warnings": lambda: [*warnings.filters],
    "locale": lambda: locale.setlocale(locale.LC_ALL),
    "logging": _loggers,
    "in-place registry": _registry,
}
