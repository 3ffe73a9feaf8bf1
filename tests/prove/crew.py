"""Processes of a proof: forked, limited in time, and telling what went wrong."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from pylightnix.api import ambient


def new_process() -> None:
    """Forget what this process knows of stores, as one that was just started would."""
    for live in ambient._Process.live.values():
        live.close()
    ambient._Process.live.clear()
    ambient._Process.indexes.clear()


def note(path: str, line: str) -> None:
    """Add a line to a file, whole, however many processes do."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        os.write(fd, f"{line}\n".encode())
    finally:
        os.close(fd)


def lines(path: str) -> list[str]:
    """The lines of a file; none if it is not there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


@contextmanager
def room() -> Iterator[str]:
    """A folder for a proof, deleted afterwards whatever the modes in it."""
    top = tempfile.mkdtemp(prefix="proof-")
    try:
        yield top
    finally:
        scrap(top)


def scrap(top: str) -> None:
    """Delete a tree, read-only folders included."""
    if os.path.isdir(top):
        os.chmod(top, 0o700)
    for home, folders, _ in os.walk(top):
        for folder in folders:
            if not os.path.islink(f"{home}/{folder}"):
                os.chmod(f"{home}/{folder}", 0o700)
    shutil.rmtree(top, ignore_errors=True)


def start(work: Callable[[], object], errors: str) -> int:
    """Run in a forked child, which notes in the file `errors` what it raised; gives its id."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        work()
        # What the process uses is given back as at its ordinary end.
        for live in ambient._Process.live.values():
            live.close()
        status = 0
    except BaseException:
        with suppress(BaseException):
            note(errors, f"process {os.getpid()}: {traceback.format_exc()}")
    finally:
        os._exit(status)


def ended(pid: int, limit_s: float) -> int | None:
    """Wait for a child: its exit status; None if it was stuck, and had to be killed."""
    try:
        watch = os.pidfd_open(pid)
    except OSError:
        return _polled(pid, limit_s)
    try:
        ready, _, _ = select.select([watch], [], [], limit_s)
        if not ready:
            os.kill(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return status if ready else None
    finally:
        os.close(watch)


def _polled(pid: int, limit_s: float) -> int | None:
    until_s = time.monotonic() + limit_s
    while time.monotonic() < until_s:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def all_at_once(
    works: Sequence[Callable[[], object]], errors: str, limit_s: float
) -> list[int | None]:
    """Run in as many children, let go together; the status of each, None for a stuck one."""
    gate, opener = os.pipe()

    def waiting(work: Callable[[], object]) -> Callable[[], object]:
        def begin() -> None:
            os.close(opener)
            os.read(gate, 1)
            work()

        return begin

    pids = [start(waiting(work), errors) for work in works]
    os.close(gate)
    os.close(opener)
    until_s = time.monotonic() + limit_s
    return [ended(pid, max(0.01, until_s - time.monotonic())) for pid in pids]
