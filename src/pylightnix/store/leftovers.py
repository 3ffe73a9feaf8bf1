"""What interrupted work left behind.

That is scratch folders of dead processes, lists of what these used, and names that readers ignore.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from pylightnix.core.reclaim import Ref
from pylightnix.core.refs import DRef
from pylightnix.core.value import value

from . import fsys
from .layout import INCOMING, Store, drv_path, parse_drv, var_path
from .query import dref_of
from .roots import LINKS, LIVE, is_dead, live_files
from .scratch import ALIVE
from .trouble import is_passing
from .usage import tree_bytes

# Where symlinks are made aside and renamed.
_BOOKS = ("roots", f"roots/{LINKS}", f"roots/{LIVE}", "verified")


@value
class Leftover:
    """Something that no reader sees and no process works on."""

    path: str
    size_bytes: int
    what: str


def leftovers(
    store: Store,
    before_s: float,
    in_use: Collection[Ref] = (),
    homes: Iterable[DRef] | None = None,
) -> Iterator[Leftover]:
    """Give what was left behind and last touched before a time.

    Args:
        store: where.
        before_s: the time, in seconds since 1970.
        in_use: references that live processes use. What is being written beside them is no
            left-over, however long ago it was begun.
        homes: derivations in whose folders to look; by default all.
    """
    busy = {dref_of(ref) for ref in in_use}
    tmp = var_path(store, "tmp")
    for name in _listed(tmp):
        path = f"{tmp}/{name}"
        if _older(path, before_s) and not _in_use(path):
            yield _found(path, "scratch of a build that failed or was killed")
    for path in live_files(store):
        if _is_dead(path):  # no matter since when: it says nothing any more
            yield _found(path, "what a process used that was killed")
    # Outputs from another disk are copied to the top; nobody can tell for which derivation.
    drefs = _derivations(store) if homes is None else homes
    folders = [drv_path(store, dref) for dref in drefs if dref not in busy]
    books = [var_path(store, part) for part in _BOOKS]
    for folder in (*folders, *(() if busy else (store.objects,)), *books):
        for name in _listed(folder, INCOMING):
            if _older(f"{folder}/{name}", before_s):
                yield _found(f"{folder}/{name}", "an interrupted write")


def _found(path: str, what: str) -> Leftover:
    size = 0
    with suppress(OSError):
        size = tree_bytes(path) if os.path.isdir(path) else os.lstat(path).st_size
    return Leftover(path, size, what)


def _derivations(store: Store) -> list[DRef]:
    names = _listed(store.objects)
    return [dref for name in names if (dref := parse_drv(name)) is not None]


def _listed(folder: str, begin: str = "") -> list[str]:
    try:
        return sorted([name for name in os.listdir(folder) if name.startswith(begin)])
    except (FileNotFoundError, NotADirectoryError):
        return []


def _older(path: str, before_s: float) -> bool:
    try:
        return os.lstat(path).st_ctime < before_s
    except OSError:
        return False


def _is_dead(path: str) -> bool:
    try:
        return is_dead(path)
    except OSError:
        return False


def _in_use(path: str) -> bool:
    """Tell whether a process holds the lock of a scratch folder, or of a file being downloaded."""
    try:
        return bool(fsys.is_locked(f"{path}/{ALIVE}" if os.path.isdir(path) else path))
    except OSError as error:
        if is_passing(error):
            raise
        return False
