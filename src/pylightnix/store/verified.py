"""Which objects were found to be what their names say.

Local builds are noted when published, foreign ones when first seen; a note is a symlink below
`var/verified` whose text identifies the folder, so it dies with the folder.

What is good in memory may not have reached the disk: a copy from elsewhere, or a build with
durability `none`, can lose its contents in a power cut and keep its names and times. Such a note
counts for the present boot only, and only for durability `none`; otherwise the object is flushed
first.

All of it may be deleted at any time; objects are then checked again.
"""

from __future__ import annotations

import os
from contextlib import suppress

from pylightnix.core.refs import RRef

from . import fsys
from .check import faults
from .layout import Store, rref_path, var_path
from .machine import boot_id
from .strays import clear, is_stray
from .syscalls import sync_filesystem
from .trouble import is_passing, status_of

DAMAGED = "damaged"


def _identity(status: os.stat_result) -> str:
    # No device number: it can change with every mount. The change time cannot be set by a copy
    # program.
    return f"{status.st_ino}.{status.st_ctime_ns}"


def _note(store: Store, rref: RRef) -> str:
    return f"{var_path(store, 'verified')}/{rref[5:70]}"


def is_valid(store: Store, rref: RRef) -> bool:
    """Tell whether a realization is there and is what its name says.

    Contents are checked when first seen.

    Raises:
        OSError: it cannot be told just now; see `trouble`.

    Effects: notes the verdict in `var/verified`, where that can be written.
    """
    try:
        identity = _identity(os.lstat(rref_path(store, rref)))
    except OSError as error:
        if is_passing(error):
            raise
        return False
    note = ""
    with suppress(OSError):
        note = os.readlink(_note(store, rref))
    if note == identity:
        return True
    seen = note.startswith(f"{identity}@")
    now = seen and note == _for_now(identity)
    if not now and not _is_whole(store, rref):
        return False
    # Good before the machine was started and good now: then it is on the disk.
    flushed = seen and not now
    if not flushed and store.durability != "none":
        # Whoever made it did not say that it is on the disk; he may have been killed on the way. It
        # may be handed out as if we had made it ourselves.
        sync_filesystem(rref_path(store, rref))
        flushed = True
    if flushed or not now:
        remember(store, rref, flushed=flushed)
    return True


def _is_whole(store: Store, rref: RRef) -> bool:
    strays = []
    for fault in faults(store, rref):
        if not is_stray(store, fault):
            return False
        strays.append(fault)
    return not strays or clear(store, rref, strays)


def _for_now(identity: str) -> str:
    return f"{identity}@{boot_id()}"


def remember(
    store: Store, rref: RRef, *, flushed: bool, status: os.stat_result | None = None
) -> None:
    """Note that an object is good; where that cannot be noted it will be checked again.

    Args:
        store: where.
        rref: the object.
        flushed: it is on the disk, whatever happens to the power.
        status: of its folder, if it was just taken.
    """
    try:
        identity = _identity(os.lstat(rref_path(store, rref)) if status is None else status)
        _write(store, rref, identity if flushed else _for_now(identity))
    except OSError:
        return


def distrust(store: Store, rref: RRef) -> None:
    """Note that an object which was whole once is damaged; it is checked before it is used."""
    with suppress(OSError):
        if was_seen(store, rref):
            _write(store, rref, DAMAGED)


def _write(store: Store, rref: RRef, text: str) -> None:
    note = _note(store, rref)
    try:
        os.symlink(text, note)
    except FileExistsError:
        aside = fsys.incoming(var_path(store, "verified"))
        os.symlink(text, aside)
        os.rename(aside, note)
    except FileNotFoundError:
        os.makedirs(var_path(store, "verified"), exist_ok=True)
        os.symlink(text, note)


def forget(store: Store, rref: RRef) -> None:
    """Take a note back: the object was deleted."""
    with suppress(OSError):
        os.unlink(_note(store, rref))


def was_seen(store: Store, rref: RRef) -> bool:
    """Tell whether an object of this name was whole here at any time."""
    return status_of(_note(store, rref)) is not None
