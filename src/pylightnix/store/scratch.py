"""Scratch: where builders work, below `var/tmp`, on the store's file system. A stateful handle.

A scratch folder is marked as alive by a lock on a file in it. What a failed build left stays there
with the mark gone, for its owner to look at, until it is collected.
"""

from __future__ import annotations

import os
from contextlib import suppress

from pylightnix.core.value import value

from .collector import collector_lock
from .fsys import delete_tree, is_locked, token
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

    def keep(self, label: str = "") -> str:
        """Leave all that was made since the last time where it is, for its owner to look at.

        Args:
            label: what it is for, to find it by.

        Returns:
            The first path; a new folder if nothing was made.
        """
        kept = self.made[0] if self.made else f"{self._home}/{self._next}"
        with suppress(OSError):  # what went wrong before is worth telling, and not this
            kept = self.made[0] if self.made else self.new()
            os.makedirs(kept, exist_ok=True)
            if label:
                os.write(self._fd, f"\n{os.path.basename(kept)} {label}".encode())
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


@value
class Remains:
    """What is left of a build that failed or was killed."""

    label: str
    folder: str
    time_ns: int


def remains(store: Store, *, running: bool = False) -> list[Remains]:
    """Give what failed builds left behind under labels, the latest first.

    Args:
        store: where.
        running: also what is being built, or was until its process was killed a moment ago.
    """
    tmp = var_path(store, "tmp")
    found: list[Remains] = []
    for name in os.listdir(tmp):
        with suppress(OSError, UnicodeDecodeError):
            found += _remains_in(f"{tmp}/{name}", running)
    return sorted(found, key=lambda one: -one.time_ns)


def _remains_in(home: str, running: bool) -> list[Remains]:
    path = f"{home}/{ALIVE}"
    with open(path, encoding="utf-8") as mark:
        killed, *kept = mark.read().split("\n")
        time_ns = os.stat(mark.fileno()).st_mtime_ns
    found = [line.partition(" ")[::2] for line in kept]
    if killed and not kept and (running or not is_locked(path)):
        found = [("0", killed)]
    return [
        # Those of one folder are told apart by their numbers.
        Remains(label, f"{home}/{number}", time_ns + i)
        for i, (number, label) in enumerate(found)
        if os.path.isdir(f"{home}/{number}")
    ]


def abandoned(store: Store, label: str, since_ns: int = 0) -> str | None:
    """Find what was left behind under a label last, and not before a time; None if nothing was."""
    for one in remains(store, running=True):
        if one.label == label and one.time_ns >= since_ns:
            return one.folder
    return None
