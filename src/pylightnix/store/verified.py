"""Which objects were found to be what their names say.

Local builds are noted when published, foreign ones when first seen; a note is a symlink below
`var/verified` whose text identifies the folder, so it dies with the folder.

All of it may be deleted at any time; objects are then checked again.
"""

from __future__ import annotations

import os
from contextlib import suppress

from pylightnix.core.refs import RRef

from . import fsys
from .check import faults
from .layout import Store, rref_path, var_path


def _identity(status: os.stat_result) -> str:
    # No device number: it can change with every mount. The change time cannot be set by a copy
    # program.
    return f"{status.st_ino}.{status.st_ctime_ns}"


def _note(store: Store, rref: RRef) -> str:
    return f"{var_path(store, 'verified')}/{rref[5:70]}"


def is_valid(store: Store, rref: RRef) -> bool:
    """Tell whether a realization is there and is what its name says.

    Contents are checked when first seen.

    Effects: notes the verdict in `var/verified`, where that can be written.
    """
    try:
        identity = _identity(os.lstat(rref_path(store, rref)))
    except OSError:
        return False
    try:
        if os.readlink(_note(store, rref)) == identity:
            return True
    except OSError:
        pass
    if next(faults(store, rref), None) is not None:
        return False
    remember(store, rref)
    return True


def remember(store: Store, rref: RRef) -> None:
    """Note that an object is good; where that cannot be noted it will be checked again."""
    with suppress(OSError):
        identity = _identity(os.lstat(rref_path(store, rref)))
        note = _note(store, rref)
        try:
            os.symlink(identity, note)
        except FileExistsError:
            aside = fsys.incoming(var_path(store, "verified"))
            os.symlink(identity, aside)
            os.rename(aside, note)
        except FileNotFoundError:
            os.makedirs(var_path(store, "verified"), exist_ok=True)
            os.symlink(identity, note)


def forget(store: Store, rref: RRef) -> None:
    """Take a note back: the object was found to be damaged."""
    with suppress(OSError):
        os.unlink(_note(store, rref))


def was_seen(store: Store, rref: RRef) -> bool:
    """Tell whether an object of this name was whole here at any time."""
    return os.path.lexists(_note(store, rref))
