"""What a copy program that was killed left inside objects which are whole without it.

rsync writes `.name.XXXXXX` beside the file that it is copying, and renames it in the end. Killed,
it leaves that behind, and no later rsync takes it away: the object would count as incomplete for
ever, with everything that belongs to it there.
"""

from __future__ import annotations

import os
import re
import signal
import stat
from collections.abc import Sequence

from pylightnix.core.refs import RRef

from . import fsys
from .check import STRANGER, Fault
from .layout import Store, rref_path
from .trouble import is_passing

_NAME = re.compile(r"\.(.+)\.[A-Za-z0-9]{6}")


def is_stray(store: Store, fault: Fault) -> bool:
    """Tell whether a fault is such a file: one too many, and named after one that is there."""
    folder, _, name = f"{rref_path(store, RRef(fault.ref))}/{fault.path}".rpartition("/")
    found = _NAME.fullmatch(name)
    if fault.what != STRANGER or found is None:
        return False
    try:
        others = [other.lstrip(".") for other in os.listdir(folder) if other != name]
    except (FileNotFoundError, NotADirectoryError):
        return False
    # rsync leaves out a leading dot, and cuts long names off.
    return any(other.startswith(found[1]) for other in others)


def clear(store: Store, rref: RRef, strays: Sequence[Fault]) -> bool:
    """Move strays to the trash; false if one may still be written, or cannot be moved."""
    paths = [f"{rref_path(store, rref)}/{stray.path}" for stray in strays]
    try:
        if not all(_is_abandoned(path) for path in paths):
            return False
        for path in paths:
            folder = os.path.dirname(path)
            mode = stat.S_IMODE(os.stat(folder).st_mode)
            os.chmod(folder, mode | 0o200)
            try:
                fsys.to_trash(store, path)
            finally:
                os.chmod(folder, mode)
    except OSError as error:
        if is_passing(error):
            raise
        return False
    return True


def _is_abandoned(path: str) -> bool:
    """Tell whether it is a file that nobody has open for writing; then we get a read lease."""
    import fcntl

    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return False
        fcntl.fcntl(fd, 10, signal.SIGURG)  # F_SETSIG: a signal that is ignored
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
