"""What interrupted work left behind.

That is scratch folders of dead processes, and names that readers ignore.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass

from pylightnix.core.reclaim import Ref
from pylightnix.core.refs import DRef

from .layout import INCOMING, Store, drv_path, parse_drv, var_path
from .query import dref_of
from .scratch import ALIVE
from .usage import tree_bytes


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something that no reader sees and no process works on."""

    path: str
    size_bytes: int
    what: str


def leftovers(store: Store, before_s: float, in_use: Collection[Ref] = ()) -> Iterator[Leftover]:
    """Give what was left behind and last touched before a time, sorted by path.

    Args:
        store: where.
        before_s: the time, in seconds since 1970.
        in_use: references that live processes use. What is being written beside them is no
            left-over, however long ago it was begun.
    """
    busy = {dref_of(ref) for ref in in_use}
    tmp = var_path(store, "tmp")
    for name in _listed(tmp):
        path = f"{tmp}/{name}"
        if _older(path, before_s) and not _in_use(path):
            yield _found(path, "scratch of a build that failed or was killed")
    # Outputs from another disk are copied to the top; nobody can tell for which derivation.
    homes = [drv_path(store, dref) for dref in _derivations(store) if dref not in busy]
    for folder in (*homes, *(() if busy else (store.objects,))):
        for name in _listed(folder):
            if name.startswith(INCOMING) and _older(f"{folder}/{name}", before_s):
                yield _found(f"{folder}/{name}", "an interrupted write")


def _found(path: str, what: str) -> Leftover:
    size = 0
    with suppress(OSError):
        size = tree_bytes(path) if os.path.isdir(path) else os.lstat(path).st_size
    return Leftover(path, size, what)


def _derivations(store: Store) -> list[DRef]:
    names = _listed(store.objects)
    return [dref for name in names if (dref := parse_drv(name)) is not None]


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []


def _older(path: str, before_s: float) -> bool:
    try:
        return os.lstat(path).st_ctime < before_s
    except OSError:
        return False


def _in_use(path: str) -> bool:
    """Tell whether a process holds the lock of a scratch folder, or of a file being downloaded."""
    import fcntl

    try:
        mark = f"{path}/{ALIVE}" if os.path.isdir(path) else path
        fd = os.open(mark, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
