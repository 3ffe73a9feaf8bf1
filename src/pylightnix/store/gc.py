"""Collect garbage: list, decide, move the dead into the trash, delete old trash.

Moving is done under the collector's lock, deleting without it.

The last collection stays in `var/trash` until the next one, or until the trash is emptied, so that
it can be undone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from pylightnix.core.errors import StoreError
from pylightnix.core.reclaim import Policy, Ref, Victim, dead
from pylightnix.core.refs import DRef, RRef, isrref
from pylightnix.core.value import value

from . import fsys
from .census import Score, census
from .collector import collector_lock
from .layout import Store, drv_path, rref_path, trash_path
from .leftovers import Leftover, leftovers
from .roots import linked, live_refs, named_roots, watched_folders
from .syscalls import rename_noreplace
from .usage import tree_bytes

COLLECTION = "gc-"
DOOMED = "old-"
DERIVATION = "derivation"
ORDER = "order"


@value
class Collection:
    """What a collection did, or would do.

    Attributes:
        dead: victims, what needs others before what it needs; each has `.ref`, `.bytes` and
            `.reason`.
        leftovers: what interrupted work left behind, which no reader sees.
        kept: how many objects stay.
        freed_bytes: of victims and left-overs together.
        trash: the folder from which `undo` brings the victims back; None for a dry run, or if there
            were none.
    """

    dead: tuple[Victim, ...]
    leftovers: tuple[Leftover, ...]
    kept: int
    freed_bytes: int
    trash: str | None = None


def collect(
    store: Store,
    policy: Policy,
    *,
    keep: Iterable[Ref] = (),
    at_work: Sequence[Ref] = (),
    keep_folders: Sequence[str] = (),
    score: Score | None = None,
    dry_run: bool = False,
    leftovers_only: bool = False,
    mine: str = "",
    wait_s: float = 60.0,
) -> Collection:
    """Move all that nobody needs into the trash, and delete what was in the trash before.

    Args:
        store: where.
        policy: which of the dead are spared.
        keep: further roots.
        at_work: roots too: what other calls of this process are building.
        keep_folders: folders in which symlinks into the store are roots, beside the registered
            ones.
        score: for `policy.keep_best`: from the folder of a realization to its score.
        dry_run: decide, and change nothing.
        leftovers_only: take away just what interrupted work left behind.
        mine: the file of what this process uses; see `live_refs`.
        wait_s: seconds to wait for others who hold the collector's lock.

    Raises:
        CollectorBusy: the lock could not be had in time.
        OSError: something could not be moved; what was moved by then is in the trash, and can be
            brought back.

    Effects: renames below the store and `var/trash`, then deletes in `var/trash` and `var/tmp`.
    """
    # What was never seen before has its contents checked, which may take long: not under the lock.
    counted = census(store, score)
    with collector_lock(store, shared=False, wait_s=wait_s):
        if not dry_run:
            counted = census(store, score)
        used = live_refs(store, mine)
        roots = {*all_roots(store, keep_folders, used), *keep, *at_work}
        now_s = time.time()
        victims = () if leftovers_only else dead(counted.stock, roots, policy, now_s)
        before_s = now_s - policy.grace_s
        rest = tuple(leftovers(store, before_s, (*used, *at_work), counted.unsure))
        doomed = [] if dry_run else _taken(rest)
        if not dry_run and not leftovers_only:
            doomed += _claimed(store)
        trash = None if dry_run or not victims else _to_trash(store, victims)
    for path in doomed:
        fsys.delete_tree(path)
    freed = sum(victim.size_bytes for victim in victims) + sum(found.size_bytes for found in rest)
    return Collection(victims, rest, len(counted.stock.needs) - len(victims), freed, trash)


def _claimed(store: Store) -> list[str]:
    """Take earlier collections out of the reach of `undo`; gives where they are now."""
    doomed = _in_trash(store, DOOMED)  # of a collector that was killed
    for path in _in_trash(store, COLLECTION):
        doomed.append(f"{trash_path(store)}/{DOOMED}{fsys.token()}")
        os.rename(path, doomed[-1])
    return doomed


def _taken(found: Iterable[Leftover]) -> list[str]:
    """Rename left-overs where they are: should anybody still write one, it cannot be published."""
    doomed = []
    for leftover in found:
        target = fsys.incoming(os.path.dirname(leftover.path))
        with suppress(FileNotFoundError):
            os.rename(leftover.path, target)
            doomed.append(target)
    return doomed


def all_roots(
    store: Store, folders: Sequence[str] = (), used: Mapping[Ref, str] | None = None
) -> Mapping[Ref, str]:
    """Give every root and what makes it one, in words.

    Args:
        store: where.
        folders: in which symlinks into the store are roots too.
        used: as `live_refs` gave it.
    """
    found: dict[Ref, str] = {ref: f"used by {who}" for ref, who in (used or {}).items()}
    for folder in (*watched_folders(store), *folders):
        for path, linked_ref in linked(store, folder):
            found[linked_ref] = f"linked from {path}"
    for name, named in named_roots(store).items():
        found[named] = f"root {name}"
    return found


def _in_trash(store: Store, kind: str) -> list[str]:
    """Paths in the trash that begin so, oldest first; quarantined damage begins with neither."""
    base = trash_path(store)
    try:
        names = sorted(name for name in os.listdir(base) if name.startswith(kind))
    except FileNotFoundError:
        return []
    return [f"{base}/{name}" for name in names]


def _to_trash(store: Store, victims: Sequence[Victim]) -> str:
    """Move victims in their order: a crash midway leaves nothing that lacks a dependency."""
    # The time first: the last collection is the one that sorts last.
    trash = f"{trash_path(store)}/{COLLECTION}{time.time_ns():020d}-{fsys.token()}"
    os.makedirs(trash)
    fsys.write_new(f"{trash}/{ORDER}", "".join(f"{victim.ref}\n" for victim in victims).encode())
    for victim in victims:
        ref = victim.ref
        home = f"{trash}/{ref[38:] if isinstance(ref, RRef) else ref[5:]}"
        os.makedirs(home, exist_ok=True)
        if isinstance(ref, RRef):
            _move(rref_path(store, ref), f"{home}/{ref[5:37]}")
        else:
            _move(drv_path(store, ref), f"{home}/{DERIVATION}")
    return trash


def _move(source: str, target: str) -> None:
    """Rename; a read-only folder is opened up first, as else only root may change its parent."""
    with suppress(FileNotFoundError, NotADirectoryError):
        if not os.lstat(source).st_mode & 0o200:
            os.chmod(source, 0o755)
        rename_noreplace(source, target)


def undo(store: Store, *, wait_s: float = 60.0) -> list[Ref]:
    """Bring the last collection back.

    Returns:
        What came back, sorted. What was made again in the meantime stays as it is.

    Raises:
        StoreError: there is no collection in the trash.
    """
    with collector_lock(store, shared=False, wait_s=wait_s):
        old = _in_trash(store, COLLECTION)
        if not old:
            raise StoreError("there is no collection to undo: the trash is empty")
        back = [ref for ref in _order(old[-1]) if _restored(store, ref, old[-1])]
    fsys.delete_tree(old[-1])
    return sorted(back)


def _order(trash: str) -> list[Ref]:
    """What a collection took, in the order to bring it back: what is needed before its users."""
    try:
        lines = fsys.read_bytes(f"{trash}/{ORDER}").decode().splitlines()
    except FileNotFoundError:
        return []  # it was killed before it took anything
    return [RRef(line) if isrref(line) else DRef(line) for line in reversed(lines)]


def _restored(store: Store, ref: Ref, trash: str) -> bool:
    """Bring one object back, unless it never went, or was made again."""
    with suppress(FileNotFoundError, FileExistsError):
        if isinstance(ref, RRef):
            rename_noreplace(f"{trash}/{ref[38:]}/{ref[5:37]}", rref_path(store, ref))
            os.chmod(rref_path(store, ref), 0o555)
        else:
            rename_noreplace(f"{trash}/{ref[5:]}/{DERIVATION}", drv_path(store, ref))
        return True
    return False


def empty_trash(store: Store) -> int:
    """Delete all that is in the trash, quarantined damage included; gives the bytes freed."""
    base = trash_path(store)
    freed = 0
    for name in os.listdir(base) if os.path.isdir(base) else ():
        with suppress(OSError):
            freed += tree_bytes(f"{base}/{name}")
        fsys.delete_tree(f"{base}/{name}")
    return freed
