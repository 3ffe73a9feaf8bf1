"""Scratch: where builders work, below `var/tmp`, on the store's file system. A stateful handle.

A scratch folder is marked as alive by a lock on a file in it. What a failed build left stays there
with the mark gone, for its owner to look at, until it is collected.
"""

from __future__ import annotations

import os
from contextlib import suppress

from .collector import collector_lock
from .fsys import delete_tree, token
from .layout import Store, var_path
from .machine import host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

ALIVE = ".alive"


class Scratch:
    """Names folders for builders; its own folder is made when the first is asked for.

    Args:
        store: where.
        label: what it is for, to find it by should this process be killed.

    Attributes:
        made: the paths given out and not dropped, in order.
        same_disk: whether they can be renamed into the store.
    """

    __slots__ = ("_fd", "_label", "_name", "_next", "_store", "made", "same_disk")

    def __init__(self, store: Store, label: str = "") -> None:
        self._store, self._label = store, label
        self._name = ""
        self._fd = -1
        self._next = 0
        self.made: list[str] = []
        self.same_disk = False

    @property
    def _home(self) -> str:
        # Named on first use: mostly there is nothing to build.
        if not self._name:
            self._name = f"{host()}-{os.getpid()}-{token()}"
        return f"{var_path(self._store, 'tmp')}/{self._name}"

    def new(self) -> str:
        """Give a path that is not there yet, in a folder that is."""
        if self._fd < 0:
            self._open()
        path = f"{self._home}/{self._next}"
        self._next += 1
        self.made.append(path)
        return path

    def gone(self, path: str) -> None:
        """Forget a path that was moved into the store."""
        if path in self.made:
            self.made.remove(path)

    def drop(self) -> None:
        """Delete all that was made since the last time."""
        while self.made:
            delete_tree(self.made.pop())

    def keep(self) -> str:
        """Leave all that was made since the last time where it is.

        Returns:
            The first path, or the folder of all.
        """
        kept = self.made[0] if self.made else self._home
        self.made.clear()
        return kept

    def _open(self) -> None:
        import fcntl

        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
        # A collector must not see the folder before its mark is locked: it would take it for one of
        # a dead process, and away from under the builder.
        with collector_lock(self._store, shared=True):
            os.makedirs(self._home)
            # Close-on-exec: a child that inherits the descriptor would keep the folder "alive"
            # after we are gone.
            self._fd = os.open(f"{self._home}/{ALIVE}", flags, 0o600)
            with suppress(OSError):  # no flock here, and so no collector
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._label:
                os.write(self._fd, self._label.encode())
        self.same_disk = os.stat(self._home).st_dev == os.stat(self._store.objects).st_dev

    def __enter__(self) -> Scratch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._fd < 0:
            return
        self.drop()
        with suppress(OSError):
            if os.listdir(self._home) == [ALIVE]:
                os.unlink(f"{self._home}/{ALIVE}")
                os.rmdir(self._home)
        os.close(self._fd)
        self._fd = -1


def abandoned(store: Store, label: str) -> str | None:
    """Find what was left behind under a label last; None if nothing was."""
    tmp = var_path(store, "tmp")
    found: list[tuple[int, str]] = []
    for name in os.listdir(tmp):
        with suppress(OSError), open(f"{tmp}/{name}/{ALIVE}", encoding="utf-8") as mark:
            if mark.read(len(label) + 1) == label:
                found.append((os.stat(mark.fileno()).st_mtime_ns, f"{tmp}/{name}"))
    if not found:
        return None
    home = max(found)[1]
    return f"{home}/0" if os.path.isdir(f"{home}/0") else home
