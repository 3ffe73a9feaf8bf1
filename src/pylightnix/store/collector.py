"""The collector's lock: shared for saying what must stay, exclusive for deleting.

Order: a build lock before the collector's lock, never the other way round. It is held for a few
system calls: the collector marks and renames under it, and deletes files without it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pylightnix.core.errors import StoreError

from .fsys import NO_FLOCK
from .layout import Store, var_path
from .machine import host

POLL_S = 0.02


class CollectorBusy(StoreError):
    """The collector's lock could not be had in time."""

    def __init__(self, holder: str, waited_s: float) -> None:
        super().__init__(holder, waited_s)
        self.holder, self.waited_s = holder, waited_s

    def __str__(self) -> str:
        return (
            f"the store is being collected, or changed, by {self.holder}; "
            f"waited {self.waited_s:g} s: try again later"
        )


@contextmanager
def collector_lock(store: Store, *, shared: bool, wait_s: float = 60.0) -> Iterator[None]:
    """Hold the collector's lock.

    Args:
        store: whose lock.
        shared: with others who only add roots; otherwise alone.
        wait_s: seconds to wait for it.

    Raises:
        CollectorBusy: it was not free for all of `wait_s`.
    """
    import fcntl

    fd = _open(store)
    try:
        _take(fd, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, wait_s)
        if not shared:
            line = f"process {os.getpid()} on {host()}\n".encode()
            with suppress(OSError):  # on a full disk collecting matters more than signing
                os.ftruncate(fd, os.pwrite(fd, line, 0))
        yield
    finally:
        os.close(fd)


def _open(store: Store) -> int:
    folder = var_path(store, "locks")
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(f"{folder}/collector", flags, 0o666)
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)
        return os.open(f"{folder}/collector", flags, 0o666)


def _take(fd: int, mode: int, wait_s: float) -> None:
    import fcntl

    until_s = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(fd, mode | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= until_s:
                holder = os.pread(fd, 200, 0).decode(errors="replace").strip()
                raise CollectorBusy(holder or "another process", wait_s) from None
            time.sleep(POLL_S)
        except OSError as error:
            # No flock here (some network file systems). Objects under the grace time are kept all
            # the same, so going on is safe for whoever adds roots; a collector must not run without
            # it.
            if error.errno not in NO_FLOCK:
                raise
            if mode == fcntl.LOCK_EX:
                raise StoreError(
                    "the file system of the store's folder `var` has no file locks, without which "
                    "nothing can be deleted safely: point PYLIGHTNIX_TMP to a local disk"
                ) from error
            return
