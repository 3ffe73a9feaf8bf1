"""Build locks: one machine builds a thing once. Correctness never depends on them; installing is
atomic without.

A derivation's lock is one of 256 files below `var/locks`, chosen by its hash. The files are never
unlinked: whoever unlinks a held lock file lets a second holder in.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pylightnix.core.errors import StoreError
from pylightnix.core.refs import DRef

from .layout import Store, var_path

if TYPE_CHECKING:
    from filelock import FileLock

# A waiter tells who holds the lock after so long; shorter waits are not worth a line.
PATIENCE_S = 1.0
# A realizer that realizes something else holds one lock and wants another; two of them can want
# each other's. After so long the inner one goes on without: at worst a thing is built twice, and
# nobody is stuck.
NESTED_WAIT_S = 30.0


class StoreBusy(StoreError):
    """Another process kept a build lock for longer than was waited."""

    def __init__(self, dref: str, holder: str, waited_s: float) -> None:
        super().__init__(dref, holder, waited_s)
        self.dref, self.holder, self.waited_s = dref, holder, waited_s

    def __str__(self) -> str:
        return (
            f"{self.dref} is being built by {self.holder}; waited {self.waited_s:g} s: "
            "try again later, or with a larger lock_timeout_s"
        )


@contextmanager
def build_lock(
    store: Store,
    dref: DRef,
    *,
    wait_s: float | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> Iterator[Store]:
    """Hold the build lock of a derivation.

    Args:
        wait_s: seconds to wait for another holder; None waits without end.
        on_wait: told who holds the lock, once, when waiting takes longer than a second.

    Returns:
        The store to hand to the builder: it knows what is held already.

    Raises:
        StoreBusy: another process held it for all of `wait_s`.
    """
    stripe = dref[5:7]
    if stripe in store.held:
        yield store
        return
    lock = _filelock(store, stripe, dref)
    got = _acquire(store, lock, dref, wait_s, on_wait)
    try:
        yield replace(store, held=store.held | {stripe}) if got else store
    finally:
        if got:
            lock.release()


def _filelock(store: Store, stripe: str, dref: DRef) -> FileLock:
    from filelock import FileLock

    folder = var_path(store, "locks")
    os.makedirs(folder, exist_ok=True)
    since = datetime.now(UTC).isoformat(timespec="seconds")
    holder = f"process {os.getpid()} on {os.uname().nodename} since {since} ({dref})\n".encode()

    def sign(fd: int) -> None:
        os.ftruncate(fd, os.pwrite(fd, holder, 0))

    # Handed from thread to thread only by us, and never nested on one stripe (see `held`): no
    # thread-local state.
    return FileLock(
        f"{folder}/{stripe}", thread_local=False, preserve_lock_file=True, on_acquired=sign
    )


def _acquire(
    store: Store,
    lock: FileLock,
    dref: DRef,
    wait_s: float | None,
    on_wait: Callable[[str], None] | None,
) -> bool:
    """Take the lock; false if a nested build had to go on without."""
    from filelock import Timeout

    nested = wait_s is None and bool(store.held)
    if nested:
        wait_s = NESTED_WAIT_S
    patience_s = PATIENCE_S if wait_s is None else min(PATIENCE_S, wait_s)
    try:
        lock.acquire(timeout=patience_s)
        return True
    except Timeout:
        if on_wait is not None:
            on_wait(holder_of(store, dref))
    try:
        lock.acquire(timeout=-1 if wait_s is None else wait_s - patience_s)
        return True
    except Timeout:
        if nested:
            return False
        raise StoreBusy(dref, holder_of(store, dref), wait_s or 0.0) from None


def holder_of(store: Store, dref: DRef) -> str:
    """Tell who holds, or last held, the build lock of a derivation."""
    path = f"{var_path(store, 'locks')}/{dref[5:7]}"
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(500).strip() or "an unknown process"
    except OSError:
        return "an unknown process"
