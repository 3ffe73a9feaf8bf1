"""Build locks: one machine builds a thing once. Correctness never depends on them.

A derivation's lock is one of 256 files below `var/locks`, chosen by its hash. The files are never
unlinked: whoever unlinks a held lock file lets a second holder in.

A free lock is taken here by a plain `flock`, which is all that most builds ever need and costs a
tenth of what the library's lock costs. Waiting, and file systems without `flock`, are left to
filelock: its locks on the same files are the same locks.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable

from pylightnix.core.errors import StoreError
from pylightnix.core.refs import DRef

from .clock import iso_second_now
from .fsys import NO_FLOCK
from .layout import Store, var_path
from .machine import host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager

# A waiter tells who holds the lock after so long; shorter waits are not worth a line.
PATIENCE_S = 1.0
# A realizer that realizes something else holds one lock and wants another; two of them can want
# each other's. After so long the inner one goes on without: at worst a thing is built twice, and
# nobody is stuck.
NESTED_WAIT_S = 30.0
# Without flock there are leases: files that their holders touch three times in this span.
LEASE_S = 60.0
_SIGNATURE = 400
_OPEN = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


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


def build_lock(
    store: Store,
    dref: DRef,
    *,
    wait_s: float | None = None,
    on_wait: Callable[[str], None] | None = None,
    who: str | None = None,
) -> AbstractContextManager[Store]:
    """Hold the build lock of a derivation.

    Args:
        store: whose `var/locks` has the files; its `held` names the locks that enclosing builds
            hold already.
        dref: the derivation.
        wait_s: seconds to wait for another holder; None waits without end.
        on_wait: told who holds the lock, once, when waiting takes longer than a second.
        who: what others are told while we hold it; by default `this_process()`.

    Returns:
        What gives, when entered, the store to hand to the builder: it knows what is held.

    Raises:
        StoreBusy: another process held it for all of `wait_s`.
        StoreError: the lock file cannot be made.
    """
    return _BuildLock(store, dref, wait_s, on_wait, who or this_process())


class _BuildLock:
    """A lock for one `with` block; a class, since a generator costs as much as the lock itself."""

    __slots__ = ("_dref", "_on_wait", "_release", "_store", "_wait_s", "_who")

    def __init__(
        self,
        store: Store,
        dref: DRef,
        wait_s: float | None,
        on_wait: Callable[[str], None] | None,
        who: str,
    ) -> None:
        self._store, self._dref, self._who = store, dref, who
        self._wait_s, self._on_wait = wait_s, on_wait
        self._release: Callable[[], None] | None = None

    def __enter__(self) -> Store:
        store, stripe = self._store, self._dref[5:7]
        if stripe in store.held:
            return store
        self._release = _taken(store, self._dref, self._wait_s, self._on_wait, self._who)
        if self._release is None:
            return store
        held = store.held | {stripe}
        return Store(store.objects, store.var, store.durability, held, store.index)

    def __exit__(self, *_: object) -> None:
        if self._release is not None:
            self._release()


def _taken(
    store: Store,
    dref: DRef,
    wait_s: float | None,
    on_wait: Callable[[str], None] | None,
    who: str,
) -> Callable[[], None] | None:
    """Take the lock and give what releases it; None if a nested build has to go on without."""
    path = _path(store, dref)
    fd = _open(path)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return _waited(store, dref, wait_s, on_wait, who)
    except OSError as error:
        os.close(fd)
        if error.errno not in NO_FLOCK:
            raise
        return _waited(store, dref, wait_s, on_wait, who, leased=True)
    _sign(fd, dref, who)
    return lambda: _release(fd)


def _release(fd: int) -> None:
    # Unlock first: a process that the builder forked has a copy of the descriptor, and closing
    # ours alone would leave the lock with it.
    try:
        fcntl.flock(fd, fcntl.LOCK_UN)
    finally:
        os.close(fd)


def _path(store: Store, dref: DRef) -> str:
    return f"{var_path(store, 'locks')}/{dref[5:7]}"


def _open(path: str) -> int:
    try:
        return os.open(path, _OPEN, 0o666)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, _OPEN, 0o666)
    except OSError as error:
        raise StoreError(
            f"the build lock {path} cannot be opened: {error}; "
            "a store that cannot be written to can only give what it has"
        ) from error


def this_process() -> str:
    """Say who we are, for those who wait for us."""
    return f"process {os.getpid()} on {host()}"


def _sign(fd: int, dref: DRef, who: str) -> None:
    holder = f"{who} since {iso_second_now()} ({dref})"
    # The lock is held whether or not the disk has room to say by whom. Always of one length, so
    # that nothing of a longer signature stays.
    try:
        os.pwrite(fd, f"{holder:<{_SIGNATURE - 1}}\n".encode()[:_SIGNATURE], 0)
    except OSError:
        return


def _waited(
    store: Store,
    dref: DRef,
    wait_s: float | None,
    on_wait: Callable[[str], None] | None,
    who: str,
    *,
    leased: bool = False,
) -> Callable[[], None] | None:
    from filelock import FileLock, SoftFileLease, Timeout

    nested = wait_s is None and bool(store.held)
    limit_s = NESTED_WAIT_S if nested else wait_s
    path = _path(store, dref)
    lock: FileLock | SoftFileLease
    if leased:
        lock = SoftFileLease(f"{path}.lease", lease_duration=LEASE_S, thread_local=False)
    else:
        # Handed from thread to thread only by us, and never nested on one stripe (see `held`).
        lock = FileLock(
            path,
            thread_local=False,
            preserve_lock_file=True,
            on_acquired=lambda fd: _sign(fd, dref, who),
        )
    patience_s = PATIENCE_S if limit_s is None else min(PATIENCE_S, limit_s)
    try:
        lock.acquire(timeout=patience_s)
        return lock.release
    except Timeout:
        if on_wait is not None:
            on_wait(holder_of(store, dref))
    try:
        lock.acquire(timeout=-1 if limit_s is None else limit_s - patience_s)
        return lock.release
    except Timeout:
        if nested:
            return None
        raise StoreBusy(dref, holder_of(store, dref), limit_s or 0.0) from None


def holder_of(store: Store, dref: DRef) -> str:
    """Tell who holds, or last held, the build lock of a derivation."""
    try:
        with open(_path(store, dref), encoding="utf-8", errors="replace") as file:
            return file.read(500).strip() or "an unknown process"
    except OSError:
        return "an unknown process"
