"""A child of the nursery: makes one call after the other, for as long as nothing of one is left.

A fork costs more than all else that a small build does, since a new process has to copy every page
that it writes to. So a child that is found as it was before a call makes the next one too. A failed
call, what was left behind, and any doubt about it, end it.
"""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import socket
import sys
import time
from collections.abc import Iterable
from contextvars import Context
from typing import Any

from . import frames
from .inventory import Inventory, imported, renewed, replaced
from .job import Call, answered
from .traces import Traces, dirt, libc, traces

# What nobody can see adds up.
CALLS = 64
PATIENCE_S = 0.002
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def live(
    parent: int, link: socket.socket, others: Iterable[socket.socket], loaded: Inventory | None
) -> None:
    """Serve and go, without running anything that was registered for the parent's end.

    Args:
        parent: the nursery.
        link: to the coordinator.
        others: sockets of the nursery, which are none of ours.
        loaded: what the nursery has loaded; None if this is to make one call only.
    """
    status = 1
    try:
        with contextlib.suppress(PermissionError):
            os.setpgid(0, 0)
        _die_with(parent)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for other in others:
            other.close()
        _serve(link, loaded)
        status = 0
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _serve(link: socket.socket, loaded: Inventory | None) -> None:
    """Make calls; before the last answer goes what the reason is that it is the last."""
    ours = os.getpid()
    frames.send(link, frames.PID, str(ours).encode())
    home, before = None, None
    if loaded is not None:
        with contextlib.suppress(Exception):
            # What a build leaves running and forgets must come to us, or we would not see it.
            libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            loaded, home, before = renewed(loaded), os.getcwd(), traces()
    for left in range(CALLS - 1, -1, -1):
        frame = frames.receive(link)
        if frame is None:
            return
        call: Call = pickle.loads(frame[1])  # noqa: S301 from our own coordinator
        # What a call sets of context variables goes with the context.
        worked, answer = Context().run(answered, call, link)
        if os.getpid() != ours:  # a fork that the call made, and that came back from it
            os._exit(1)
        reason = "it failed"
        if worked:
            reason = _remains(loaded, before, home) if left else "it is old"
        if reason:
            frames.send(link, frames.LAST, reason.encode())
        frames.send(link, frames.ANSWER, answer)
        if reason:
            return


def _remains(loaded: Inventory | None, before: Traces | None, home: str | None) -> str:
    """Name what a call has left behind; empty if the next one finds all as it did."""
    if loaded is None or before is None or home is None:
        return "it cannot be looked at"
    try:
        module = imported(loaded)
        if module:
            return f"module {module}"
        gc.collect()  # what has to be closed at its end is closed now, and not in the next call
        os.chdir(home)
        trace = dirt(before, traces())
        if trace:
            # A thread that was waited for may take a moment to be gone.
            time.sleep(PATIENCE_S)
            trace = dirt(before, traces())
        if trace:
            return trace
        changed = replaced(loaded)
        if changed:
            return changed
        _forget()
    except BaseException as error:
        return f"what nobody can look at: {type(error).__name__}"
    return ""


def _forget() -> None:
    """Let the next call begin with what no two calls may share, and what would differ in a fork."""
    cloudpickle: Any = sys.modules["cloudpickle.cloudpickle"]
    # By these a class that travels by value would be the one of an earlier call.
    cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS.clear()
    cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID.clear()
    random = sys.modules.get("random")
    if random is not None:
        random.seed()


def _die_with(parent: int) -> None:
    """Let the kernel kill us when the nursery is gone; where it cannot, its end is not noticed."""
    with contextlib.suppress(OSError, AttributeError):
        libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
